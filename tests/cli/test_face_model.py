"""`canthus face-model`, called as from a shell."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.faces.test_face_model import small_model
from tests.importing.test_basel import write_v1, write_v2
from tests.importing.test_ict import HEAD, LANDMARKS, MESHES, NEUTRAL, obj
from tests.training import test_lifted, test_open_face

from canthus.faces.face_model import read_face_model, write_face_model
from canthus.importing import basel, ict

Command = Callable[..., Any]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder as of 3DDFA."""
    folder = tmp_path / "published"
    folder.mkdir()
    write_v1(folder)
    return folder


def test_a_converted_model_is_the_one_that_was_read(
    command: Command, published: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "bfm.safetensors"

    done = command("face-model", "convert", "bfm", published, "--out", out)

    assert done.code == 0, done.err
    assert "90 vertices, 25 triangles" in done.out
    expected, found = basel.read(published), read_face_model(out)
    np.testing.assert_array_equal(found.identity, expected.identity)
    np.testing.assert_array_equal(found.triangles, expected.triangles)
    assert found.license == expected.license


def test_fewer_directions_and_the_points_alone(
    command: Command, published: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bfm.safetensors"
    keep = ("--identities", "2", "--expressions", "1", "--sparse")

    done = command("face-model", "convert", "bfm", published, "--out", out, *keep)

    assert done.code == 0, done.err
    model = read_face_model(out)
    assert (len(model.neutral), len(model.identity), len(model.expression)) == (68, 2, 1)


def test_a_folder_of_meshes_is_converted(command: Command, tmp_path: Path) -> None:
    (tmp_path / ict.NEUTRAL).write_text(obj(NEUTRAL, HEAD))
    for name, vertices in MESHES.items():
        (tmp_path / f"{name}.obj").write_text(obj(vertices))
    (tmp_path / ict.INDICES).write_text(
        f'{{"expressions": ["jawOpen"], "idx_to_landmark_verts": {LANDMARKS}}}'
    )
    out = tmp_path / "ict.safetensors"

    whole = command("face-model", "convert", "ict", tmp_path, "--out", out)
    done = command("face-model", "convert", "ict", tmp_path, "--out", out, "--identities", "3")

    assert whole.code == 1
    assert "missing are identity003.obj" in whole.err
    assert done.code == 0, done.err
    assert len(read_face_model(out).identity) == 3


def test_what_is_in_a_file_is_shown(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    corners = np.zeros((90, 3))
    corners[0] = [15, 20, 12.5]
    write_face_model(small_model(neutral=corners), path)

    done = command("face-model", "show", path)

    assert done.code == 0, done.err
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines == [
        "small",
        "size 0.0 MB",
        "license anything goes",
        "mesh 90 vertices, 30 triangles, with places in a texture",
        "face 150 x 200 x 125 mm (width, height, depth)",
        "points 68, blends of up to 2 vertices",
        "identity 4 directions",
        "expression 3 directions",
    ]


def test_a_pickle_that_asks_for_more_is_refused_and_nothing_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_v2(tmp_path)
    (tmp_path / "tri.pkl").write_bytes(b"cposix\nsystem\n(S'touch was-run'\ntR.")

    done = command("face-model", "convert", "bfm", ".", "--out", "bfm.safetensors")

    assert done.code == 1
    assert "tri.pkl: expected a pickle of numbers and arrays" in done.err
    assert "posix.system" in done.err
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"bfm_noneck_v3.pkl", "tri.pkl"}
    assert pickle.loads((tmp_path / "bfm_noneck_v3.pkl").read_bytes())["tri"].shape == (3, 25)


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "flame", "PATH", "--out", "a.safetensors"],
        ["convert", "bfm", "PATH"],
        ["convert", "bfm", "PATH", "--out", "a.npz"],
        ["convert", "bfm", "PATH", "--out", "a.safetensors", "--identities", "5"],
        ["convert", "bfm", "PATH", "--out", "a.safetensors", "--expressions", "-1"],
        ["learn", "PATH", "--data", "PATH", "--out", "a.npz"],
        ["learn", "PATH", "--out", "a.safetensors"],
        ["mend", "open", "PATH", "--data", "PATH", "--out", "a.npz"],
        ["show"],
        ["bfm"],
    ],
)
def test_misuse_ends_with_2_and_writes_nothing(
    arguments: list[str],
    command: Command,
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(published) if each == "PATH" else each for each in arguments]

    assert command("face-model", *given).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["published"]


def test_the_open_model_is_shown_by_its_name(command: Command) -> None:
    done = command("face-model", "show", "open")

    assert done.code == 0, done.err
    assert "485 vertices, 936 triangles" in done.out
    assert "research-only" in done.out


def write_lifted(path: Path, data: Path) -> Path:
    """Write faces lifted from photos, and a folder of data that knows the points of some."""
    found, points = test_open_face.given()
    test_lifted.write(found, path)
    (data / "300w").mkdir(parents=True)
    for name, marked in zip(found.picture, points, strict=True):
        if np.isfinite(marked).all():
            rows = "\n".join(f"{x} {y}" for x, y in marked + 1)
            file = data / name
            file.touch()
            file.with_suffix(".pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")
    return path


@pytest.fixture
def lifted(tmp_path: Path) -> Path:
    return write_lifted(tmp_path / "lifted.npz", tmp_path)


def test_a_model_is_learned_and_its_figures_are_told(
    command: Command, lifted: Path, tmp_path: Path
) -> None:
    out, counts = tmp_path / "own.safetensors", ("--identities", "2", "--expressions", "1")

    done = command("face-model", "learn", lifted, "--data", tmp_path, "--out", out, *counts)

    assert done.code == 0, done.err
    model = read_face_model(out)
    assert (len(model.identity), len(model.expression)) == (2, 1)
    assert "people or photos" in done.out
    assert "on 18 faces of people held out" in done.out


def test_the_points_of_a_model_are_mended(command: Command, lifted: Path, tmp_path: Path) -> None:
    own, out = tmp_path / "own.safetensors", tmp_path / "mended.safetensors"
    counts = ("--identities", "2", "--expressions", "1")
    command("face-model", "learn", lifted, "--data", tmp_path, "--out", own, *counts)

    done = command("face-model", "mend", own, lifted, "--data", tmp_path, "--out", out)

    assert done.code == 0, done.err
    assert "inner points moved by" in done.out
    before, after = read_face_model(own), read_face_model(out)
    np.testing.assert_array_equal(after.neutral, before.neutral)
    np.testing.assert_array_equal(after.identity, before.identity)


def test_points_that_nobody_marked_cannot_be_mended(
    command: Command, lifted: Path, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    out = tmp_path / "mended.safetensors"

    done = command("face-model", "mend", "open", lifted, "--data", tmp_path / "none", "--out", out)

    assert done.code == 1
    assert "none: expected faces with 68 marked points, found none" in done.err
    assert not out.exists()


def test_too_many_directions_are_an_error(command: Command, lifted: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.safetensors"

    done = command("face-model", "learn", lifted, "--data", tmp_path, "--out", out)

    assert done.code == 1
    assert "expected 40 people with several shapes" in done.err
    assert not out.exists()


def test_help_names_all_words(command: Command) -> None:
    done = command("face-model", "--help")

    assert done.code == 0
    for word in ("convert", "learn", "mend", "show"):
        assert word in done.out


def test_another_file_is_not_shown(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"nothing")

    done = command("face-model", "show", tmp_path / "a.safetensors")

    assert done.code == 1
    assert "a.safetensors: damaged, or not a safetensors file" in done.err
