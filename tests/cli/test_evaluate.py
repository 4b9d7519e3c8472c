"""`canthus evaluate` and `canthus compare`, called as from a shell."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.images.files import write_image

Command = Callable[..., Any]
SIDE = 120


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """300-W in small: two pictures for validation and one for training."""
    root = tmp_path / "data" / "300w"
    (root / "afw").mkdir(parents=True)
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    ring = 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for index in range(3):
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        image[50:55, 50 + 4 * index : 55 + 4 * index] = 255
        write_image(root / "afw" / f"{index}_1.png", image)
        points = ring + (52 + 4 * index, 52) + 1  # .pts files count from 1
        rows = "\n".join(f"{x:.3f} {y:.3f}" for x, y in points)
        text = f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n"
        (root / "afw" / f"{index}_1.pts").write_text(text)
    (root / "val.txt").write_text("afw/0_1.png\nafw/1_1.png\n")
    return root.parent


@pytest.fixture
def evaluated(command: Command, spot_weights: Path, data: Path) -> Callable[..., Any]:
    """Runs the evaluation of the spot network with more options."""
    return lambda *options: command("evaluate", spot_weights, "300w-val", "--data", data, *options)


def test_the_report_is_printed(evaluated: Command) -> None:
    done = evaluated("--boxes", "truth")
    assert done.code == 0
    assert "spot (68), truth boxes, errors by inter_ocular, failed above 8%" in done.out
    assert ["all", "2", "0"] in [line.split()[:3] for line in done.out.splitlines()]


def test_json_is_one_line(evaluated: Command) -> None:
    done = evaluated("--json")
    values = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert [values["schema"], values["kind"], values["boxes"]] == [1, "evaluation", "jitter"]
    assert values["command"].startswith("canthus evaluate ")
    assert [face["image"] for face in values["faces"]] == ["afw/0_1.png", "afw/1_1.png"]


def test_a_full_disk_leaves_no_half_report(
    evaluated: Command, tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    with full_disk(100):
        done = evaluated("--out", tmp_path / "report")

    assert done.code == 1
    assert "report.json: cannot be written: File too large; check the folder" in done.err
    assert not list((tmp_path / "report").iterdir())


def test_the_folder_gets_the_report_and_its_page(evaluated: Command, tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = evaluated("--out", out)
    assert sorted(path.name for path in out.iterdir()) == [
        "report.html",
        "report.json",
        "report.txt",
    ]
    assert json.loads((out / "report.json").read_text())["model"] == "spot"
    assert (out / "report.txt").read_text() == done.out
    assert "wrote report.json, report.txt, report.html" in done.err


def test_the_page_can_do_without_pictures(evaluated: Command, tmp_path: Path) -> None:
    evaluated("--out", tmp_path / "with")
    evaluated("--out", tmp_path / "without", "--no-pictures")
    assert "image/jpeg" in (tmp_path / "with" / "report.html").read_text()
    assert "image/jpeg" not in (tmp_path / "without" / "report.html").read_text()


def test_another_reports_curve_is_on_the_page(evaluated: Command, tmp_path: Path) -> None:
    evaluated("--out", tmp_path / "one", "--boxes", "truth")
    evaluated("--out", tmp_path / "two", "--against", tmp_path / "one" / "report.json")
    assert "spot, truth boxes" in (tmp_path / "two" / "report.html").read_text()


def test_the_root_is_called_data_too(evaluated: Command, data: Path, command: Command) -> None:
    assert evaluated().code == command("evaluate", "fast", "300w-val", "--root", data).code == 0


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_named_like_a_model_inside_does_not_stand_in_its_way(
    command: Command, data: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.chdir(data)
    if there:
        (data / "fast").mkdir()
    done = command("evaluate", "fast", "300w-val", "--root", data, "--out", "fast")
    assert done.code == 0, done.err
    assert (data / "fast" / "report.json").is_file()


@pytest.fixture
def found(command: Command, spot_weights: Path, data: Path, tmp_path: Path) -> Path:
    """What `canthus align` answers about the two pictures, from the boxes of the truth."""
    boxes = tmp_path / "boxes.csv"
    rows = [f"{i}_1.png,{42 + 4 * i},42,{62 + 4 * i},62" for i in range(2)]
    boxes.write_text("\n".join(rows))
    pictures = [data / "300w" / "afw" / f"{i}_1.png" for i in range(2)]
    done = command(
        "align", *pictures, "--model", spot_weights, "--boxes", boxes, "--once", "--json"
    )
    assert done.code == 0, done.err
    path = tmp_path / "found.jsonl"
    path.write_text(done.out)
    return path


def test_answers_from_a_file_score_like_the_model(
    command: Command, evaluated: Command, data: Path, found: Path
) -> None:
    done = command("evaluate", found, "300w-val", "--root", data, "--json")
    assert done.code == 0, done.err
    values, own = (
        json.loads(done.out),
        json.loads(evaluated("--boxes", "truth", "--once", "--json").out),
    )
    assert (values["boxes"], values["model"], values["ms_per_face"]) == ("file", "spot", None)
    assert values["subsets"]["all"]["nme"] == pytest.approx(own["subsets"]["all"]["nme"], abs=1e-4)


def test_a_model_that_has_no_way_to_the_points_is_a_reason(
    command: Command, spot_weights: Path, mine: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text("image,x0,y0,x1,y1,x2,y2\na.png,1,1,9,1,5,9\n")
    measure = ("--normalizer", "inter_pupil", "--threshold", "0.08")
    done = command("evaluate", spot_weights, tmp_path / "own.csv", "--scheme", mine, *measure)
    assert done.code == 1
    assert "spot on own: " in done.err


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Twenty faces of 68 points with their own truth, each 1 pixel off."""
    truth = np.random.default_rng(0).uniform(0, 100, (20, 68, 2))
    path = tmp_path / "mine.npz"
    np.savez(
        path,
        image=np.array([f"{i}.jpg" for i in range(20)]),
        truth=truth,
        prediction=truth + np.array([0.6, 0.8]),
        subset=np.array(["easy", "hard"] * 10),
    )
    return path


OWN = ("--scheme", "68", "--normalizer", "box_size", "--threshold", "0.07")


def test_a_file_with_its_truth_needs_no_data_set(command: Command, archive: Path) -> None:
    done = command("evaluate", archive, *OWN, "--json")
    values = json.loads(done.out)
    truth = np.load(archive)["truth"]
    size = np.sqrt(np.ptp(truth, axis=1).prod(axis=1))
    assert values["subsets"]["all"]["nme"] == pytest.approx((1 / size).mean())
    assert values["subsets"]["hard"]["faces"] == 10
    assert values["model"] == "mine"


def test_a_file_with_its_truth_gets_a_page(command: Command, archive: Path, tmp_path: Path) -> None:
    done = command("evaluate", archive, *OWN, "--out", tmp_path / "page")
    assert done.code == 0, done.err
    assert "<svg" in (tmp_path / "page" / "report.html").read_text()


def test_annotations_that_are_named_stand_before_a_files_own_truth(
    command: Command, archive: Path, tmp_path: Path
) -> None:
    arrays = dict(np.load(archive))
    head = ",".join(f"x{i},y{i}" for i in range(68))
    rows = zip(arrays["image"], arrays["prediction"], strict=True)
    lines = [f"{name},{','.join(map(str, face.ravel()))}" for name, face in rows]
    (tmp_path / "own.csv").write_text("\n".join([f"image,{head}", *lines]))
    done = command("evaluate", archive, tmp_path / "own.csv", *OWN, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["subsets"]["all"]["nme"] == pytest.approx(0, abs=1e-6)


def test_a_file_is_given_no_boxes(command: Command, archive: Path) -> None:
    done = command("evaluate", archive, *OWN, "--boxes", "detector")
    assert done.code == 2
    assert "only a model looks at faces" in done.err


def test_a_file_without_truth_needs_a_benchmark(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bare.npz"
    np.savez(path, image=np.array(["a.jpg"]), prediction=np.zeros((1, 68, 2)))
    done = command("evaluate", path, *OWN)
    assert done.code == 1
    assert "expected an array 'truth', or the BENCHMARK" in done.err


@pytest.mark.parametrize("left_out", ["--normalizer", "--threshold"])
def test_a_file_is_not_scored_by_an_unsaid_measure(
    command: Command, archive: Path, left_out: str
) -> None:
    place = OWN.index(left_out)
    done = command("evaluate", archive, *OWN[:place], *OWN[place + 2 :])
    assert done.code == 2
    assert "means nothing without" in done.err


def test_a_measure_that_is_not_the_benchmarks_own_is_told(evaluated: Command) -> None:
    done = evaluated("--normalizer", "box_size", "--json")
    values = json.loads(done.out)
    assert values["normalizer"] == "box_size"
    assert "Not the benchmark's own measure" in values["notes"][0]


def test_models_are_compared_face_by_face(
    command: Command, evaluated: Command, tmp_path: Path
) -> None:
    evaluated("--out", tmp_path / "one")
    evaluated("--out", tmp_path / "two", "--boxes", "truth")
    reports = [tmp_path / name / "report.json" for name in ("one", "two")]
    done = command("compare", *reports, "--out", tmp_path / "both")
    assert done.code == 0, done.err
    assert "spot, jitter boxes minus spot, truth boxes" in done.out
    assert json.loads((tmp_path / "both" / "comparison.json").read_text())["kind"] == "comparison"
    assert "<svg" in (tmp_path / "both" / "comparison.html").read_text()


def test_one_report_is_misuse(command: Command, tmp_path: Path) -> None:
    assert command("compare", tmp_path / "one.json").code == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--boxes", "mine"), "--boxes"),
        (("--normalizer", "eyes"), "--normalizer"),
        (("--threshold", "0"), "--threshold"),
        (("--threads", "0"), "--threads"),
    ],
)
def test_misuse_ends_with_2(evaluated: Command, options: tuple[str, ...], complaint: str) -> None:
    done = evaluated(*options)
    assert done.code == 2
    assert complaint in done.err


def test_an_unknown_benchmark_is_misuse(command: Command, data: Path) -> None:
    done = command("evaluate", "fast", "wflw-v", "--data", data)
    assert done.code == 2
    assert "300w-val" in done.err


def test_data_that_is_not_there_is_a_reason(command: Command, tmp_path: Path) -> None:
    done = command("evaluate", "fast", "300w-val", "--data", tmp_path / "nowhere")
    assert done.code == 1
    assert "expected the folder of 300w-val" in done.err
    assert "Traceback" not in done.err


MINE = """
name: mine
names: [right_eye, left_eye, chin]
parts: {eyes: [0, 1], chin: [2]}
mirror: [[0, 1]]
normalizers: {inter_pupil: [[0], [1]]}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A scheme file of three points."""
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    return path


def test_points_of_ones_own_scheme_are_scored(command: Command, mine: Path, tmp_path: Path) -> None:
    truth = np.array([[[10.0, 10], [60, 10], [35, 70]]] * 3)
    np.savez(tmp_path / "own.npz", truth=truth, prediction=truth + np.array([3, 4]))
    measure = ("--normalizer", "inter_pupil", "--threshold", "0.08")
    done = command("evaluate", tmp_path / "own.npz", "--scheme", mine, *measure, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["subsets"]["all"]["nme"] == pytest.approx(5 / 50)


def test_a_model_is_scored_on_ones_own_annotations(
    command: Command, spot_weights: Path, data: Path, tmp_path: Path
) -> None:
    done = command("convert", data / "300w", tmp_path / "own.csv")
    assert done.code == 0, done.err
    words = ("evaluate", spot_weights, tmp_path / "own.csv", "--scheme", "68", "--json")
    done = command(*words, "--normalizer", "box_size", "--threshold", "0.07")
    assert done.code == 0, done.err
    assert json.loads(done.out)["subsets"]["all"]["faces"] == 3


def test_ones_own_annotations_need_a_measure(
    command: Command, spot_weights: Path, data: Path
) -> None:
    done = command("evaluate", spot_weights, data / "300w", "--scheme", "68")
    assert done.code == 2
    assert "means nothing without" in done.err


def test_a_report_with_flip_says_so(evaluated: Command) -> None:
    values = json.loads(evaluated("--flip", "--json").out)
    assert values["model"] == "spot with flip"
    assert values["command"].split()[-2:] == ["--flip", "--json"]


def test_predictions_are_not_looked_at_in_the_mirror(
    command: Command, data: Path, found: Path
) -> None:
    done = command("evaluate", found, "300w-val", "--root", data, "--flip")
    assert done.code == 2
    assert "only a model looks at faces" in done.err


def test_parity_is_for_imported_weights(evaluated: Command) -> None:
    done = evaluated("--parity")
    assert done.code == 1
    assert "spot: parity is about the .safetensors file of an import" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--parity", "--reinitialize"), "not both"),
        (("--once", "--reinitialize"), "not both"),
        (("--parity", "--flip"), "give --parity or --flip, not both"),
        (("--device", "moon"), "cpu or cuda"),
    ],
)
def test_options_that_make_no_sense_are_misuse(
    evaluated: Command, words: tuple[str, ...], said: str
) -> None:
    done = evaluated(*words)
    assert done.code == 2
    assert said in " ".join(done.err.split())
