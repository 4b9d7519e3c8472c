"""MuSiCa as one ONNX graph in which faces that are done take no further step.

Each step after the first is a branch of an `If`: it takes the faces alone of which too much error
is still expected, and is not run where there are none. So a batch's answers are those of its faces
one by one. Any runtime that knows `If` runs it; for others there is the graph of all steps.
How little is little enough, after each step, is an input of the graph; it need not be given.
"""

from collections.abc import Sequence

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper
from torch import Tensor, nn

from canthus.export.programs import OPSET, exported
from canthus.models import Musica
from canthus.models.layers.steps import Midway
from canthus.models.musica import LEVELS
from canthus.runtime.backend import QUIT_BELOW

# What is answered, by the names of the file's outputs.
ANSWERS = {
    "points": "points",
    "scores": "scores",
    "covariances": "covariance",
    "errors": "error",
    "attention": "attention",
    "patches": "patches",
    "steps": "steps",
}
HANDED = ("features", "points", "hidden")  # from one step to the next, besides what is kept
FOUND = ("features", "points", "hidden", "error", "rows")  # after a step
AXIS, NOBODY = "first_axis", "nobody"  # the graph's constants


def quitting_graph(network: Musica, size: int, outputs: Sequence[str]) -> ModelProto:
    """The graph of a slim network that quits below a threshold: its config's, if none is given.

    Args:
        network: in evaluation.
        size: of the crops' sides, in pixels.
        outputs: what is answered: "points", "scores", "covariances", "errors", "attention",
            "patches", "steps".
    """
    crops = {"crops": torch.zeros(2, 3, size, size)}
    with torch.no_grad():
        seen = [network.first(crops["crops"])]
        for number in range(1, network.config.steps):
            seen.append(network.later(number, seen[-1]))
    kept = [f"kept{level}_0" for level in range(len(seen[0].kept))]
    names = [f"{name}_0" for name in FOUND]
    first = _piece(exported(_First(network), crops, [*kept, *names]), "step0/")
    nodes = [*first.node, *(_asking(network, seen, 1) if len(seen) > 1 else [])]
    last = {"rows_said_1" if len(seen) > 1 else "rows_0": seen[-1].rows}
    tail = _piece(exported(_Tail(network, outputs), last, list(outputs)), "tail/")
    nodes += tail.node
    below = np.array(network.config.quit_below or (0.0,) * (len(seen) - 1), np.float32)
    constants = [
        onnx.numpy_helper.from_array(below, QUIT_BELOW),
        *(
            onnx.numpy_helper.from_array(np.array(row, np.int64), f"row_{row + 1}")
            for row in range(len(below))
        ),
        onnx.numpy_helper.from_array(np.array([0], np.int64), AXIS),
        onnx.numpy_helper.from_array(np.array(0, np.int64), NOBODY),
    ]
    graph = helper.make_graph(
        nodes,
        "musica",
        [*first.input, helper.make_tensor_value_info(QUIT_BELOW, TensorProto.FLOAT, [len(below)])],
        tail.output,
        initializer=[*first.initializer, *tail.initializer, *constants],
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


class _First(nn.Module):
    """The first step, and what all others need."""

    def __init__(self, network: Musica) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        found = self.network.first(crops)
        return (*found.kept, *(getattr(found, name) for name in FOUND))


class _Later(nn.Module):
    """A later step, on the level of the one before or on the next finer one.

    What was kept passes a maximum of one cell: ONNX Runtime then has it in blocks of channels, as
    the convolutions about it have their maps, and need not reorder these before they are added.
    """

    def __init__(self, network: Musica, number: int) -> None:
        super().__init__()
        self.network, self.number = network, number
        self.level = LEVELS[network.config.steps][number]

    def forward(
        self, features: Tensor, points: Tensor, hidden: Tensor, kept: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        rows = [] if kept is None else [F.max_pool2d(kept, 1)] * (self.level + 1)
        before = Midway(rows, features, points, hidden, points, points)
        found = self.network.later(self.number, before)
        return tuple(getattr(found, name) for name in FOUND)


class _Tail(nn.Module):
    """From what is known of the faces to what is answered."""

    def __init__(self, network: Musica, outputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs

    def forward(self, rows: Tensor) -> tuple[Tensor, ...]:
        answer = self.network.answered(rows)
        return tuple(getattr(answer, ANSWERS[name]) for name in self.outputs)


def _piece(model: ModelProto, prefix: str) -> GraphProto:
    """A graph whose inner names are its own."""
    named = onnx.compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)
    return named.graph


def _asking(network: Musica, seen: list[Midway], number: int) -> list[NodeProto]:
    """The nodes that take a step with the faces that need it; `rows_said` has all answers."""
    said = f"error_{number - 1}"
    rows = "rows_0" if number == 1 else f"rows_all_{number - 1}"  # of all faces, up to now
    then = _taken(network, seen, number, rows)
    other = [helper.make_node("Identity", [rows], [f"rows_kept_{number}"])]
    return [
        helper.make_node("Gather", [QUIT_BELOW, f"row_{number}"], [f"below_{number}"]),
        helper.make_node("GreaterOrEqual", [said, f"below_{number}"], [f"due_{number}"]),
        helper.make_node("NonZero", [f"due_{number}"], [f"found_{number}"]),
        helper.make_node("Squeeze", [f"found_{number}", AXIS], [f"going_{number}"]),
        helper.make_node("Size", [f"going_{number}"], [f"count_{number}"]),
        helper.make_node("Greater", [f"count_{number}", NOBODY], [f"any_{number}"]),
        helper.make_node(
            "If",
            [f"any_{number}"],
            [f"rows_said_{number}"],
            then_branch=then,
            else_branch=_branch(other, f"done_{number}", f"rows_kept_{number}", []),
        ),
    ]


def _taken(network: Musica, seen: list[Midway], number: int, rows: str) -> GraphProto:
    """The branch of a step, and of those after it."""
    levels = LEVELS[network.config.steps]
    needed = list(range(levels[number], levels[number - 1]))
    going, alive = f"going_{number}", f"alive_{number}"
    nodes = [
        helper.make_node("Identity", [going], [alive])
        if number == 1
        else helper.make_node("Gather", [f"alive_{number - 1}", going], [alive])
    ]
    for name in HANDED:
        before = [f"{name}_{number - 1}", going]
        nodes.append(helper.make_node("Gather", before, [f"{name}_into_{number}"]))
    for level in needed:
        first = [f"kept{level}_0", alive]
        nodes.append(helper.make_node("Gather", first, [f"kept{level}_into_{number}"]))
    step = _step(network, seen[number - 1], number, needed)
    column = [f"alive_{number}", f"column_{number}"]
    nodes += [*step.node, helper.make_node("Reshape", column, [f"places_{number}"])]
    mended = [rows, f"places_{number}", f"rows_{number}"]
    nodes.append(helper.make_node("ScatterND", mended, [f"rows_all_{number}"]))
    shape = onnx.numpy_helper.from_array(np.array([-1, 1], np.int64), f"column_{number}")
    values = [*step.initializer, shape]
    if number + 1 == len(seen):
        return _branch(nodes, f"step_{number}", f"rows_all_{number}", values)
    nodes += _asking(network, seen, number + 1)
    return _branch(nodes, f"step_{number}", f"rows_said_{number + 1}", values)


def _step(network: Musica, before: Midway, number: int, needed: list[int]) -> GraphProto:
    """A later step, from what is handed to it."""
    inputs = {f"{name}_into_{number}": getattr(before, name) for name in HANDED}
    inputs |= {f"kept{level}_into_{number}": before.kept[level] for level in needed}
    outputs = [f"{name}_{number}" for name in FOUND]
    return _piece(exported(_Later(network, number), inputs, outputs), f"step{number}/")


def _branch(
    nodes: list[NodeProto], name: str, answer: str, values: Sequence[TensorProto]
) -> GraphProto:
    output = helper.make_tensor_value_info(answer, TensorProto.FLOAT, None)
    return helper.make_graph(nodes, name, [], [output], initializer=values)
