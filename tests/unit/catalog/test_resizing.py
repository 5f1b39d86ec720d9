import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from catalog.resizing import MAX_PIXELS, NotAPicture, sizes_of


def file_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of so many pixels each way, in a few bytes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "widths"),
    [
        (100, [100]),
        (320, [320]),
        (321, [320, 321]),
        (640, [320, 640]),
        (1000, [320, 640, 1000]),
        (1280, [320, 640, 1280]),
        (3000, [320, 640, 1280]),
    ],
)
def test_an_upload_is_made_smaller_and_never_larger(width: int, widths: list[int]) -> None:
    sizes = sizes_of(file_of(Image.new("RGB", (width, 50))))

    assert list(sizes) == widths
    assert [opened(content).size for content in sizes.values()] == [
        (each, max(1, round(50 * each / width))) for each in widths
    ]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        *(("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
        *(("WEBP", mode) for mode in ("RGB", "RGBA")),
    ],
)
def test_every_kind_of_picture_is_one_webp(kind: str, mode: str) -> None:
    for content in sizes_of(file_of(Image.new(mode, (400, 300)), kind)).values():
        assert opened(content).format == "WEBP"


def test_what_is_transparent_stays_so() -> None:
    (content,) = sizes_of(file_of(Image.new("RGBA", (8, 8), (255, 0, 0, 0)))).values()

    assert opened(content).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_the_way_up_is_kept_and_where_a_camera_was_is_not() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn it by 90 degrees.
    exif[0x8825] = {1: "N", 2: (1.0, 17.0, 0.0)}  # A place.

    (content,) = sizes_of(file_of(Image.new("RGB", (200, 100)), "JPEG", exif=exif)).values()

    assert opened(content).size == (100, 200)
    assert dict(opened(content).getexif()) == {}


def test_the_first_picture_of_a_moving_one_stands_for_it() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]

    (content,) = sizes_of(file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:])).values()

    assert getattr(opened(content), "n_frames", 1) == 1


def test_the_same_upload_gives_the_same_files() -> None:
    upload = file_of(Image.effect_noise((700, 700), 50))

    assert sizes_of(upload) == sizes_of(upload)


@pytest.mark.parametrize("side", [6_400, 20_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    assert side**2 > MAX_PIXELS

    with pytest.raises(NotAPicture, match="too large"):
        sizes_of(bomb(side))


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"\xff\xd8\xff", b"GIF89a" + bytes(20), b"BM" + bytes(60), b"%PDF-1.7", b"<svg/>", bytes(1000)],
)
def test_what_is_no_picture_of_a_kind_that_the_shop_takes_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        sizes_of(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_broken_picture_is_refused_wherever_it_breaks(kind: str) -> None:
    upload = file_of(Image.effect_noise((90, 90), 50), kind)

    for length in range(0, len(upload) - 64, len(upload) // 40):
        with pytest.raises(NotAPicture):
            sizes_of(upload[:length])
