"""The published networks' fixtures: values made from names, and the configs by name."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.models import HeatmapConfig

Array = NDArray[np.float64]

PUBLISHED = HeatmapConfig(loss="l2", labels="published", decoder="fit")

CONFIGS: dict[str, dict[str, Any]] = {
    "hourglass2_d4_resnet": {"depth": 4, "block": "residual"},
    "hourglass2_d3_hpm": {"block": "hpm"},
    "hourglass2_d3_cab": {},
    "hourglass2_d3_cab_3d": {},
    "sat2_d3_cab": {"topology": "sat"},
    "hourglass2_d4_inception": {"depth": 4, "block": "inception"},
    "sat2_d3_cab_dcn3": {"topology": "sat", "deformable": 3},
    "hourglass2_d3_cab_dcn3": {"deformable": 3, "deformable_sum": "published"},
    "hourglass2_d3_cab_in256": {"stride": 4},
}


def uniform(name: str, count: int) -> Array:
    """Numbers in [0, 1) that a name stands for."""
    low = np.uint64(2**32 - 1)
    h = (np.uint64(zlib.crc32(name.encode())) + np.uint64(2654435761) * _counting(count)) & low
    for turn in range(3):
        h ^= h >> np.uint64(16)
        if turn < 2:
            h = (h * np.uint64(73244475)) & low
    return h / 2**32


def arrays(shapes: dict[str, list[int]], gain: float) -> dict[str, NDArray[np.float32]]:
    """The tensors of a checkpoint, `arg:` and `aux:` before their names."""
    return {
        name: _values(name.partition(":")[2], tuple(shape), gain).astype(np.float32)
        for name, shape in shapes.items()
    }


def picture(size: int) -> Array:
    """An RGB picture (3, size, size) with values in 0 to 255."""
    grid = size // 8
    blocks = uniform("block", 3 * grid * grid).reshape(3, grid, grid)
    pixels = uniform("pixel", 3 * size * size).reshape(3, size, size)
    return np.floor(224 * blocks.repeat(8, 1).repeat(8, 2)) + np.floor(32 * pixels)


def label_cells() -> Array:
    """The 68 cells (x, y) of the generated label."""
    return np.floor(4 + 56 * uniform("label", 136)).reshape(68, 2)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def _counting(count: int) -> NDArray[np.uint64]:
    return np.arange(1, count + 1, dtype=np.uint64)


def _values(name: str, shape: tuple[int, ...], gain: float) -> Array:
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("_weight"):
        fan = shape[0] if "upsampling" in name else np.prod(shape[1:])
        small = 0.05 if name.endswith("offset_weight") else 1.0
        return (2 * u - 1) * small * np.sqrt(3 * gain / fan)
    if name.endswith("_bias"):
        return 0.1 * (2 * u - 1)
    if name.endswith("_gamma"):
        return 0.75 + 0.5 * u
    return 0.5 + u if name.endswith("_moving_var") else 0.2 * (2 * u - 1)
