"""When to stop looking: a face is done as soon as little error is expected of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import Face


@dataclass(frozen=True, eq=False)
class Quits:
    """Where each face stops.

    Attributes:
        steps: the last step that looks at it, (N,), from 0.
        failed: whether too much error is expected even after all steps, (N,).
    """

    steps: NDArray[np.int64]
    failed: NDArray[np.bool_]

    @property
    def mean_steps(self) -> float:
        """How many steps a face takes, on average."""
        return float(self.steps.mean()) + 1


def quits(expected: ArrayLike, *, quit_below: ArrayLike, fail_above: float) -> Quits:
    """Apply MuSiCa's rule (Shapira et al., 2021): stop before the last step, or fail after it.

    Args:
        expected: the errors that a model expects after each step, (K, N), in one unit.
        quit_below: a face stops after a step of which less is expected; as much is not enough.
            One number, or one for each step but the last.
        fail_above: a face that has taken all steps fails if more is expected.

    Raises:
        ValueError: if there is no step, an error is NaN, or there are too few thresholds.

    Example:
        >>> found = quits([[0.02, 0.09], [0.01, 0.3]], quit_below=0.05, fail_above=0.2)
        >>> found.steps.tolist(), found.failed.tolist()
        ([0, 1], [False, True])
    """
    errors = np.asarray(expected, np.float64)
    if errors.ndim != 2 or not len(errors):
        raise ValueError(f"expected errors (K, N) of one step or more, found {errors.shape}")
    if np.isnan(errors).any():
        raise ValueError("expected errors that are numbers, found NaN")
    below = np.asarray(quit_below, np.float64)
    if below.shape not in ((), (len(errors) - 1,)):
        raise ValueError(
            f"expected one threshold, or {len(errors) - 1} of {len(errors)} steps, found {below}"
        )
    done = np.ones(errors.shape, bool)
    done[:-1] = errors[:-1] < below[..., None]
    steps = done.argmax(axis=0)
    last = steps == len(errors) - 1
    return Quits(steps, last & (errors[-1] > fail_above))


def marked(faces: Iterable[Face], reject: float) -> list[Face]:
    """Say of each face whether it has failed: all stay, in their order.

    Args:
        faces: what an aligner answers.
        reject: a face has failed if more error is expected, as a fraction of its longer side.

    Raises:
        ValueError: if it is not known how much is expected of a face.
    """
    return [replace(face, failed=_fails(face, reject)) for face in faces]


def _fails(face: Face, reject: float) -> bool:
    if face.expected_error is None:
        raise ValueError("expected faces of a model that expects errors, found one without")
    return face.expected_error > reject
