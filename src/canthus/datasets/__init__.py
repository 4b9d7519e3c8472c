"""Annotations on disk: one reader per layout, all of them answer a list of samples."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from canthus.datasets import ibug, records, tables, taught, w300lp, wflw
from canthus.datasets.sample import Sample

Split = Literal["train", "val", "all"]
LAYOUTS: Mapping[str, Callable[[Path, Split], list[Sample]]] = {
    "300w-lp": w300lp.learn_from,
    "300w-lp-3d": partial(w300lp.learn_from, kind="train-3d"),
    "ibug": ibug.read,
    "records": records.read,
    "table": tables.read,
    "wflw": wflw.learn_from,
}

__all__ = ["LAYOUTS", "Sample", "Split", "taught"]
