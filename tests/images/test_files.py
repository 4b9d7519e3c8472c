import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from canthus.errors import ImageError, StorageError
from canthus.images.files import decode_image, list_images, read_image, write_image

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]

ORIENTATION = 0x0112
# How EXIF stores an upright picture u: 1st row and 1st column of the file are its ... and ...
STORED: dict[int, Callable[[Picture], Picture]] = {
    1: lambda u: u,  # top, left
    2: lambda u: u[:, ::-1],  # top, right
    3: lambda u: u[::-1, ::-1],  # bottom, right
    4: lambda u: u[::-1],  # bottom, left
    5: lambda u: u.transpose(1, 0, 2),  # left, top
    6: lambda u: u[:, ::-1].transpose(1, 0, 2),  # right, top
    7: lambda u: u[::-1, ::-1].transpose(1, 0, 2),  # right, bottom
    8: lambda u: u[::-1].transpose(1, 0, 2),  # left, bottom
}


def lying(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_picture_that_exif_says_lies_is_turned_upright(
    encode: Encode, picture: Picture, kind: str, orientation: int
) -> None:
    stored = np.ascontiguousarray(STORED[orientation](picture))
    settings = {"lossless": True} if kind == "WEBP" else {}
    data = encode(stored, kind, exif=lying(orientation), **settings)
    assert np.array_equal(decode_image(data), picture)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_exif_says_lies_is_turned_upright(
    encode: Encode, picture: Picture, mode: str, orientation: int
) -> None:
    upright = np.asarray(Image.fromarray(picture).convert(mode).convert("RGB"))
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))).convert(mode)
    data = encode(stored, "JPEG", quality=100, subsampling=0, exif=lying(orientation))
    assert np.abs(decode_image(data).astype(int) - upright).max() <= 8


@pytest.mark.parametrize("orientation", STORED)
def test_a_tiff_of_16_bits_that_lies_is_turned_upright(
    encode: Encode, picture: Picture, orientation: int
) -> None:
    stored = np.ascontiguousarray(STORED[orientation](picture)[:, :, 0]).astype(np.uint16) * 257
    data = encode(Image.fromarray(stored), "TIFF", exif=lying(orientation))
    assert np.array_equal(decode_image(data)[:, :, 0], picture[:, :, 0])


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0 nonsense that is no TIFF",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12",
        b"Exif\0\0" + lying(9).tobytes().removeprefix(b"Exif\0\0"),
    ],
)
def test_broken_exif_is_ignored_and_logged(
    encode: Encode, picture: Picture, exif: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    found = decode_image(encode(picture, "JPEG", exif=exif), "photo.jpg")
    assert np.array_equal(found, decode_image(encode(picture, "JPEG")))
    assert "photo.jpg: its EXIF is broken" in caplog.text


def test_exif_without_an_orientation_is_no_fault(
    encode: Encode, picture: Picture, caplog: pytest.LogCaptureFixture
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "the maker of the camera"
    assert decode_image(encode(picture, "JPEG", exif=exif)).shape == (48, 64, 3)
    assert not caplog.records


def test_a_cmyk_jpeg_is_converted_as_adobe_stores_it(encode: Encode, picture: Picture) -> None:
    cmyk = Image.fromarray(picture).convert("CMYK")
    found = decode_image(encode(cmyk, "JPEG", quality=100, subsampling=0))
    assert np.abs(found.astype(int) - picture).max() <= 6


def test_a_ycck_jpeg_is_converted_as_adobe_stores_it(encode: Encode) -> None:
    # libjpeg turns Y, Cb, Cr into 255 - C, 255 - M, 255 - Y; Adobe's C, M, Y are red, green, blue.
    r, g, b = 255 - 200, 255 - 100, 255 - 50
    y = 0.299 * r + 0.587 * g + 0.114 * b
    ycck = (y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402, 255)
    bands = [Image.new("L", (32, 32), 255 - round(band)) for band in ycck]  # Pillow inverts again
    data = encode(Image.merge("CMYK", bands), "JPEG", quality=100, subsampling=0)
    transform = data.index(b"Adobe") + 11
    found = decode_image(data[:transform] + b"\2" + data[transform + 1 :])
    assert np.abs(found.astype(int) - (200, 100, 50)).max() <= 3


def test_16_bits_are_divided_by_257_and_rounded(encode: Encode) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.rint(values / 257).astype(np.uint8)
    found = decode_image(encode(Image.fromarray(values), "PNG"))
    assert np.array_equal(found, np.stack([expected] * 3, axis=2))


def test_gray_is_repeated_in_three_channels(encode: Encode, picture: Picture) -> None:
    gray = np.ascontiguousarray(picture[:, :, 0])
    assert np.array_equal(decode_image(encode(gray, "PNG")), np.stack([gray] * 3, axis=2))


def test_one_bit_is_black_or_white(encode: Encode, picture: Picture) -> None:
    bits = picture[:, :, 0] > 90
    found = decode_image(encode(Image.fromarray(bits), "PNG"))
    assert np.array_equal(found[:, :, 1], 255 * bits.astype(np.uint8))


def test_a_palette_is_looked_up(encode: Encode, picture: Picture) -> None:
    colors = Image.fromarray(picture).quantize(200)
    assert np.array_equal(decode_image(encode(colors, "PNG")), np.asarray(colors.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_is_laid_over_white(encode: Encode, kind: str) -> None:
    image = np.full((20, 20, 4), (200, 100, 0, 0), np.uint8)
    image[:, 5:10, 3], image[:, 10:, 3] = 102, 255
    settings = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    found = decode_image(encode(image, kind, **settings))
    # 0.4 of the color and 0.6 of white in the middle
    assert found[0, [0, 5, 10]].tolist() == [[255, 255, 255], [233, 193, 153], [200, 100, 0]]


def test_transparent_gray_is_laid_over_white(encode: Encode) -> None:
    image = Image.merge("LA", [Image.new("L", (20, 20), 100), Image.new("L", (20, 20), 102)])
    assert (decode_image(encode(image, "PNG")) == 193).all()


def test_a_transparent_color_of_a_palette_is_white(encode: Encode, picture: Picture) -> None:
    colors = Image.fromarray(picture).quantize(200)
    chosen = np.asarray(colors) == 7
    found = decode_image(encode(colors, "PNG", transparency=7))
    assert (found[chosen] == 255).all()
    assert np.array_equal(found[~chosen], np.asarray(colors.convert("RGB"))[~chosen])


def test_the_fourth_channel_of_a_bmp_is_ignored(encode: Encode, picture: Picture) -> None:
    image = np.dstack([picture, np.zeros((48, 64), np.uint8)])
    assert np.array_equal(decode_image(encode(image, "BMP")), picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_color_profile_is_ignored(encode: Encode, picture: Picture, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    found = decode_image(encode(picture, kind, icc_profile=profile))
    assert np.array_equal(found, decode_image(encode(picture, kind)))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
def test_a_tiff_is_read_exactly(encode: Encode, picture: Picture, compression: str | None) -> None:
    assert np.array_equal(decode_image(encode(picture, "TIFF", compression=compression)), picture)


def test_colors_are_in_the_order_red_green_blue(encode: Encode) -> None:
    red = np.full((20, 20, 3), (255, 0, 0), np.uint8)
    assert np.abs(decode_image(encode(red, "JPEG"))[0, 0].astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize(
    "name", ["ünïcödé 図.png", "with space.png", "-n.png", "new\nline.png", "ab.jpg", "\udcff.png"]
)
def test_any_name_can_be_written_and_read(tmp_path: Path, picture: Picture, name: str) -> None:
    write_image(tmp_path / name, picture)
    assert read_image(tmp_path / name).shape == picture.shape


def test_a_name_that_begins_with_a_dash_needs_no_folder(
    tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image("-rf.png", picture)
    assert np.array_equal(read_image("-rf.png"), picture)


def test_a_name_that_would_break_the_line_is_quoted_in_errors(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"new\\nline.png'?: cannot be read"):
        read_image(tmp_path / "new\nline.png")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none.png: cannot be read: No such file"):
        read_image(tmp_path / "none.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected a picture file, found a folder"):
        read_image(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="found a pipe or a device"):
        read_image(tmp_path / "pipe.jpg")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_is_refused_without_reading_it() -> None:
    with pytest.raises(ImageError, match="found a pipe or a device"):
        read_image("/dev/zero")


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="symbolic links"):
        read_image(tmp_path / "a.jpg")


def test_a_link_to_a_picture_is_followed(tmp_path: Path, picture: Picture) -> None:
    write_image(tmp_path / "a.png", picture)
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "b.png"), picture)


def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path, picture: Picture) -> None:
    path = tmp_path / "secret.png"
    write_image(path, picture)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ImageError, match="Permission denied"):
        read_image(path)


@pytest.mark.parametrize("name", ["zero\0byte.jpg", 300 * "long", "file.png/inside.png"])
def test_a_name_that_no_file_can_have_is_an_error(
    tmp_path: Path, picture: Picture, name: str
) -> None:
    write_image(tmp_path / "file.png", picture)
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / name)


def test_a_file_of_many_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    with open(tmp_path / "huge.bmp", "wb") as file:
        file.truncate(1 << 36)
    with pytest.raises(ImageError, match="expected 1073741824 bytes at most, found 68719476736"):
        read_image(tmp_path / "huge.bmp")


def test_a_png_gives_back_what_was_written(tmp_path: Path, picture: Picture) -> None:
    write_image(tmp_path / "a.png", picture)
    assert np.array_equal(read_image(tmp_path / "a.png"), picture)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_a_jpeg_gives_back_nearly_what_was_written(
    tmp_path: Path, picture: Picture, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    write_image(path, picture)
    assert path.read_bytes().startswith(b"\xff\xd8")
    assert np.abs(read_image(path).astype(int) - picture).mean() < 3


def test_an_array_of_any_strides_can_be_written(tmp_path: Path, picture: Picture) -> None:
    write_image(tmp_path / "a.png", picture[::-1, ::-2])
    assert np.array_equal(read_image(tmp_path / "a.png"), picture[::-1, ::-2])


def test_an_unknown_suffix_is_an_error(tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(ImageError, match=r"ends in .png, .jpg, .jpeg, found '.gif'"):
        write_image(tmp_path / "a.gif", picture)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(StorageError, match="cannot be written: No such file or directory"):
        write_image(tmp_path / "none" / "a.png", picture)


def test_a_picture_too_large_for_a_jpeg_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"70000 x 16 pixels does not fit into a .jpg file"):
        write_image(tmp_path / "a.jpg", np.zeros((16, 70000, 3), np.uint8))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, picture: Picture, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_image(tmp_path / "a.png", picture)
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(StorageError, match=r"a.png: cannot be written: No space left"):
        write_image(tmp_path / "a.png", np.zeros_like(picture))
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert np.array_equal(read_image(tmp_path / "a.png"), picture)


def test_a_folder_stands_for_the_pictures_right_in_it(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "folder.png").mkdir()
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt", "c.tif", "deeper/d.png"):
        (tmp_path / name).touch()
    assert list_images([tmp_path]) == [tmp_path / name for name in ("a.png", "b.JPG", "c.tif")]


def test_files_stay_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    given = [Path("z.jpg"), tmp_path, Path("notes.txt"), Path("a.jpg")]
    expected = [Path("z.jpg"), tmp_path / "1.png", Path("notes.txt"), Path("a.jpg")]
    assert list_images(given) == expected


def test_a_folder_without_a_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ImageError, match="in the folder, found none among 1 entries"):
        list_images([tmp_path])
