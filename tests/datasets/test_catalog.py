"""The public data sets by name."""

import pytest

from canthus.datasets.catalog import DATASETS
from canthus.faces import SCHEMES


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_says_where_it_comes_from(name: str) -> None:
    entry = DATASETS[name]
    assert entry.source.startswith("http")
    assert entry.files
    assert entry.terms
    assert entry.scheme in SCHEMES


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_splits(name: str) -> None:
    assert all(count >= 0 for count in DATASETS[name].splits.values())
    assert DATASETS[name].splits


def test_the_official_counts() -> None:
    counts = {name: dict(DATASETS[name].splits) for name in ("wflw", "cofw", "cofw68", "lapa")}
    assert counts == {
        "wflw": {"train": 7500, "test": 2500},
        "cofw": {"train": 1345, "test": 507},
        "cofw68": {"test": 507},
        "lapa": {"train": 18176, "val": 2000, "test": 2000},
    }
