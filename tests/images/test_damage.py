"""Files that are not what they claim to be, row by row of what may go wrong."""

import contextlib
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from canthus.errors import ImageError
from canthus.images.files import decode_image, read_image

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]

MAGENTA = (251, 3, 249)
END_OF_JPEG = b"\xff\xd9"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *notes: bytes) -> bytes:
    """A gray PNG that says it is so large, and holds 20 rows of 20 pixels."""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(20 * 21)))
    return b"\x89PNG\r\n\x1a\n" + size + b"".join(notes) + rows + chunk(b"IEND", b"")


def count_magenta(data: bytes, other: bytes) -> int:
    """Decode another person's picture, then this one; count what shows of the other."""
    for _ in range(2):
        decode_image(other)
    try:
        pixels = decode_image(data, max_pixels=100_000)
    except ImageError:
        return 0
    return int((pixels == MAGENTA).all(axis=2).sum())


@pytest.fixture(scope="session")
def magenta(encode: Encode) -> bytes:
    return encode(np.full((48, 64, 3), MAGENTA, np.uint8), "PNG")


@pytest.fixture(params=["baseline", "progressive", "restarts", "cmyk"])
def jpeg(request: pytest.FixtureRequest, encode: Encode, picture: Picture) -> bytes:
    image = Image.fromarray(picture)
    match request.param:
        case "progressive":
            return encode(image, "JPEG", progressive=True)
        case "restarts":
            return encode(image, "JPEG", restart_marker_blocks=3)
        case "cmyk":
            return encode(image.convert("CMYK"), "JPEG")
    return encode(image, "JPEG")


@pytest.fixture(params=["PNG", "WEBP", "BMP", "TIFF"])
def other_file(request: pytest.FixtureRequest, encode: Encode, picture: Picture) -> bytes:
    return encode(picture, request.param)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(ImageError, match=r"photo.jpg: expected a picture, found no bytes at all"):
        decode_image(b"", "photo.jpg")


def test_text_is_refused_whatever_its_name() -> None:
    with pytest.raises(ImageError, match=r"photo.jpg: .* found bytes that begin with b'Dear"):
        decode_image(b"Dear reader, I am no picture", "photo.jpg")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_jpeg_that_is_cut_off_is_refused(jpeg: bytes, share: float) -> None:
    with pytest.raises(ImageError, match="cut off"):
        decode_image(jpeg[: int(share * len(jpeg))])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_any_other_file_that_is_cut_off_is_refused(other_file: bytes, share: float) -> None:
    with pytest.raises(ImageError, match="cut off"):
        decode_image(other_file[: int(share * len(other_file))])


def test_a_jpeg_that_is_cut_off_anywhere_is_refused(jpeg: bytes) -> None:
    for length in range(1, len(jpeg) - 1):
        with pytest.raises(ImageError):
            decode_image(jpeg[:length])


def test_bytes_after_the_end_of_a_jpeg_do_not_matter(jpeg: bytes) -> None:
    assert np.array_equal(decode_image(jpeg + b"\xff\xd8 another picture"), decode_image(jpeg))


def test_a_jpeg_with_flipped_bits_gives_an_error_or_a_picture_but_never_another_one(
    jpeg: bytes, magenta: bytes
) -> None:
    for seed in range(250):  # times four kinds of JPEG
        assert count_magenta(flipped(jpeg, seed), magenta) == 0


def test_other_files_with_flipped_bits_give_an_error_or_a_picture_but_never_another_one(
    other_file: bytes, magenta: bytes
) -> None:
    for seed in range(100):
        assert (
            count_magenta(flipped(other_file, seed), magenta) <= 2
        )  # by chance, in lossless files


def flipped(data: bytes, seed: int) -> bytes:
    """One to eight flipped bits, half of the time among the first 600 bytes."""
    dice = np.random.default_rng(seed)
    reach = min(600, len(data)) if seed % 2 else len(data)
    damaged = np.frombuffer(data, np.uint8).copy()
    places = dice.integers(0, reach, dice.integers(1, 9))
    damaged[places] ^= (1 << dice.integers(0, 8, len(places))).astype(np.uint8)
    return damaged.tobytes()


def test_a_jpeg_whose_end_is_swallowed_by_a_comment_is_refused(
    encode: Encode, picture: Picture
) -> None:
    data = encode(picture, "JPEG", progressive=True)
    second_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    with pytest.raises(ImageError, match="cut off"):
        decode_image(data[:second_scan] + b"\xff\xfe\xff\xff" + END_OF_JPEG)


def test_a_jpeg_of_very_many_scans_is_refused(encode: Encode, picture: Picture) -> None:
    data = encode(picture, "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="scans"):
        decode_image(data[:-2] + 200 * scan + END_OF_JPEG)


def test_a_png_that_claims_60000_by_60000_pixels_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(cv2, "imdecode")
    with pytest.raises(ImageError, match="found 60000 x 60000"):
        decode_image(png(60000, 60000))


def test_the_largest_picture_can_be_chosen(encode: Encode, picture: Picture) -> None:
    with pytest.raises(ImageError, match="3071 in all at most, found 64 x 48"):
        decode_image(encode(picture, "JPEG"), max_pixels=64 * 48 - 1)


@pytest.mark.parametrize(
    ("kind", "before"),
    [(b"zTXt", b"note\0\0"), (b"iTXt", b"note\0\1\0en\0note\0"), (b"iCCP", b"profile\0\0")],
)
def test_a_png_with_a_note_that_unfolds_without_measure_is_refused(
    kind: bytes, before: bytes
) -> None:
    note = chunk(kind, before + zlib.compress(bytes(64 << 20)))
    with pytest.raises(ImageError, match="unfolds to more than"):
        decode_image(png(20, 20, note))


def test_a_png_with_many_notes_is_judged_by_their_sum() -> None:
    note = chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(1 << 20)))
    with pytest.raises(ImageError, match="unfolds to more than"):
        decode_image(png(20, 20, *17 * [note]))


def test_a_png_with_a_usual_note_is_read() -> None:
    notes = (
        chunk(b"zTXt", b"note\0\0" + zlib.compress(b"good day")),
        chunk(b"iTXt", b"a\0\0\0\0\0b"),
    )
    assert decode_image(png(20, 20, *notes)).shape == (20, 20, 3)


def test_a_png_with_fewer_rows_than_it_says_is_refused(magenta: bytes) -> None:
    decode_image(magenta)
    with pytest.raises(ImageError, match="cannot decode"):
        decode_image(png(20, 40))


def test_a_png_with_a_wrong_checksum_is_refused() -> None:
    data = png(20, 20)
    with pytest.raises(ImageError, match="wrong checksum"):
        decode_image(data[:-13] + bytes([data[-13] ^ 1]) + data[-12:])


def test_a_tiff_with_fewer_pieces_than_it_needs_is_refused(
    encode: Encode, picture: Picture
) -> None:
    data = bytearray(encode(picture, "TIFF"))
    height = data.index(struct.pack("<HHII", 257, 4, 1, 48)) + 8
    data[height : height + 4] = struct.pack("<I", 96)
    with pytest.raises(ImageError, match="1 of the 2 pieces"):
        decode_image(bytes(data))


def test_of_a_tiff_with_many_pages_the_first_is_read(encode: Encode, picture: Picture) -> None:
    pages = [Image.fromarray(np.full((20, 20, 3), n, np.uint8)) for n in range(200)]
    data = encode(picture, "TIFF", save_all=True, append_images=pages)
    assert np.array_equal(decode_image(data), picture)


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"GIF89a" + bytes(20), "a GIF"),
        (b"8BPS\0\1" + bytes(20), "Photoshop"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"P6\n20 20\n255\n" + bytes(1200), "Netpbm"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"PK\x03\x04" + bytes(20), "ZIP"),
        (b"RIFF\x10\0\0\0AVI LIST", "AVI"),
    ],
)
def test_what_is_not_read_is_refused_by_its_name(beginning: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=f"found .*{name}.*; save what it shows as PNG or JPEG"):
        decode_image(beginning)


def test_an_animated_webp_is_refused_by_its_name(encode: Encode, picture: Picture) -> None:
    more = [Image.fromarray(picture[::-1].copy())]
    with pytest.raises(ImageError, match="an animated WebP"):
        decode_image(encode(picture, "WEBP", save_all=True, append_images=more))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_tiff_is_refused(encode: Encode, mode: str) -> None:
    with pytest.raises(ImageError, match="transparency"):
        decode_image(encode(Image.new(mode, (20, 20)), "TIFF"))


def test_a_tiff_of_floats_is_refused(encode: Encode) -> None:
    with pytest.raises(ImageError, match="not whole numbers"):
        decode_image(encode(Image.fromarray(np.ones((20, 20), np.float32)), "TIFF"))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (15, 64)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_picture_too_small_to_hold_a_face_is_refused(
    encode: Encode, kind: str, size: tuple[int, int]
) -> None:
    with pytest.raises(ImageError, match=f"16 x 16 .* found {size[0]} x {size[1]}"):
        decode_image(encode(Image.new("RGB", size), kind))


def test_opencv_does_not_write_on_the_terminal(
    encode: Encode, picture: Picture, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encode(picture, "TIFF", compression="jpeg")
    scan = data.rindex(b"\xff\xda") + 20
    with contextlib.suppress(ImageError):
        decode_image(data[:scan] + b"\xff\xd9" + data[scan + 2 :])
    assert capfd.readouterr() == ("", "")


def test_the_log_of_opencv_is_left_as_it_was(encode: Encode, picture: Picture) -> None:
    log = getattr(cv2.utils, "logging", cv2)
    before = log.getLogLevel()
    decode_image(encode(picture, "PNG"))
    assert log.getLogLevel() == before


def test_an_error_names_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("empty") / "photo.jpg"
    path.touch()
    with pytest.raises(ImageError, match=f"^{path}: expected a picture"):
        read_image(path)
