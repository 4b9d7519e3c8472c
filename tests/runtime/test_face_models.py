"""Which face model a network answers by, and what its mesh says of a face."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.errors import CanthusError
from canthus.faces.face_model import open_face_model, write_face_model
from canthus.geometry import Box
from canthus.runtime import Aligner, Manifest
from canthus.runtime.face_models import face_model_of

OPEN: Mapping[str, object] = {"face_model": "open", "identities": 7, "expressions": 3}
MODEL = open_face_model().reduced(7, 3)


class Head:
    """A network that finds the mean face in the middle of the crop, turned to the picture's left.

    Args:
        yaw_deg: by how much.
        off: how far landmarks are from the mesh, in pixels of the crop.
    """

    def __init__(self, yaw_deg: float, off: float = 0.0) -> None:
        angle = np.radians(yaw_deg)
        c, s = np.cos(angle), np.sin(angle)
        turn = 0.2 * np.array([[c, 0, -s], [0, -1, 0], [-s, 0, -c]])
        self.camera = np.column_stack([turn, (31.5, 31.5, 0)]).astype(np.float32)
        self.off = off

    def run(self, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        points = MODEL.keypoints_of(MODEL.neutral) @ self.camera[:, :3].T + self.camera[:, 3]
        found = {
            "points": points[:, :2] + self.off,
            "depths": points[:, 2],
            "cameras": self.camera,
            "shapes": np.zeros(10),
        }
        return {
            name: np.repeat(values[None].astype(np.float32), len(crops), axis=0)
            for name, values in found.items()
        }


def align(manifest: Manifest, head: Head) -> NDArray[np.bool_] | None:
    aligner = Aligner(manifest, head, once=True, face_model=MODEL)
    (face,) = aligner(np.zeros((150, 200, 3), np.uint8), [Box(60, 30, 130, 100)])
    return face.visible


def test_a_face_from_ahead_is_seen_wholly(spot_manifest: Manifest) -> None:
    found = align(spot_manifest, Head(0))

    assert found is not None
    assert found.dtype == bool
    assert found.all()


def test_a_face_turned_to_the_pictures_left_hides_its_right_eye(spot_manifest: Manifest) -> None:
    found = align(spot_manifest, Head(70))

    assert found is not None
    assert not found[36:42].any()
    assert found[43:46].all()


def test_without_a_face_model_nobody_knows(spot_manifest: Manifest) -> None:
    aligner = Aligner(spot_manifest, Head(70), once=True)

    (face,) = aligner(np.zeros((150, 200, 3), np.uint8), [Box(60, 30, 130, 100)])

    assert face.fit is not None
    assert face.visible is None


def test_a_face_model_that_is_not_the_networks_is_refused(spot_manifest: Manifest) -> None:
    with pytest.raises(CanthusError, match="not where the network has found them"):
        align(spot_manifest, Head(0, off=3))


def test_a_manifest_names_the_model_inside(spot_manifest: Manifest) -> None:
    found = face_model_of(replace(spot_manifest, recipe={"model": OPEN}))

    assert found is not None
    assert (len(found.identity), len(found.expression)) == (7, 3)
    np.testing.assert_array_equal(found.neutral, open_face_model().neutral)


@pytest.mark.parametrize("model", [None, {}, {**OPEN, "face_model": None}])
def test_a_network_of_another_kind_has_none(spot_manifest: Manifest, model: object) -> None:
    assert face_model_of(replace(spot_manifest, recipe={"model": model})) is None


def test_a_file_of_ones_own_is_taken_instead(spot_manifest: Manifest, tmp_path: Path) -> None:
    write_face_model(replace(open_face_model(), name="mine"), tmp_path / "mine.safetensors")
    manifest = replace(spot_manifest, recipe={"model": {**OPEN, "face_model": "elsewhere"}})

    found = face_model_of(manifest, tmp_path / "mine.safetensors")

    assert found is not None
    assert found.name == "mine"
    assert face_model_of(manifest) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identities": 41}, "expected 0 to 40 of identity, found 41; spot was made for another"),
        ({"identities": None}, "spot: finds landmarks and no mesh"),
    ],
)
def test_a_face_model_that_does_not_fit_is_refused(
    spot_manifest: Manifest, change: dict[str, object], message: str
) -> None:
    with pytest.raises(CanthusError, match=message):
        face_model_of(replace(spot_manifest, recipe={"model": {**OPEN, **change}}))


def test_a_face_model_of_points_alone_is_refused(spot_manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "points.safetensors"
    write_face_model(open_face_model().sparse(), path)

    with pytest.raises(CanthusError, match="has points and no triangles"):
        face_model_of(replace(spot_manifest, recipe={"model": OPEN}), path)


def test_models_without_one_do_not_read_what_meshes_need() -> None:
    code = (
        "import sys, canthus; canthus.load(); "
        "sys.exit(bool({'torch', 'canthus.faces.face_model'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
