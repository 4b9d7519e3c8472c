"""Networks as ONNX bytes: the few fields of the format that small nets of our own need.

The package `onnx`, which writes the whole format, is large and not needed to run a network. Field
numbers are those of the published `onnx.proto`.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 17

Attribute = int | float | str | Sequence[int]
Array = NDArray[np.float32] | NDArray[np.int64]

_KINDS = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7  # types of attributes


class Graph:
    """A network that is put together node by node.

    A value is known by its name: that of an input, or what `add` or `constant` answered.
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, shape: Sequence[int | str], kind: type = np.float32) -> str:
        """Declare an input; sides that may vary have a name for a number."""
        self._inputs.append(_value(name, shape, np.dtype(kind)))
        return name

    def constant(self, values: Array) -> str:
        """Put an array into the file."""
        name = self._new_name()
        dims = b"".join(_number(1, side) for side in values.shape)
        data = _bytes(9, np.ascontiguousarray(values).tobytes())
        self._constants.append(dims + _number(2, _KINDS[values.dtype]) + _text(8, name) + data)
        return name

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add a node; answers the name of its one output."""
        name = self._new_name()
        named = b"".join(_bytes(5, _attribute(key, value)) for key, value in attributes.items())
        ends = b"".join(_text(1, value) for value in inputs) + _text(2, name)
        self._nodes.append(ends + _text(4, operator) + named)
        return name

    def to_bytes(self, output: str, shape: Sequence[int | str]) -> bytes:
        """The ONNX file whose one output is a value that was added."""
        graph = b"".join(
            [
                *(_bytes(1, node) for node in self._nodes),
                _text(2, "graph"),
                *(_bytes(5, constant) for constant in self._constants),
                *(_bytes(11, value) for value in self._inputs),
                _bytes(12, _value(output, shape, np.dtype(np.float32))),
            ]
        )
        opset = _text(1, "") + _number(2, OPSET)
        return _number(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, opset)

    def _new_name(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, _STRING)
    if isinstance(value, float):
        return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _number(20, _FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _INT)
    return _text(1, name) + b"".join(_number(8, item) for item in value) + _number(20, _INTS)


def _value(name: str, shape: Sequence[int | str], kind: np.dtype[np.generic]) -> bytes:
    sides = (_number(1, side) if isinstance(side, int) else _text(2, side) for side in shape)
    dims = b"".join(_bytes(1, side) for side in sides)
    tensor = _number(1, _KINDS[kind]) + _bytes(2, dims)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(value: int) -> bytes:
    """Seven bits to a byte, the low ones first; the eighth says that more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
