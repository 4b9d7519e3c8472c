"""`canthus align --write`: faces in 3-D, called as from a shell."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.faces.face_model import read_face_model, write_face_model
from canthus.faces.meshes import read_obj, read_ply
from canthus.images.files import read_image

Command = Callable[..., Any]
PICTURES = ("depth", "pncc", "pose", "mesh", "overlay")
BOXES = ("--box", "50,30,110,90", "--box", "80,50,120,90")


@pytest.fixture
def words(
    command: Command, photo: Path, solid: list[str | Path], tmp_path: Path
) -> list[str | Path]:
    """The words that align a photo with two faces, by a model that knows a mesh."""
    assert command(*solid).code == 0
    faces = ("--face-model", tmp_path / "faces.safetensors")
    out = ("--out", tmp_path / "out")
    return ["align", photo, "--model", tmp_path / "mb.safetensors", *BOXES, *faces, *out]


def test_each_face_becomes_a_mesh_and_all_one_picture(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    done = command(*words, "--write", "obj,ply,depth,pncc,pose,mesh,overlay", "--json")

    assert done.code == 0, done.err
    folder = tmp_path / "out" / "photo"
    found = {path.name for path in folder.iterdir()}
    meshes = {f"face-{number}.{kind}" for number in (1, 2) for kind in ("obj", "ply")}
    assert found == meshes | {f"{kind}.png" for kind in PICTURES}
    obj, ply = read_obj(folder / "face-1.obj"), read_ply(folder / "face-1.ply")
    np.testing.assert_allclose(obj.vertices, ply.vertices, atol=1e-3)
    for kind in PICTURES:
        picture = read_image(folder / f"{kind}.png")
        assert picture.shape == (150, 200, 3)
        assert picture.any()


def test_a_face_model_says_which_landmarks_are_hidden(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    done = command(*words, "--json")

    assert done.code == 0, done.err
    for face in json.loads(done.out)["faces"]:
        assert len(face["visible"]) == 68
        assert all(isinstance(flag, bool) for flag in face["visible"])


def test_without_a_face_model_nothing_is_said_of_what_is_hidden(
    command: Command, words: list[str | Path]
) -> None:
    place = words.index("--face-model")

    done = command(*words[:place], *words[place + 2 :], "--json")

    assert done.code == 0, done.err
    assert "visible" not in json.loads(done.out)["faces"][0]


def test_a_mesh_lies_where_the_landmarks_do(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    command(*words, "--write", "obj")

    said = json.loads((tmp_path / "out" / "photo.json").read_text())
    points = np.array(said["faces"][1]["landmarks"]["points"])
    mesh = read_obj(tmp_path / "out" / "photo" / "face-2.obj")
    np.testing.assert_allclose(mesh.vertices, points, atol=2e-3)  # of this model, all are landmarks
    assert mesh.colors is not None
    x, y = np.clip(np.rint(points[:, :2]), 0, [199, 149]).astype(int).T
    photo = read_image(tmp_path / "photos" / "photo.png")
    np.testing.assert_allclose(mesh.colors, photo[y, x], atol=1)


def test_what_is_nearer_is_brighter(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    command(*words, "--write", "depth,ply")

    folder = tmp_path / "out" / "photo"
    gray = read_image(folder / "depth.png")[..., 0].astype(int)
    mesh = read_ply(folder / "face-2.ply")  # the smaller box, yet drawn with its own range
    near, far = mesh.vertices[:, 2].min(), mesh.vertices[:, 2].max()
    corners = mesh.vertices[mesh.triangles].mean(axis=1)
    seen = [
        (gray[round(y), round(x)], 1 + 254 * (far - z) / (far - near))
        for x, y, z in corners.tolist()
        if 0 <= round(x) < 200 and 0 <= round(y) < 150
    ]
    assert any(abs(value - wanted) < 12 for value, wanted in seen)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ("--write", "obj,stl"),
            "expected some of obj, ply, depth, pncc, pose, mesh, overlay, found 'stl'",
        ),
        (("--write", "obj", "--parity"), "give --write or --parity, not both"),
        (("--parity",), "give --face-model or --parity, not both"),
    ],
    ids=["kind", "parity", "alone"],
)
def test_words_that_make_no_sense_are_refused(
    command: Command, words: list[str | Path], more: tuple[str, ...], said: str
) -> None:
    done = command(*words, *more)

    assert done.code == 2
    assert said in done.err


def test_a_model_that_knows_no_mesh_says_so(
    command: Command, words: list[str | Path], spot_weights: Path, tmp_path: Path
) -> None:
    words[3] = spot_weights

    done = command(*words, "--write", "obj")

    assert done.code == 1
    assert "spot: finds landmarks and no mesh" in done.err
    assert not (tmp_path / "out" / "photo").exists()


def test_weights_made_for_a_face_model_of_ones_own_need_it(
    command: Command, words: list[str | Path]
) -> None:
    place = words.index("--face-model")

    done = command(*words[:place], *words[place + 2 :], "--write", "obj")

    assert done.code == 1
    assert "mb: --write needs the face model that it was made for" in done.err


def test_another_face_model_of_the_same_size_is_refused(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    path = tmp_path / "faces.safetensors"
    model = read_face_model(path)
    write_face_model(replace(model, neutral=model.neutral[::-1].copy()), path)

    done = command(*words, "--write", "obj")

    assert done.code == 1
    assert "its points are not where the network has found them" in done.err
    assert not list((tmp_path / "out").rglob("*.obj"))


def test_a_face_model_of_points_alone_is_refused(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    path = tmp_path / "faces.safetensors"
    write_face_model(read_face_model(path).sparse(), path)

    done = command(*words, "--write", "obj")

    assert done.code == 1
    assert "faces.safetensors: has points and no triangles" in done.err


def test_a_face_model_with_fewer_directions_is_refused(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    path = tmp_path / "faces.safetensors"
    write_face_model(read_face_model(path).reduced(10, 5), path)

    done = command(*words, "--write", "obj")

    assert done.code == 1
    assert "expected 0 to 10 of identity, found 40; mb was made for another model" in done.err
