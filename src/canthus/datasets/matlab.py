"""MATLAB files up to version 7.2, opened with care; version 7.3 is HDF5 (see `cofw`)."""

import warnings
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import mat5
from canthus.errors import DatasetError

# What scipy raises for files that are cut off, damaged or no MATLAB files at all.
DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    NotImplementedError,
    MemoryError,
    EOFError,
    AttributeError,
    OverflowError,
    UnicodeDecodeError,
    zlib.error,
)
HDF5 = b"\x89HDF\r\n\x1a\n"
LIMIT = 1e6  # no picture has a pixel beyond


def load(path: Path, names: Sequence[str] | None = None) -> Mapping[str, NDArray[np.generic]]:
    """The variables of a file.

    Args:
        path: the file.
        names: of the variables that must be there; all are read if None.

    Raises:
        DatasetError: if the file cannot be read, or lacks a variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError, MatReadWarning

    data = _read(path)
    mat5.check(data, path)  # scipy trusts lengths that a damaged file gets wrong
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", MatReadWarning)
            found = loadmat(BytesIO(data), variable_names=None if names is None else list(names))
    except (*DAMAGED, MatReadError, MatReadWarning) as error:
        raise DatasetError(
            f"{path}: cannot be read as a MATLAB file: {type(error).__name__} {error!s:.200}"
        ) from None
    variables = {name: value for name, value in found.items() if not name.startswith("__")}
    for name in names or ():
        if name not in variables:
            raise DatasetError(f"{path}: expected a variable {name!r}, found none")
    return variables


def numbers(
    variables: Mapping[str, NDArray[np.generic]], name: str, shape: tuple[int, ...], path: Path
) -> NDArray[np.float64]:
    """A variable of numbers of a certain shape; -1 in the shape is any length.

    Raises:
        DatasetError: if it is of another kind or shape, or holds what is no place in a picture.
    """
    value = np.asarray(variables[name])
    if value.dtype.kind not in "fiub":
        raise DatasetError(f"{path}: {name}: expected numbers, found {value.dtype}")
    fits = value.ndim == len(shape) and all(
        wanted in (-1, found) for wanted, found in zip(shape, value.shape, strict=True)
    )
    if not fits:
        said = " x ".join("N" if side == -1 else str(side) for side in shape)
        raise DatasetError(f"{path}: {name}: expected shape {said}, found {value.shape}")
    table = value.astype(np.float64)
    bad = ~(np.abs(table) < LIMIT)  # false for NaN too
    if bad.any():
        row = tuple(np.argwhere(bad)[0].tolist())
        raise DatasetError(
            f"{path}: {name}{list(row)}: expected a finite number, found {table[row]}"
        )
    return table


def _read(path: Path) -> bytes:
    """The bytes of a file that is no HDF5, with or without MATLAB's 512 bytes before it."""
    if not path.is_file():
        raise DatasetError(f"{path}: expected a MATLAB file, found none")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None
    if HDF5 in (data[:8], data[512:520]):
        raise DatasetError(
            f"{path}: expected a MATLAB file up to version 7.2, found 7.3; save it with -v7"
        )
    return data
