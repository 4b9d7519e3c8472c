"""How large a network is: its parameters, and its multiply-adds for one face.

Multiply-adds are those of convolutions, transposed convolutions and products of matrices. Biases,
norms, activations, pooling and sampling are not among them, as in most papers. A transposed
convolution takes each of its inputs times each weight that the input meets.

What is counted is what has run: an ONNX file is run once on zeros, with nothing optimized, and
ONNX Runtime tells the shapes that every node has met. So a file needs neither torch nor `onnx`.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from canthus.errors import WeightsError
from canthus.runtime.backend import TorchBackend, profile

CONVOLUTIONS, PRODUCTS = "convolutions", "products of matrices"
VALUE_BYTES = {"float16": 2, "bfloat16": 2, "float": 4, "double": 8}
INTEGER_BYTES = {"int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4}
SCALED = "DequantizeLinear"  # makes numbers of the integers that a file on integers holds
# They multiply, and their shapes alone do not tell how often.
UNCOUNTED = {
    *("Attention", "ConvInteger", "Einsum", "FusedConv", "FusedGemm", "FusedMatMul", "GRU"),
    *("LSTM", "MatMulInteger", "MultiHeadAttention", "QLinearConv", "QLinearMatMul", "RNN"),
}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Complexity:
    """How large a network is.

    Attributes:
        parameters: how many values it has learned. Of a `.safetensors` file these are all that
            training changes. Of an ONNX file they are what its convolutions, matrices, slopes and
            norms hold, in floats or in integers that a scale belongs to: an export folds each norm
            into the convolution before it, which leaves one value per channel where two were
            trained. A layer that is used twice counts twice, and a fixed matrix cannot be told
            from a trained one.
        kinds: the multiply-adds of one face, by the kind of layer.
    """

    parameters: int
    kinds: Mapping[str, int]

    @property
    def multiply_adds(self) -> int:
        """Those of all layers together, for one face."""
        return sum(self.kinds.values())


@dataclass(frozen=True)
class Node:
    """What a node of an ONNX file has met as it ran.

    Attributes:
        name: of the node; those in a loop run under one name.
        operator: of ONNX.
        inputs: the shapes of what went in, the file's own values included.
        outputs: the shapes of what came out.
        constants: how many values among the inputs are the file's own.
    """

    name: str
    operator: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    constants: int


def count(path: Path) -> Complexity:
    """Count the parameters of a weights file, and the multiply-adds of one face.

    Args:
        path: an `.onnx` file, with or without a manifest, or, where torch is installed, a
            `.safetensors` file.

    Raises:
        WeightsError: naming the file, if it cannot be read or run, or has an operator whose
            multiply-adds its shapes do not tell.
    """
    if path.suffix.lower() == ".safetensors":
        return _count_torch(path)
    nodes = _nodes(path)
    if unknown := sorted({node.operator for node in nodes} & UNCOUNTED):
        raise WeightsError(
            f"{path}: the multiply-adds of {', '.join(unknown)} cannot be told from the shapes; "
            "count the .safetensors file that it was made from"
        )
    kinds = {CONVOLUTIONS: 0, PRODUCTS: 0}
    for node in nodes:
        kind = PRODUCTS if node.operator in ("Gemm", "MatMul") else CONVOLUTIONS
        kinds[kind] += multiply_adds(node)
    return Complexity(parameters(nodes), kinds)


def multiply_adds(node: Node) -> int:
    """The multiply-adds of a node; none if it is no convolution and no product of matrices."""
    counted = MULTIPLY_ADDS.get(node.operator)
    return 0 if counted is None else counted(node)


def parameters(nodes: Sequence[Node]) -> int:
    """How many learned values the nodes of a file hold, in the order in which they have run."""
    found = {}
    for before, node in zip((None, *nodes), nodes, strict=False):
        found[node.name] = _held(node, before)
    return sum(found.values())


def _held(node: Node, before: Node | None) -> int:
    """The learned values of one node, after the node before it."""
    if node.operator in ("Conv", "ConvTranspose", "DeformConv", "Gemm", "PRelu", SCALED, *NORMS):
        return node.constants
    if node.operator == "BatchNormalization":
        return node.constants // 2  # scale and shift; mean and variance are not learned
    if node.operator == "MatMul":
        return node.constants if _holds_matrix(node) else 0
    return node.constants if before is not None and _is_bias(node, before) else 0


def _holds_matrix(node: Node) -> bool:
    """Whether a product is by a matrix of the file; a vector may be a grid's places."""
    return any(len(shape) > 1 and math.prod(shape) == node.constants for shape in node.inputs)


def _is_bias(node: Node, before: Node) -> bool:
    """Whether a node adds to a product of matrices what a linear layer adds."""
    return (
        (node.operator, before.operator) == ("Add", "MatMul")
        and _holds_matrix(before)
        and before.outputs[0] in node.inputs
        and (node.constants,) == before.outputs[0][-1:]
    )


def _by_output(node: Node) -> int:
    """Each output is a sum over the inputs of its group and the kernel."""
    return math.prod(node.outputs[0]) * math.prod(node.inputs[1][1:])


def _by_input(node: Node) -> int:
    """Each input goes to the outputs of its group and the kernel."""
    return math.prod(node.inputs[0]) * math.prod(node.inputs[1][1:])


def _by_matrix(node: Node) -> int:
    return math.prod(node.outputs[0]) * node.inputs[0][-1]


def _by_gemm(node: Node) -> int:
    """As `_by_matrix`, of a first matrix that may be transposed."""
    return math.prod(node.inputs[0]) * node.outputs[0][1]


MULTIPLY_ADDS: Mapping[str, Callable[[Node], int]] = {
    "Conv": _by_output,
    "DeformConv": _by_output,
    "ConvTranspose": _by_input,
    "MatMul": _by_matrix,
    "Gemm": _by_gemm,
}
NORMS = ("GroupNormalization", "InstanceNormalization", "LayerNormalization")


def _count_torch(path: Path) -> Complexity:
    manifest, backend = TorchBackend.open(path)
    kinds = {CONVOLUTIONS: 0, PRODUCTS: 0}
    for operator, operations in backend.multiply_adds(manifest.crop_size).items():
        kinds[CONVOLUTIONS if "convolution" in operator else PRODUCTS] += operations
    return Complexity(backend.num_parameters, kinds)


def _nodes(path: Path) -> list[Node]:
    """What each node of an ONNX file has met in one run, in the order in which they ran."""
    with TemporaryDirectory() as folder:
        events = json.loads(profile(path, Path(folder)).read_text(encoding="utf-8"))
    ran = [event for event in events if event["name"].endswith("_kernel_time")]
    return [_node(event["name"], event["args"]) for event in ran]


def _node(name: str, noted: Mapping[str, Any]) -> Node:
    return Node(
        name=name,
        operator=noted["op_name"],
        inputs=_shapes(noted["input_type_shape"]),
        outputs=_shapes(noted["output_type_shape"]),
        constants=_constants(noted),
    )


def _constants(noted: Mapping[str, Any]) -> int:
    """How many numbers of those that go into a node the file holds; scales are not counted."""
    kinds = [kind for tensor in noted["input_type_shape"] for kind in tensor]
    held = int(noted["parameter_size"])
    if noted["op_name"] == SCALED:
        values = math.prod(_shapes(noted["input_type_shape"])[0])
        # scale and zero point are the file's own even where the integers are not
        return values if held >= values * INTEGER_BYTES.get(kinds[0], held + 1) else 0
    size = VALUE_BYTES.get(kinds[0], 0) if kinds else 0  # only of numbers can there be learned ones
    return held // size if size else 0


def _shapes(tensors: Iterable[Mapping[str, Sequence[int]]]) -> tuple[Shape, ...]:
    return tuple(tuple(shape) for tensor in tensors for shape in tensor.values())
