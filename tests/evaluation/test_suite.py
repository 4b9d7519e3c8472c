from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from shutil import copy
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import Detection
from canthus.errors import DatasetError
from canthus.evaluation import Benchmark, speed
from canthus.evaluation import suite as module
from canthus.evaluation.suite import Suite
from canthus.geometry import BoxRelation
from canthus.runtime import Aligner, load

Fake = Callable[..., Any]
T = TypeVar("T")
COMMAND = "canthus benchmark all --data faces"


class Finder:
    """Finds every face of a benchmark as the truth has it."""

    name = "finder"
    relation = BoxRelation()

    def __init__(self, benchmark: Benchmark) -> None:
        self.samples = benchmark.samples

    def __call__(self, image: NDArray[np.uint8]) -> list[Detection]:
        return [Detection(self.samples[int(image[64, 64, 0])].box.squared(), 1.0, None)]


@pytest.fixture
def suite(benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A suite whose every data set is the drawn one."""
    for name in ("300w", "ytf68", "aflw21"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(module, "open_benchmark", lambda name, root: benchmark)
    return Suite(root=tmp_path, command=COMMAND, runs=2)


def test_accuracy_is_measured_on_every_benchmark(suite: Suite, fake: Fake) -> None:
    figures = suite.accuracy(fake(offset=(0.6, 0.8)))
    assert len(figures) == 3 * 5
    assert figures[0].value == pytest.approx(1 / 40)


def test_every_figure_names_the_one_command(suite: Suite, fake: Fake) -> None:
    assert {figure.command for figure in suite.accuracy(fake())} == {COMMAND}


def test_peers_are_measured_both_ways(suite: Suite, fake: Fake) -> None:
    figures = suite.peers(fake(offset=(0.6, 0.8), lost=(2,)))
    assert [figure.metric for figure in figures[:6]] == [
        *2 * ["nme inter_ocular", "failure_rate at 0.08"],
        "missed_count",
        "face_ms",
    ]
    where = ["300w-val, jitter boxes", "300w-val, jitter boxes, offset removed"]
    assert [figure.benchmark for figure in figures[:4:2]] == where
    assert len(figures) == 12
    assert figures[0].value == pytest.approx(1 / 40)
    assert figures[4].value == 1


@pytest.fixture
def quick(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A suite with three cores whose processes are not really started."""
    monkeypatch.setattr(speed, "num_cores", lambda: 3)
    never = speed.Timing(300.0, 290.0, 1)
    monkeypatch.setattr(speed, "time_start", lambda photo, **_: speed.Start(never, 120.0))
    monkeypatch.setattr(speed, "time_import", lambda runs: speed.Import(never, torch=False))
    return suite


def test_speed_is_size_and_time_on_one_core_and_on_all_and_a_start(
    quick: Suite, spot_weights: Path
) -> None:
    found = quick.speed(str(spot_weights))
    assert [(figure.metric, figure.benchmark) for figure in found] == [
        ("parameters_count", "layers as the file has them"),
        ("multiply_adds_count", "one face, network only"),
        ("face_ms", "network only, batch of 1, one core"),
        ("face_ms", "network only, batch of 32, one core"),
        ("face_ms", "network only, batch of 1, all 3 cores"),
        ("face_ms", "network only, batch of 32, all 3 cores"),
        ("start_ms", "canthus align, one drawn picture, whole process"),
        ("start_peak_mb", "canthus align, one drawn picture, whole process"),
        ("import_ms", "import canthus"),
        ("import_torch_count", "import canthus"),
    ]


def test_the_only_core_is_not_timed_twice(
    quick: Suite, spot_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "num_cores", lambda: 1)
    found = [f.benchmark for f in quick.speed(str(spot_weights)) if f.metric == "face_ms"]
    assert found == ["network only, batch of 1, one core", "network only, batch of 32, one core"]


def test_the_network_is_given_as_many_cores_as_a_figure_says(
    quick: Suite, spot_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    def spied(path: Path, *, threads: int) -> Aligner:
        given.append(threads)
        return load(path, threads=threads)

    monkeypatch.setattr(module, "load", spied)
    quick.speed(str(spot_weights))
    assert given == [1, 3]


def test_a_batch_is_timed_by_the_face(
    quick: Suite, spot_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_ms = speed.Timing(64.0, 64.0, 1)
    monkeypatch.setattr(speed, "time_network", lambda *_, **__: batch_ms)
    found = {f.benchmark: f.value for f in quick.speed(str(spot_weights))}
    assert found["network only, batch of 1, one core"] == 64
    assert found["network only, batch of 32, one core"] == 2


def test_multiply_adds_are_those_of_one_face(quick: Suite, spot_weights: Path) -> None:
    found = {f.metric: f.value for f in quick.speed(str(spot_weights))}
    assert found["multiply_adds_count"] == 64 * 64 * 2  # brightness times places


def test_a_photo_of_the_users_own_is_started_with(
    quick: Suite, spot_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Path] = []

    def spied(photo: Path, *, model: str, runs: int) -> speed.Start:
        given.append(photo)
        return speed.Start(speed.Timing(1.0, 1.0, runs), 1.0)

    monkeypatch.setattr(speed, "time_start", spied)
    found = quick.start(str(spot_weights), Path("me.jpg"))
    assert given == [Path("me.jpg")]
    assert found[0].benchmark == "canthus align, one picture, whole process"


def test_stability_is_measured_with_and_without_the_detector(suite: Suite, fake: Fake) -> None:
    follows, detected, *changed = suite.stability(fake())
    assert follows.benchmark.endswith("box follows")
    assert detected.benchmark.endswith("detector's box")
    assert [figure.benchmark.split(", ")[1] for figure in changed] == [
        "noise of 2 gray levels",
        "noise of 5 gray levels",
        "noise of 10 gray levels",
        "JPEG of quality 90",
        "JPEG of quality 70",
        "JPEG of quality 50",
        "JPEG of quality 30",
    ]


def test_the_detector_is_measured_where_it_has_room(suite: Suite, benchmark: Benchmark) -> None:
    figures = suite.detector(Finder(benchmark))
    recalls = {f.benchmark: f.value for f in figures if f.metric == "recall iou 0.5"}
    assert recalls == {"300w-val, finder": 1, "ytf68-val, finder": 1}
    assert figures[-1].metric == "detector_ms"
    assert figures[-1].benchmark == "finder, pictures of 128 x 128, one core"


def test_pictures_about_one_face_are_looked_at_if_they_are_there(
    suite: Suite, benchmark: Benchmark, pictures: list[Path]
) -> None:
    folder = suite.root / "aflw2000-sample"
    folder.mkdir()
    copy(pictures[0], folder)
    found = [f for f in suite.detector(Finder(benchmark)) if f.metric == "recall middle"]
    assert [f.value for f in found] == [1.0]


def test_somebody_is_told_of_every_benchmark(
    suite: Suite, fake: Fake, benchmark: Benchmark
) -> None:
    told: list[tuple[int, str]] = []

    def track(items: Sequence[T], what: str) -> Iterable[T]:
        told.append((len(items), what))
        return items

    Suite(root=suite.root, command="", track=track).accuracy(fake())
    assert told == [(6, "300w-val"), (6, "ytf68-val"), (6, "aflw21-val")]


def test_a_data_set_that_is_missing_is_named(tmp_path: Path, fake: Fake) -> None:
    with pytest.raises(DatasetError, match="expected a folder 300w in it, for 300w-val"):
        Suite(root=tmp_path, command="").stability(fake())
