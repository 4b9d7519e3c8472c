"""MXNet's record files, as heatmap networks are trained from; they are read, not written.

Coordinates count from 0: the center of the top-left pixel is (0, 0). A face has no box and no
visibility, and all of its points are known.
"""

from collections.abc import Sequence
from pathlib import Path

from canthus.datasets import records
from canthus.datasets.formats.faces import scheme_of_all
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a `.rec`, in its order; the pictures stay in it.

    Raises:
        DatasetError: naming the record and the byte that are not as they should be, or if the
            `.idx` beside it does not agree.
    """
    return records.read_faces(path, scheme)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Refuse: record files are not written.

    Raises:
        DatasetError: always.
    """
    scheme_of_all(samples, path)
    raise DatasetError(f"{path}: record files are read, not written; choose another format")
