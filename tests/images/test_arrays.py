import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.images.arrays import as_image

Picture = NDArray[np.uint8]


def test_rgb_of_8_bits_is_taken_as_it_is_and_not_copied(picture: Picture) -> None:
    assert as_image(picture) is picture


@pytest.mark.parametrize("turn", [np.s_[::-1], np.s_[:, ::-1], np.s_[:, :, ::-1], np.s_[::2, ::2]])
def test_any_strides_are_taken_as_they_are(
    picture: Picture, turn: slice | tuple[slice, ...]
) -> None:
    view = picture[turn]
    assert np.array_equal(as_image(view), view.copy())
    assert np.shares_memory(as_image(view), picture)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_gray_is_repeated_in_three_channels(picture: Picture, shape: tuple[int, ...]) -> None:
    gray = picture[:, :, 0].reshape(shape)
    assert np.array_equal(as_image(gray), np.stack([picture[:, :, 0]] * 3, axis=2))


def test_transparency_is_laid_over_white() -> None:
    rgba = np.full((20, 20, 4), (200, 100, 0, 102), np.uint8)
    assert (as_image(rgba) == (233, 193, 153)).all()


def test_opaque_pixels_keep_their_color(picture: Picture) -> None:
    rgba = np.dstack([picture, np.full((48, 64), 255, np.uint8)])
    assert np.array_equal(as_image(rgba), picture)


def test_bool_is_black_or_white(picture: Picture) -> None:
    mask = picture > 90
    assert np.array_equal(as_image(mask), 255 * mask.astype(np.uint8))


@pytest.mark.parametrize("kind", ["<u2", ">u2"])
def test_uint16_is_divided_by_257_and_rounded(kind: str) -> None:
    wide = np.arange(65536, dtype=np.uint16).reshape(256, 256).astype(kind)
    assert np.array_equal(as_image(wide)[:, :, 1], np.rint(wide / 257).astype(np.uint8))


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64, np.uint32, np.uint64])
def test_other_whole_numbers_from_0_to_255_are_taken(picture: Picture, kind: type) -> None:
    small = picture // 2
    assert np.array_equal(as_image(small.astype(kind)), small)


def test_a_list_of_rows_is_taken() -> None:
    assert as_image([[7] * 20] * 20).shape == (20, 20, 3)


@pytest.mark.parametrize("value", [-1, 256])
def test_whole_numbers_outside_0_to_255_are_refused(picture: Picture, value: int) -> None:
    image = picture.astype(np.int64)
    image[0, 0, 0] = value
    with pytest.raises(ValueError, match=f"expected values from 0 to 255, found .*{value}"):
        as_image(image)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 255])
def test_floats_are_refused_with_both_ways_to_convert_them(
    picture: Picture, kind: type, scale: int
) -> None:
    with pytest.raises(ValueError, match=r"found float.*255 \* image.*image\.clip\(0, 255\)"):
        as_image((picture / 255 * scale).astype(kind))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_first_is_refused_with_a_hint(channels: int) -> None:
    with pytest.raises(ValueError, match=r"channels first; use image.transpose\(1, 2, 0\)"):
        as_image(np.zeros((channels, 48, 64), np.uint8))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 64, 3), np.uint8), "which is empty"),
        ([], "which is empty"),
        (np.zeros((2, 48, 64, 3), np.uint8), "one by one"),
        (np.zeros(64, np.uint8), r"found shape \(64,\)"),
        (np.zeros((48, 64, 2), np.uint8), r"found shape \(48, 64, 2\)"),
        (np.zeros((1, 64, 3), np.uint8), "16 x 16 pixels at least"),
        (np.zeros((64, 1), np.uint8), "16 x 16 pixels at least"),
        (np.zeros((48, 64), complex), "expected uint8, found complex128"),
        (np.full((48, 64), None), "expected uint8, found object"),
        ("photo.jpg", "use canthus.read_image"),
        (None, "found shape"),
    ],
)
def test_what_is_no_picture_is_refused(image: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_image(image)  # type: ignore[arg-type]


def test_an_error_says_where() -> None:
    with pytest.raises(ValueError, match=r"^frame 7: "):
        as_image([], "frame 7")
