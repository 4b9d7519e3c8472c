"""How the published networks cut a face: our maps, half a pixel apart from theirs.

Their crops have the middle of a box at pixel size / 2 of the crop; ours have it where it is, at
(size - 1) / 2. So their maps are ours moved by half a pixel, which is the half that their decoder
adds. The five points are fitted as ours are.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.published import read

from canthus.faces import SCHEMES
from canthus.geometry import Box, Similarity
from canthus.images import files, warp


@pytest.fixture
def parity(shared: Path) -> Path:
    return shared / "parity" / "heatmap"


@pytest.fixture
def fixtures(parity: Path) -> Any:
    return read(parity / "fixtures.json")


def theirs(ours: Similarity) -> Similarity:
    return Similarity(ours.matrix + np.array([[0, 0, 0.5], [0, 0, 0.5]]))


def around(center: tuple[float, float], side: float) -> Box:
    x, y = center
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def test_training_crops(fixtures: Any) -> None:
    for case in fixtures["train_transform"]:
        box = around(case["centre"], case["scale"])
        ours = Similarity.crop(box, case["out"], roll_deg=-case["rotation_deg"])
        np.testing.assert_allclose(theirs(ours).matrix, case["matrix"], atol=1e-6)
        np.testing.assert_allclose(
            theirs(ours).apply(case["points_in"]), case["points_out"], atol=1e-4
        )


def test_crops_of_boxes(fixtures: Any) -> None:
    for case in fixtures["box_crop_transform"]:
        x0, y0, x1, y1 = case["box_xyxy"]
        center = np.trunc((x0 + x1) / 2), np.trunc((y0 + y1) / 2)  # whole pixels, as published
        box = around(center, case["expand"] * max(x1 - x0, y1 - y0))
        ours = Similarity.crop(box, case["out"])
        np.testing.assert_allclose(theirs(ours).matrix, case["matrix"], atol=1e-6)


def test_five_points_are_fitted(fixtures: Any) -> None:
    template = fixtures["align5_transform"]["template_384"]
    for case in fixtures["align5_transform"]["cases"]:
        fitted = Similarity.fit(case["points5"], template)
        np.testing.assert_allclose(fitted.matrix[:, :2], np.array(case["matrix"])[:, :2], atol=1e-6)
        # theirs was fitted in single precision
        np.testing.assert_allclose(fitted.apply(case["points5"]), case["points_out"], atol=2e-4)


def test_a_mirrored_face_exchanges_the_same_landmarks(fixtures: Any) -> None:
    assert list(SCHEMES["68"].mirror) == fixtures["flip_order"]


@pytest.mark.parametrize("name", ["warp_t1", "warp_t1_rotated"])
def test_pixels_come_from_the_same_places(name: str, parity: Path, fixtures: Any) -> None:
    case = fixtures[name]
    image = files.read_image(parity / case["image"])
    crop = warp.crop(image, Similarity(np.array(case["matrix"])), case["out"])

    blocks = crop.reshape(8, 16, 8, 16, 3).mean(axis=(1, 3)).reshape(8, 24)

    np.testing.assert_allclose(crop.mean(axis=(0, 1)), case["mean"], atol=0.5)
    np.testing.assert_allclose(blocks, case["block_mean_8x8"], atol=3)
