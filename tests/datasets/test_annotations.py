from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample, annotations, cats
from canthus.errors import DatasetError
from canthus.geometry import Box


def samples(count: int) -> list[Sample]:
    cat = cats.random_cat(np.random.default_rng(0))
    face = cats.draw(cat, np.random.default_rng(0), size=64)
    names = [f"cat_{number // 2:03d}_{number % 2}.png" for number in range(count)]
    return [Sample(Path(n), Box(0, 0, 9, 9), face.landmarks, group=n, name=n) for n in names]


@pytest.mark.parametrize("pattern", [r"cat_\d+", r"(cat_\d+)_\d"])
def test_a_group_is_what_a_pattern_finds_in_a_name(pattern: str) -> None:
    found = annotations.grouped(samples(4), pattern)

    assert [sample.group for sample in found] == ["cat_000", "cat_000", "cat_001", "cat_001"]


def test_a_name_without_a_group_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"expected a group in the name 'cat_000_0.png'"):
        annotations.grouped(samples(1), "dog")


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(DatasetError, match="expected a regular expression"):
        annotations.grouped(samples(1), "(cat")


def test_what_is_left_of_a_division_can_be_divided_again() -> None:
    every = annotations.grouped(samples(400), r"cat_\d+")

    left, apart = annotations.hold_out(every, 0.3, salt="apart/")
    learned, kept = annotations.hold_out(left, 0.2)

    sets = [{sample.group for sample in part} for part in (learned, kept, apart)]
    assert all(sets)
    assert len(set.union(*sets)) == sum(map(len, sets)) == 200
