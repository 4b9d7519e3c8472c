"""Budgets of time and of error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus import load
from canthus.errors import CanthusError
from canthus.runtime import OnnxBackend, budgets, open_weights
from canthus.runtime.budgets import Budget, keep, parse, share


@pytest.fixture
def backend(quitting_weights: Path) -> OnnxBackend:
    return OnnxBackend(quitting_weights)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that take 1, 2 and 4 ms in all."""
    monkeypatch.setattr(budgets, "step_times", lambda *_: np.array([1.0, 2.0, 4.0]))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("1.5ms", Budget(ms=1.5)),
        (" 2 ms ", Budget(ms=2.0)),
        ("4%", Budget(error=0.04)),
        ("0.5 %", Budget(error=0.005)),
    ],
)
def test_a_budget_is_of_time_or_of_error(text: str, budget: Budget) -> None:
    assert parse(text) == budget


@pytest.mark.parametrize("text", ["", "4", "ms", "0ms", "-1ms", "1.2.3ms", "nan ms", "1s"])
def test_what_is_no_budget_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 1\.5ms, or an error in percent"):
        parse(text)


@pytest.mark.parametrize("text", ["", "8", "0%", "-8%", "%", "1..%", "inf%"])
def test_what_is_no_share_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="such as 8%, found"):
        share(text)


def test_an_error_is_the_threshold_itself(backend: OnnxBackend) -> None:
    keep(Budget(error=0.04), backend.manifest, backend)

    assert backend.quit_below == (0.04, 0.04)


@pytest.mark.parametrize(
    ("ms", "below"),
    [(9.0, (0, 0)), (4.0, (0, 0)), (3.9, (0.5, 0.6)), (2.0, (0.5, 0.6)), (1.0, (2, 3))],
)
@pytest.mark.usefixtures("slow")
def test_of_time_the_thresholds_of_the_least_error_that_keep_it_are_taken(
    ms: float, below: tuple[float, ...], backend: OnnxBackend
) -> None:
    keep(Budget(ms=ms), backend.manifest, backend)

    assert backend.quit_below == below


@pytest.mark.usefixtures("slow")
def test_less_time_than_the_first_step_takes_is_refused(backend: OnnxBackend) -> None:
    with pytest.raises(CanthusError, match=r"budget of 1 ms a face or more, .* 0\.5 ms"):
        keep(Budget(ms=0.5), backend.manifest, backend)


def test_without_a_table_there_is_no_budget_of_time(backend: OnnxBackend) -> None:
    with pytest.raises(CanthusError, match="quitter: does not say how many faces quit"):
        keep(Budget(ms=1.0), replace(backend.manifest, quitting=()), backend)


def test_a_model_without_steps_has_no_budget(spot_weights: Path) -> None:
    with pytest.raises(CanthusError, match="spot: has no steps to leave out"):
        load(spot_weights, budget="4%")


def test_steps_take_their_time(backend: OnnxBackend) -> None:
    backend.quit_below = 0.3

    times = budgets.step_times(backend, backend.manifest.crop_size, 3)

    assert times.shape == (3,)
    assert 0 < times[0] < times[2]
    assert backend.quit_below == (0.3, 0.3)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
@pytest.mark.parametrize(("budget", "steps"), [("1000ms", 3), ("100000%", 1)])
def test_a_loaded_model_keeps_its_budget(
    suffix: str, budget: str, steps: int, quitting_weights: Path
) -> None:
    path = quitting_weights.with_suffix(suffix)
    manifest, _ = open_weights(path)
    side = manifest.crop_size

    faces = load(path, budget=budget, once=True)(
        np.zeros((side, side, 3), np.uint8), [(4, 4, side - 4, side - 4)]
    )

    assert faces[0].steps == steps
