"""Pickles of numbers, read without running anything that is in them.

A pickle is a program: it may ask for any function and have it called. Here it is given stand-ins
for the few functions with which numpy's arrays are pickled, and nothing else; they only take note
of what an array is, and it is then made from its bytes.
"""

import pickle
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from canthus.errors import WeightsError

Content = Mapping[str, Any] | list[Any] | NDArray[np.generic] | str | bytes | int | float | None

MOST_BYTES = 1 << 31
PLAIN = (str, bytes, bool, int, float, type(None))
KINDS = "biuf"  # of numpy's numbers: truth values, whole numbers, floats
HOMES = ("numpy.core", "numpy._core")  # the same under its old name and its new one
NDARRAY = "numpy.ndarray"
ENCODINGS = ("latin1", "latin-1")  # in which old pickles have bytes as texts
# What a damaged pickle leads its reader to raise.
DAMAGED = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_pickle(path: Path) -> Content:
    """What is in a pickle: numbers, texts, numpy's arrays, and lists and dictionaries of such.

    Raises:
        WeightsError: if the file cannot be read, is damaged, or asks for anything else, by name.
    """
    if not path.is_file():  # to open a pipe may wait forever
        raise WeightsError(f"{path}: expected a pickle, found no such file")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WeightsError(f"{path}: expected {MOST_BYTES} bytes at most, found more")
        with path.open("rb") as file:
            return _plain(_Reader(file).load())
    except _Refused as error:
        raise WeightsError(
            f"{path}: expected a pickle of numbers and arrays, found that it asks for {error}; "
            "nothing of it was run"
        ) from None
    except DAMAGED as error:
        raise WeightsError(
            f"{path}: cannot be read as a pickle: {type(error).__name__} {error!s:.200}"
        ) from None


class _Refused(Exception):
    """What a pickle asks for and does not get."""


class _Kind:
    """What numpy calls a dtype: of numbers only."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name if name[:1] in KINDS else "V0")
        if self.dtype.kind not in KINDS:
            raise _Refused(f"an array of type {name[:40]!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """An array, as long as its bytes are not there yet."""

    values: NDArray[np.generic]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, data = state
        self.values = _filled(data, kind, shape, "F" if by_columns else "C")


class _StandIn:
    """What a pickle gets for a function; made anew for each pickle, and without a dictionary."""

    __slots__ = ("_act",)

    def __init__(self, act: Callable[..., Any]) -> None:
        self._act = act

    def __call__(self, *given: Any) -> Any:
        return self._act(*given)


class _Reader(pickle.Unpickler):
    """Gives stand-ins for all that a pickle asks for by name, or refuses."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str, /) -> Any:
        wanted = f"{module}.{name}"
        if wanted == NDARRAY:
            return NDARRAY
        if wanted not in STAND_INS:
            raise _Refused(wanted[:80])
        return _StandIn(STAND_INS[wanted])

    def persistent_load(self, pid: Any, /) -> Any:
        raise _Refused("something outside of it")


def _kind(name: str, *_: object) -> _Kind:
    return _Kind(name)


def _array(kind: object, *_: object) -> _Array:
    if kind != NDARRAY:
        raise _Refused("an array of its own class")
    return _Array()


def _scalar(kind: _Kind, data: bytes | str) -> float | int | bool:
    number: float | int | bool = _filled(data, kind, (), "C").item()
    return number


def _from_buffer(data: bytes, kind: _Kind, shape: Any, order: str) -> NDArray[np.generic]:
    return _filled(data, kind, shape, order)


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ENCODINGS:
        raise _Refused(f"a text encoded as {encoding!r:.40}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


STAND_INS: Mapping[str, Callable[..., Any]] = {
    "numpy.dtype": _kind,
    "_codecs.encode": _encode,  # with which old protocols write bytes
    "__builtin__.bytes": _no_bytes,
    **{f"{home}.multiarray._reconstruct": _array for home in HOMES},
    **{f"{home}.multiarray.scalar": _scalar for home in HOMES},
    **{f"{home}.numeric._frombuffer": _from_buffer for home in HOMES},
}


def _filled(data: bytes | str, kind: _Kind, shape: Any, order: Any) -> NDArray[np.generic]:
    """An array of its own from bytes; there must be as many as it needs."""
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
    sides = (shape,) if isinstance(shape, int) else tuple(shape)
    if min(sides, default=0) < 0 or prod(sides) * kind.dtype.itemsize != len(raw):
        raise ValueError(f"{len(raw)} bytes for an array of {sides} of {kind.dtype}")
    array = np.frombuffer(raw, kind.dtype).reshape(sides, order=order)
    return array.astype(kind.dtype.newbyteorder("="))


def _plain(value: Any) -> Any:
    """A value with its arrays in place of what stood for them."""
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, PLAIN) or (isinstance(value, np.ndarray) and value.dtype.kind in KINDS):
        return value
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    raise _Refused(f"a {type(value).__name__.strip('_').lower()}")
