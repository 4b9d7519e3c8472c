from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import Detection
from canthus.evaluation import Benchmark
from canthus.evaluation.recall import measure, share_found
from canthus.geometry import Box, BoxRelation

RELATION = BoxRelation(right=0.1, down=-0.2, scale=1.5)


@dataclass
class FakeDetector:
    """Draws the faces of a benchmark in its own manner, moved by parts of their sides."""

    benchmark: Benchmark
    right: float = 0.0
    lost: tuple[int, ...] = ()
    strangers: int = 0
    name: str = "fake"
    relation: BoxRelation = RELATION

    def __call__(self, image: NDArray[np.uint8]) -> list[Detection]:
        index = int(image[64, 64, 0])
        boxes = [Box(0, 0, 9, 9)] * self.strangers
        if index not in self.lost:
            truth = self.benchmark.samples[index].box.squared()
            boxes.append(RELATION.from_tight(truth.moved(self.right, 0.0)))
        return [Detection(box, 1.0, None) for box in boxes]


def test_boxes_are_compared_in_the_tight_frame(benchmark: Benchmark) -> None:
    found = measure(FakeDetector(benchmark), benchmark)
    assert found.recall == {0.3: 1, 0.5: 1, 0.7: 1}
    assert [found.center, found.scale] == pytest.approx([0, 0], abs=1e-9)


def test_a_face_without_a_box_is_not_found(benchmark: Benchmark) -> None:
    found = measure(FakeDetector(benchmark, lost=(1, 4)), benchmark)
    assert found.recall[0.5] == pytest.approx(4 / 6)
    assert found.missed == (1, 4)


def test_recall_falls_with_the_overlap_asked_for(benchmark: Benchmark) -> None:
    # squares moved by 0.25 of their side share 0.75 of 1.25
    found = measure(FakeDetector(benchmark, right=0.25), benchmark)
    assert found.recall == {0.3: 1, 0.5: 1, 0.7: 0}
    assert found.center == pytest.approx(0.25)


def test_boxes_that_fit_no_face_are_counted(benchmark: Benchmark) -> None:
    found = measure(FakeDetector(benchmark, strangers=2, lost=(0,)), benchmark)
    assert found.extra == pytest.approx(2)


def test_a_second_box_on_a_face_is_one_too_many(benchmark: Benchmark) -> None:
    twice = FakeDetector(benchmark)
    once = FakeDetector(benchmark)
    twice.__class__ = type(
        "Twice", (FakeDetector,), {"__call__": lambda self, image: 2 * once(image)}
    )
    assert measure(twice, benchmark).extra == 1


def test_a_face_in_the_middle_is_found_without_truth(
    benchmark: Benchmark, pictures: list[Path]
) -> None:
    # boxes are about x 30 to 90, y 30 to 90; the pictures' middle is at 63.5
    assert share_found(FakeDetector(benchmark, lost=(0,)), pictures) == pytest.approx(5 / 6)


def test_a_face_elsewhere_does_not_count(benchmark: Benchmark, pictures: list[Path]) -> None:
    nobody = tuple(range(6))
    assert share_found(FakeDetector(benchmark, lost=nobody, strangers=1), pictures) == 0
