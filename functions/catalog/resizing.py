"""The sizes in which a picture is shown, made of an upload. Pure; Pillow is in the layer of its one user."""

import io
import struct
import zlib

from PIL import Image, ImageOps, UnidentifiedImageError

from cloudretail.errors import ShopError

WIDTHS = (320, 640, 1280)
"""In pixels: a card, a card on a sharp screen, a page."""

MAX_PIXELS = 40_000_000
"""Of an upload. It takes four bytes each, and as many again while it is worked on: 320 MB of the function's 1 GB. A few
kilobytes can be a picture of a billion of them, so that this is looked up before anything is unpacked."""

QUALITY = 82
"""Of WebP, from 0 to 100."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
"""What Pillow's decoders raise for bytes that are no picture of their kind."""


class NotAPicture(ShopError):
    """An upload that cannot be shown; the text is a sentence for whoever uploaded it."""


def sizes_of(content: bytes) -> dict[int, bytes]:
    """An upload in each size that it is large enough for.

    Nothing of what a camera writes into a file, such as where it was, comes along. Which way is up is taken into
    account.

    Args:
        content: of a WebP, PNG or JPEG file, whatever it was said to be.

    Returns:
        WebP files by width in pixels, the narrowest first: those of WIDTHS that are narrower than the upload, and its
        own width, up to the largest of them. The same upload gives the same files.

    Raises:
        NotAPicture: it is none, is broken, or has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP", "PNG", "JPEG")) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise NotAPicture(
                    f"The picture is too large: {width:,} x {height:,} pixels. Up to {MAX_PIXELS:,} can be shown."
                )
            upright = _plain(picture)
    except UnidentifiedImageError:
        raise NotAPicture("The file is no WebP, PNG or JPEG picture.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NotAPicture(f"The picture is too large. Up to {MAX_PIXELS:,} pixels can be shown.") from None
    except _BROKEN:
        raise NotAPicture("The picture is broken: it cannot be read to its end.") from None
    largest = min(upright.width, WIDTHS[-1])
    return {width: _webp(upright, width) for width in (*(each for each in WIDTHS if each < largest), largest)}


def _plain(picture: Image.Image) -> Image.Image:
    """Upright, and in red, green, blue, and alpha where there is some."""
    colours = "RGBA" if picture.has_transparency_data else "RGB"
    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA") else None
    plain = ImageOps.exif_transpose(picture).convert(colours)
    # The colours of a phone are not those of every screen: their profile is what says which they are.
    plain.info = {"icc_profile": profile} if profile else {}
    return plain


def _webp(picture: Image.Image, width: int) -> bytes:
    height = max(1, round(picture.height * width / picture.width))
    resized = picture if width == picture.width else picture.resize((width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    resized.save(file, "WEBP", quality=QUALITY, icc_profile=picture.info.get("icc_profile", b""))
    return file.getvalue()
