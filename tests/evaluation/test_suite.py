from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from shutil import copy
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import Detection
from canthus.errors import DatasetError
from canthus.evaluation import Benchmark
from canthus.evaluation import suite as module
from canthus.evaluation.suite import Suite
from canthus.geometry import BoxRelation

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


def test_stability_is_measured_with_and_without_the_detector(suite: Suite, fake: Fake) -> None:
    follows, detected = suite.stability(fake())
    assert follows.benchmark.endswith("box follows")
    assert detected.benchmark.endswith("detector's box")


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
