"""Small files in the layouts of the public data sets."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.images.files import write_image


def ring(count: int, middle: float = 60.0) -> NDArray[np.float64]:
    """Points on a spiral about a middle, none like another, counted from 0."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = 20 + np.arange(count) / count
    return middle + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def write_pts(path: Path, points: NDArray[np.float64], end: str = "\n", head: str = "") -> Path:
    """A `.pts` file: counted from 1."""
    rows = [f"{x:.4f} {y:.4f}" for x, y in points + 1]
    lines = ["version: 1", f"n_points: {len(points)}", "{", *rows, "}"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((head + end.join(lines) + end).encode("utf-8"))
    return path


def write_pair(path: Path, points: NDArray[np.float64]) -> None:
    """A picture and its `.pts`."""
    write_pts(path.with_name(f"{path.stem}.pts"), points)
    write_image(path, np.full((128, 128, 3), 90, np.uint8))


@pytest.fixture
def broken() -> list[tuple[str, str]]:
    """What may stand where a coordinate should be, and what is said of it."""
    return [
        ("nan", "expected a place in a picture"),
        ("inf", "expected a place in a picture"),
        ("1e308", "expected a place in a picture"),
        ("1,5", "use a point for decimals"),
        ("x", "expected a number"),
    ]
