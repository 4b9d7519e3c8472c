"""FaceBoxes' arithmetic, against what the original made of the same numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.npyio import NpzFile

from canthus.importing import faceboxes
from canthus.importing.faceboxes import decode, faces, nms, planes, priors, scale_of

SIZE = 160, 128  # of the pictures here: 4 x 5 small cells, 2 x 3 and 1 x 2 larger ones
CELLS = 4 * 5 * 21


@pytest.fixture(scope="module")
def stored(shared: Path) -> NpzFile:
    return np.load(shared / "parity" / "tddfa" / "detector.npz")


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    """Of a network that moves nothing and sees no face."""
    return np.zeros((CELLS + 8, 4)), np.zeros(CELLS + 8)


def test_the_priors_are_the_originals(stored: NpzFile) -> None:
    height, width = stored["image_hw"].tolist()

    found = priors(width, height)

    np.testing.assert_allclose(found, stored["priors"], atol=1e-6)


def test_boxes_are_decoded_as_by_the_original(stored: NpzFile) -> None:
    found = decode(stored["loc"], stored["priors"])

    np.testing.assert_allclose(found, stored["boxes"], atol=1e-5)


def test_the_same_boxes_are_suppressed(stored: NpzFile) -> None:
    found = nms(stored["nms_dets"], float(stored["nms_threshold"]))

    np.testing.assert_array_equal(found, stored["nms_keep"])


def test_the_faces_that_it_found_stay_as_they_are(shared: Path) -> None:
    with np.load(shared / "parity" / "tddfa" / "pipeline_v2.npz") as pipeline:
        for i in range(2):
            rows = pipeline[f"im{i}_boxes"]
            assert nms(rows).tolist() == list(range(len(rows)))
            assert (rows[:, 4] > faceboxes.SURE).all()


def test_priors_stand_in_cells() -> None:
    found = priors(*SIZE) * np.tile(SIZE, 2)

    second_cell, larger = found[21:42], found[CELLS:]
    assert second_cell[0].tolist() == pytest.approx([32, 0, 32, 32])
    assert second_cell[5].tolist() == pytest.approx([40, 8, 32, 32])
    assert second_cell[18].tolist() == pytest.approx([32, 16, 64, 64])
    assert second_cell[20].tolist() == pytest.approx([48, 16, 128, 128])
    assert larger[4].tolist() == pytest.approx([96, 96, 256, 256])
    assert larger[7].tolist() == pytest.approx([192, 64, 512, 512])


def test_the_last_cells_may_hang_over() -> None:
    assert len(priors(161, 129)) == 5 * 6 * 21 + 3 * 3 + 2 * 2


@pytest.mark.parametrize(
    ("size", "scale"),
    [((640, 480), 1), ((1080, 720), 1), ((1000, 1440), 0.5), ((2160, 720), 0.5)],
)
def test_large_pictures_are_shrunk(size: tuple[int, int], scale: float) -> None:
    assert scale_of(*size) == scale


def test_the_network_sees_blue_first_about_its_mean() -> None:
    image = np.full((2, 3, 3), (123, 118, 106), np.uint8)

    found = planes(image)

    assert found.shape == (1, 3, 2, 3)
    assert found[0, :, 1, 2].tolist() == [2, 1, 0]


def test_boxes_that_touch_share_a_pixel() -> None:
    """Three pixels each, one of them in both: a fifth, not nothing."""
    rows = [(3, 0, 5, 0, 0.9), (5, 0, 7, 0, 0.8)]

    assert nms(rows, 0.19).tolist() == [0]
    assert nms(rows, 0.21).tolist() == [0, 1]


def test_faces_are_in_pixels_of_the_picture(answers: tuple[np.ndarray, np.ndarray]) -> None:
    offsets, scores = answers
    middle = 21 + 20  # of the second cell, its sides 128
    offsets[middle] = (1, 0, np.log(0.5) / 0.2, 0)
    scores[[middle, CELLS + 4]] = 0.7, 0.8

    found = faces(offsets, scores, SIZE, scale=0.5)

    # the first is 256 wide and high about 96, 96 and the other 64 by 128 about 60.8, 16
    expected = [[-64, -64, 448, 448, 0.8], [57.6, -96, 185.6, 160, 0.7]]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_only_sure_faces_that_no_surer_one_covers_are_answered(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    offsets, scores = answers
    scores[[0, 1, 60, 200]] = 0.9, 0.95, 0.5, 0.51  # the first two are 8 of 32 pixels apart

    found = faces(offsets, scores, SIZE)

    assert found[:, 4].tolist() == [0.95, 0.51]


def test_only_the_likeliest_are_weighed(
    answers: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets, scores = answers
    scores[[0, 42, 210]] = 0.7, 0.9, 0.8

    monkeypatch.setattr(faceboxes, "WEIGHED", 2)
    assert faces(offsets, scores, SIZE)[:, 4].tolist() == [0.9, 0.8]
    monkeypatch.setattr(faceboxes, "KEPT", 1)
    assert faces(offsets, scores, SIZE)[:, 4].tolist() == [0.9]


def test_what_does_not_fit_is_refused(answers: tuple[np.ndarray, np.ndarray]) -> None:
    offsets, scores = answers
    with pytest.raises(ValueError, match="a picture of some pixels, found 0 x 5"):
        priors(0, 5)
    with pytest.raises(ValueError, match=re.escape("shape (H, W, 3) of uint8, found (5, 5)")):
        planes(np.zeros((5, 5), np.uint8))
    with pytest.raises(ValueError, match=re.escape("found (428, 4) and (3, 4)")):
        decode(offsets, np.zeros((3, 4)))
    with pytest.raises(ValueError, match=re.escape("shape (N, 5), found (3, 4)")):
        nms(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"shape \(428,\) for 160 x 128 pixels, found \(3,\)"):
        faces(offsets, scores[:3], SIZE)
    with pytest.raises(ValueError, match="scale: expected one above 0, at most 1, found 2"):
        faces(offsets, scores, SIZE, scale=2.0)
