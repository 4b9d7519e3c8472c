"""Annotations on disk: one reader per layout, all of them answer a list of samples."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from canthus.datasets import ibug, records, tables
from canthus.datasets.sample import Sample

Split = Literal["train", "val", "all"]
LAYOUTS: Mapping[str, Callable[[Path, Split], list[Sample]]] = {
    "ibug": ibug.read,
    "records": records.read,
    "table": tables.read,
}

__all__ = ["LAYOUTS", "Sample", "Split"]
