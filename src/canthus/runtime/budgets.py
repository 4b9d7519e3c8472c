"""Budgets of time or of error, and the threshold that keeps them: below it, faces quit."""

import math
import re
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.errors import CanthusError
from canthus.runtime.backend import Backend, OnnxBackend, Thresholds, TorchBackend, quitter
from canthus.runtime.manifest import Manifest

Array = NDArray[np.float64]

WARM, RUNS = 3, 15  # runs of a crop that are not timed, and that are


@dataclass(frozen=True)
class Budget:
    """What a face may cost: one of the two is given.

    Attributes:
        ms: of the network, as a mean over faces.
        error: that may be expected of a face when it quits, in longer sides of its tight box.
    """

    ms: float | None = None
    error: float | None = None


def parse(text: str) -> Budget:
    """Read a budget: milliseconds a face, or an error in percent of the face's longer side.

    Raises:
        ValueError: if the text is neither.

    Example:
        >>> parse("1.5ms"), parse("4%")
        (Budget(ms=1.5, error=None), Budget(ms=None, error=0.04))
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*ms\s*", text)
    if found is None and "%" in text:
        return Budget(error=share(text))
    value = _positive(found.group(1)) if found else None
    if value is None:
        raise ValueError(
            "expected milliseconds a face, such as 1.5ms, or an error in percent of the face's "
            f"longer side, such as 4%, found {text!r}"
        )
    return Budget(ms=value)


def share(text: str) -> float:
    """Read an error in percent of the face's longer side as a fraction of that.

    Raises:
        ValueError: if the text is none, or not above 0.

    Example:
        >>> share("8%")
        0.08
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*%\s*", text)
    value = _positive(found.group(1)) if found else None
    if value is None:
        raise ValueError(
            f"expected an error in percent of the face's longer side, such as 8%, found {text!r}"
        )
    return value / 100


def keep(budget: Budget, manifest: Manifest, backend: Backend) -> None:
    """Let a backend quit as soon as a budget allows, and no sooner.

    An error is the threshold itself: a face quits once less is expected of it. For a time, what
    the steps take here is measured, and of the manifest's thresholds those are taken at which the
    faces that the training kept apart would have taken no longer on average, with the least error.

    Raises:
        CanthusError: if the model takes no steps that it could leave out, or does not say how
            many faces quit at what threshold, or its first step takes longer.
    """
    told = quitter(backend)
    if told is None:
        raise CanthusError(
            f"{manifest.name}: has no steps to leave out, so it cannot keep a budget; take a "
            "musica of networks slim, exported without --steps all"
        )
    if budget.error is not None:
        told.quit_below = budget.error
    elif budget.ms is not None:
        told.quit_below = _in_time(budget.ms, manifest, told)


def _in_time(ms: float, manifest: Manifest, backend: OnnxBackend | TorchBackend) -> Thresholds:
    if not manifest.quitting:
        raise CanthusError(
            f"{manifest.name}: does not say how many faces quit at what threshold; measure that "
            "with `canthus calibrate` and export the model again, or give an error, such as 4%"
        )
    rows = sorted(manifest.quitting, key=lambda row: row.error)
    times = step_times(backend, manifest.crop_size, len(rows[0].shares))
    costs = [float(np.dot(row.shares, times)) for row in rows]
    fitting = [row.below for row, cost in zip(rows, costs, strict=True) if cost <= ms]
    if not fitting:
        raise CanthusError(
            f"{manifest.name}: expected a budget of {min(costs):.2g} ms a face or more, which its "
            f"first step takes here, found {ms:g} ms"
        )
    return fitting[0]


def step_times(backend: OnnxBackend | TorchBackend, size: int, steps: int) -> Array:
    """Measure how long one face takes that quits after so many steps, (K,) in milliseconds.

    Args:
        backend: whose faces can quit; its threshold is as before when this is done.
        size: of its crops' sides, in pixels.
        steps: K, how many it has.
    """
    usual = backend.quit_below
    crop = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    try:
        return np.array([_timed(backend, crop, _after(k, steps)) for k in range(1, steps + 1)])
    finally:
        backend.quit_below = usual


def _after(taken: int, steps: int) -> Thresholds:
    """Thresholds at which every face takes so many steps."""
    return tuple(0.0 if number < taken else math.inf for number in range(1, steps))


def _timed(
    backend: OnnxBackend | TorchBackend, crop: NDArray[np.uint8], below: Thresholds
) -> float:
    backend.quit_below = below
    spent = []
    for _ in range(WARM + RUNS):
        begin = time.perf_counter()
        backend.run(crop)
        spent.append(time.perf_counter() - begin)
    return 1000 * float(np.median(spent[WARM:]))


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value > 0 else None
