"""Where a network looked, in the picture; the network looks at two squares, at the second more."""

from pathlib import Path

import numpy as np
import pytest

from canthus.detection import Detection
from canthus.errors import WeightsError
from canthus.faces.face import corners_of
from canthus.geometry import Box, BoxRelation
from canthus.runtime import load
from canthus.runtime.backend import OnnxBackend

onnx = pytest.importorskip("onnx")

PICTURE = np.full((150, 200, 3), 128, np.uint8)
BOX = Box(60, 40, 100, 80)  # of which the crop of 64 pixels shows a square of 80


TURNED = np.array([(9, -9), (9, 9), (0, 0), (-11, -7), (-11, 7)], np.float32)  # to the right


class Turned:
    """A detector that always finds a face that lies on its side."""

    name = "turned"
    relation = BoxRelation()

    def __call__(self, image: object) -> list[Detection]:
        return [Detection(BOX, 1.0, TURNED + np.array([80, 60], np.float32))]


def test_corners_go_round_from_the_top_left() -> None:
    (found,) = corners_of([[10, 20, 4]])

    np.testing.assert_array_equal(found, [(8, 18), (12, 18), (12, 22), (8, 22)])


def test_patches_are_in_the_pictures_pixels(attentive_weights: Path) -> None:
    (face,) = load(attentive_weights, once=True)(PICTURE, boxes=[BOX])

    assert face.attention is not None
    assert face.patches is not None
    np.testing.assert_array_equal(face.attention, [0.25, 0.75])
    wanted = corners_of([[80, 60, 10], [100, 60, 10]])
    np.testing.assert_allclose(face.patches, wanted, atol=1e-3)


def test_patches_turn_with_the_crop(attentive_weights: Path) -> None:
    (face,) = load(attentive_weights, detector=Turned(), once=True)(PICTURE)

    assert face.patches is not None
    first, second = face.patches.mean(axis=1)
    ring = face.landmarks.points
    across = (ring[0] - ring[34]) / 20  # in the picture, a pixel of the crop to the right
    assert abs(across[1]) > 2 * abs(across[0])
    np.testing.assert_allclose(second - first, 16 * across, atol=1e-3)
    np.testing.assert_allclose(face.patches[0, 1] - face.patches[0, 0], 8 * across, atol=1e-3)


def test_a_network_that_does_not_say_leaves_it_unknown(spot_weights: Path) -> None:
    (face,) = load(spot_weights, once=True)(PICTURE, boxes=[BOX])

    assert face.attention is None
    assert face.patches is None


def test_patches_of_another_shape_are_refused(attentive_weights: Path, tmp_path: Path) -> None:
    model = onnx.load(attentive_weights)
    (squares,) = (each for each in model.graph.initializer if each.name == "squares")
    squares.CopyFrom(onnx.numpy_helper.from_array(np.ones((1, 2, 4), np.float32), "squares"))
    model.graph.output[-1].type.tensor_type.shape.dim[2].dim_value = 4
    path = tmp_path / "other.onnx"
    path.write_bytes(model.SerializeToString())

    with pytest.raises(WeightsError, match=r"other\.onnx: expected 'patches' of shape"):
        OnnxBackend(path)
