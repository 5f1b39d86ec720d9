"""Makes the sizes of a picture from an upload. Pure; Pillow is in the layer of the one function that uses it."""

import io
import struct
import zlib

from PIL import Image, ImageOps, UnidentifiedImageError

from cloudretail.errors import ShopError

WIDTHS = (320, 640, 1280)
"""In pixels: for a card, for a card on a high-resolution screen, and for a page."""

MAX_PIXELS = 40_000_000
"""The most pixels of an upload. A pixel takes four bytes, and four more while it is processed: 320 MB of the function's
1 GB. A file of a few kilobytes can hold a billion pixels, so this is checked before anything is decoded."""

QUALITY = 82
"""Quality of WebP, from 0 to 100."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
"""What Pillow's decoders raise for invalid bytes."""


class NotAPicture(ShopError):
    """An upload that cannot be shown. The text is a sentence for the member of staff who uploaded it."""


def sizes_of(content: bytes) -> dict[int, bytes]:
    """Make the sizes of an upload that it is large enough for.

    The camera's metadata, such as the place, is removed. Its orientation is applied first.

    Args:
        content: of a WebP, PNG or JPEG file, whatever its declared type.

    Returns:
        WebP files by width in pixels, the narrowest first: those of WIDTHS that are narrower than the upload, and the
        upload's own width, at most the largest of them. The same upload gives the same files.

    Raises:
        NotAPicture: the content is not a picture, is broken, or has too many pixels.
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
    """The picture upright, in RGB, or in RGBA if it has transparency."""
    colours = "RGBA" if picture.has_transparency_data else "RGB"
    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA") else None
    plain = ImageOps.exif_transpose(picture).convert(colours)
    # The colour profile is kept: without it, a phone's wide colours would look wrong on other screens.
    plain.info = {"icc_profile": profile} if profile else {}
    return plain


def _webp(picture: Image.Image, width: int) -> bytes:
    height = max(1, round(picture.height * width / picture.width))
    resized = picture if width == picture.width else picture.resize((width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    resized.save(file, "WEBP", quality=QUALITY, icc_profile=picture.info.get("icc_profile", b""))
    return file.getvalue()
