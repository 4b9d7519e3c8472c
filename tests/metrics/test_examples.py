import doctest
import importlib

import pytest

NAMES = (
    "bins",
    "calibration",
    "curves",
    "intervals",
    "jitter",
    "nme",
    "normalizers",
    "paired",
    "pose",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_runs(name: str) -> None:
    module = importlib.import_module(f"canthus.metrics.{name}")
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
