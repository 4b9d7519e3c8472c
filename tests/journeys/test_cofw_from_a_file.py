"""COFW, as it is published, scored against predictions from a file, and by numpy alone."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.cli import main
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box
from canthus.runtime.answer import answer

Array = NDArray[np.float64]
Run = Callable[..., dict[str, Any]]

FACES, LOST = 6, 4  # the fifth face is not found
WIDTH, HEIGHT = 160, 140
NAMES = [f"{1345 + i:05d}.jpg" for i in range(FACES)]
FOUND = [i for i in range(FACES) if i != LOST]
RANDOM = np.random.default_rng(29)
# quarters and eighths of a pixel are exact in float32 and in JSON
TRUTH = np.round(4 * RANDOM.uniform(30, 110, (FACES, 29, 2))) / 4
TRUTH[:, 8], TRUTH[:, 9] = (40, 60), (100, 68)  # outer corners of the eyes
PREDICTION = TRUTH + np.round(8 * RANDOM.normal(0, [[[2]], [[3]], [[4]], [[9]], [[1]], [[5]]])) / 8
HIDDEN = RANDOM.random((FACES, 29)) < 0.25


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """COFW_test_color.mat: MATLAB's A x B lies as B x A, behind 512 bytes; all counts from 1."""
    folder = tmp_path / "cofw"
    folder.mkdir()
    points = np.concatenate([TRUTH[:, :, 0] + 1, TRUTH[:, :, 1] + 1, HIDDEN], axis=1)  # N x 87
    boxes = np.tile([21.0, 21, 100, 100], (FACES, 1))
    path = folder / "COFW_test_color.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_dataset("IsT", (1, FACES), h5py.ref_dtype)
        for i in range(FACES):
            shape = (HEIGHT, WIDTH, 3) if i % 2 else (HEIGHT, WIDTH)  # some are gray
            picture = np.full(shape, 40 * i, np.uint8)
            cells[0, i] = file.create_dataset(f"#refs#/{i}", data=picture.T).ref
        file["phisT"] = points.T
        file["bboxesT"] = boxes.T
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return folder


def arrays(folder: Path) -> Path:
    path = folder / "found.npz"
    np.savez(path, image=np.array(NAMES)[FOUND], prediction=PREDICTION[FOUND])
    return path


def lines(folder: Path) -> Path:
    """As `canthus align --json` writes them."""
    path = folder / "found.jsonl"
    with path.open("w") as file:
        for i, name in enumerate(NAMES):
            box, landmarks = Box(20, 20, 120, 120), Landmarks(PREDICTION[i], SCHEMES["29"])
            faces = [] if i == LOST else [Face(box, 1.0, landmarks)]
            said = answer(faces, image=f"pictures/{name}", size=(WIDTH, HEIGHT), model="theirs")
            file.write(json.dumps(said) + "\n")
    return path


@pytest.fixture(params=[arrays, lines])
def scored(
    request: pytest.FixtureRequest,
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Scores either file on COFW and gives what is printed as JSON."""

    def run(*options: object) -> dict[str, Any]:
        words = ("evaluate", request.param(tmp_path), "cofw", "--root", root, "--json", *options)
        monkeypatch.setattr(sys, "argv", ["canthus", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            main()
        said = capsys.readouterr()
        assert ending.value.code == 0, said.err
        values: dict[str, Any] = json.loads(said.out)
        return values

    return run


def errors(known: NDArray[np.bool_] | None = None) -> Array:
    """The error of each landmark by the outer corners of the eyes, (N, 29), of found faces."""
    away = np.hypot(*(PREDICTION - TRUTH).transpose(2, 0, 1))
    eyes = np.hypot(*(TRUTH[:, 8] - TRUTH[:, 9]).T)
    return np.where(True if known is None else known, away / eyes[:, None], np.nan)[FOUND]


@pytest.mark.parametrize("visible_only", [False, True])
def test_the_figures_are_those_of_a_few_lines_of_numpy(scored: Run, visible_only: bool) -> None:
    figures = scored(*(["--visible-only"] if visible_only else []))["subsets"]["all"]
    faces = np.nanmean(errors(~HIDDEN if visible_only else None), axis=1)
    assert (figures["faces"], figures["missed"]) == (FACES, 1)
    assert figures["nme"] == pytest.approx(faces.mean())
    failed = int((faces > 0.1).sum())
    assert 0 < failed < len(faces)
    assert figures["failure_rate"] == pytest.approx((failed + 1) / FACES)
    assert figures["auc"] == pytest.approx(np.maximum(0, 1 - faces / 0.1).sum() / FACES)
    assert figures["median"] == pytest.approx(np.median([*faces, np.inf]))


def test_the_pupils_divide_beside(scored: Run) -> None:
    pupils = np.hypot(*(TRUTH[:, 16] - TRUTH[:, 17]).T)[FOUND]
    faces = np.hypot(*(PREDICTION - TRUTH).transpose(2, 0, 1))[FOUND].mean(axis=1) / pupils
    assert scored()["beside"]["inter_pupil"]["all"] == pytest.approx(faces.mean())


def test_visible_and_hidden_landmarks_are_apart(scored: Run) -> None:
    seen = scored()["visibility"]
    assert seen["visible"] == pytest.approx(np.nanmean(errors(~HIDDEN), axis=1).mean())
    assert seen["hidden"] == pytest.approx(np.nanmean(errors(HIDDEN), axis=1).mean())
    assert seen["share"] == pytest.approx(1 - HIDDEN.mean())


def test_each_face_is_named_and_the_lost_one_too(scored: Run) -> None:
    values = scored()
    assert [(face["image"], face["missed"]) for face in values["faces"]] == [
        (name, i == LOST) for i, name in enumerate(NAMES)
    ]
    assert "The official split has 507 faces and this copy 6" in values["notes"][0]


def test_the_page_shows_pictures_out_of_the_file(scored: Run, tmp_path: Path) -> None:
    scored("--out", tmp_path / "page")
    assert (tmp_path / "page" / "report.html").read_text().count("data:image/jpeg") == FACES
