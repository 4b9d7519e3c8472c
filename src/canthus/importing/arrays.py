"""Arrays and tensors out of files that others wrote; no code in them is run."""

import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from canthus.errors import WeightsError

State = Mapping[str, Tensor]

# What numpy raises for a file of arrays that is cut off, damaged, or another one.
DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error)


def read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an `.npz`, by their names.

    Raises:
        WeightsError: if the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (*DAMAGED, AttributeError) as error:  # one array alone has no names
        raise WeightsError(f"{path}: damaged, or no arrays of numbers ({error})") from None


def named(
    arrays: Mapping[str, NDArray[np.generic]], names: tuple[str, ...], path: Path
) -> list[NDArray[np.generic]]:
    """Some of a file's arrays.

    Raises:
        WeightsError: naming the one that is not there.
    """
    if missing := [name for name in names if name not in arrays]:
        raise WeightsError(
            f"{path}: expected an array {missing[0]}, found {', '.join(sorted(arrays)[:4])}"
        )
    return [arrays[name] for name in names]


def read_state(path: Path) -> State:
    """The tensors of a torch checkpoint, by their names without `module.`.

    Raises:
        WeightsError: if the file is missing or damaged, or holds no `state_dict`.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions of the format
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except Exception as error:  # its reader raises whatever a damaged file leads it to
        raise WeightsError(f"{path}: damaged, or not a checkpoint of torch ({error})") from None
    state = stored.get("state_dict") if isinstance(stored, dict) else None
    if not isinstance(state, dict) or not all(isinstance(each, Tensor) for each in state.values()):
        raise WeightsError(f"{path}: expected a state_dict of tensors, found none")
    return {str(name).removeprefix("module."): value for name, value in state.items()}
