"""MuSiCa as one ONNX graph in which faces that are done take no further step.

Each step after the first is a branch of an `If`: it takes the faces alone of which too much error
is still expected, and is not run where there are none. So a batch's answers are those of its faces
one by one. Any runtime that knows `If` runs it; for others there is the graph of all steps.
How little is little enough is an input of the graph; it need not be given.
"""

from collections.abc import Sequence

import numpy as np
import onnx
import torch
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper
from torch import Tensor, nn

from canthus.export.programs import OPSET, exported
from canthus.models import Musica
from canthus.models.layers.steps import ANSWERS, Midway
from canthus.models.musica import LEVELS
from canthus.runtime.backend import QUIT_BELOW

# Of what is answered, what needs nothing further, by the names of the file's outputs.
STRAIGHT = {
    "errors": "error",
    "attention": "attention",
    "patches": "patches",
    "steps": "steps",
}
HANDED = ("features", "points", "hidden")  # from one step to the next, besides what is kept
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
    names = [f"{name}_0" for name in ("features", "hidden", *ANSWERS)]
    first = _piece(exported(_First(network), crops, [*kept, *names]), "step0/")
    nodes = [*first.node, *(_asking(network, seen, 1) if len(seen) > 1 else [])]
    last = {name: f"{name}_{'said_1' if len(seen) > 1 else 0}" for name in ANSWERS}
    inputs = {last[name]: getattr(seen[-1], name) for name in ("points", "covariance")}
    told = [name for name in outputs if name not in STRAIGHT]
    tail = _piece(exported(_Tail(network, told), inputs, told), "tail/")
    straight = {name: answer for name, answer in STRAIGHT.items() if name in outputs}
    ends = [helper.make_node("Identity", [last[old]], [new]) for new, old in straight.items()]
    nodes += [*tail.node, *ends]
    doors = [_door(name, getattr(seen[-1], answer)) for name, answer in straight.items()]
    constants = [
        onnx.numpy_helper.from_array(np.array(network.config.quit_below, np.float32), QUIT_BELOW),
        onnx.numpy_helper.from_array(np.array([0], np.int64), AXIS),
        onnx.numpy_helper.from_array(np.array(0, np.int64), NOBODY),
    ]
    graph = helper.make_graph(
        nodes,
        "musica",
        [*first.input, helper.make_tensor_value_info(QUIT_BELOW, TensorProto.FLOAT, [])],
        [*tail.output, *doors],
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
        return (*found.kept, found.features, found.hidden, *found.answers)


class _Later(nn.Module):
    """A later step, on the level of the one before or on the next finer one."""

    def __init__(self, network: Musica, number: int) -> None:
        super().__init__()
        self.network, self.number = network, number
        self.level = LEVELS[network.config.steps][number]

    def forward(
        self, features: Tensor, points: Tensor, hidden: Tensor, kept: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        rows = [] if kept is None else [kept] * (self.level + 1)  # the others are not looked at
        before = Midway(rows, features, points, hidden, *[points] * 5)
        found = self.network.later(self.number, before)
        return (found.features, found.hidden, *found.answers)


class _Tail(nn.Module):
    """From where the landmarks are to what is answered."""

    def __init__(self, network: Musica, outputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs

    def forward(self, points: Tensor, covariance: Tensor) -> tuple[Tensor, ...]:
        answer = self.network.calibrated(points, covariance)
        found = {
            "points": answer.points,
            "scores": answer.scores,
            "covariances": answer.covariance,
        }
        return tuple(found[name] for name in self.outputs)


def _door(name: str, example: Tensor) -> ValueInfoProto:
    """An output of the graph, for any number of faces."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *example.shape[1:]])


def _piece(model: ModelProto, prefix: str) -> GraphProto:
    """A graph whose inner names are its own."""
    named = onnx.compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)
    return named.graph


def _asking(network: Musica, seen: list[Midway], number: int) -> list[NodeProto]:
    """The nodes that take a step with the faces that need it; their answers are `said`."""
    before = "0" if number == 1 else f"all_{number - 1}"
    answers = {name: f"{name}_{before}" for name in ANSWERS}  # of all faces, up to now
    then = _taken(network, seen, number, answers)
    other = [
        helper.make_node("Identity", [answers[name]], [f"{name}_kept_{number}"]) for name in ANSWERS
    ]
    return [
        helper.make_node("GreaterOrEqual", [f"error_{number - 1}", QUIT_BELOW], [f"due_{number}"]),
        helper.make_node("NonZero", [f"due_{number}"], [f"rows_{number}"]),
        helper.make_node("Squeeze", [f"rows_{number}", AXIS], [f"going_{number}"]),
        helper.make_node("Size", [f"going_{number}"], [f"count_{number}"]),
        helper.make_node("Greater", [f"count_{number}", NOBODY], [f"any_{number}"]),
        helper.make_node(
            "If",
            [f"any_{number}"],
            [f"{name}_said_{number}" for name in ANSWERS],
            then_branch=then,
            else_branch=_branch(other, f"done_{number}", f"kept_{number}", []),
        ),
    ]


def _taken(network: Musica, seen: list[Midway], number: int, answers: dict[str, str]) -> GraphProto:
    """The branch of a step, and of those after it."""
    levels = LEVELS[network.config.steps]
    needed = list(range(levels[number], levels[number - 1]))
    source = "0" if number == 1 else f"into_{number - 1}"
    handed = {f"{name}_into_{number}": f"{name}_{number - 1}" for name in HANDED}
    for level in range(levels[number - 1]):
        handed[f"kept{level}_into_{number}"] = f"kept{level}_{source}"
    going = f"going_{number}"
    nodes = [helper.make_node("Gather", [old, going], [new]) for new, old in handed.items()]
    nodes.append(
        helper.make_node("Identity", [going], [f"alive_{number}"])
        if number == 1
        else helper.make_node("Gather", [f"alive_{number - 1}", going], [f"alive_{number}"])
    )
    step = _step(network, seen[number - 1], number, needed)
    column = [f"alive_{number}", f"column_{number}"]
    nodes += [*step.node, helper.make_node("Reshape", column, [f"places_{number}"])]
    for name in ANSWERS:
        rows = [answers[name], f"places_{number}", f"{name}_{number}"]
        nodes.append(helper.make_node("ScatterND", rows, [f"{name}_all_{number}"]))
    shape = onnx.numpy_helper.from_array(np.array([-1, 1], np.int64), f"column_{number}")
    values = [*step.initializer, shape]
    if number + 1 == len(seen):
        return _branch(nodes, f"step_{number}", f"all_{number}", values)
    nodes += _asking(network, seen, number + 1)
    return _branch(nodes, f"step_{number}", f"said_{number + 1}", values)


def _step(network: Musica, before: Midway, number: int, needed: list[int]) -> GraphProto:
    """A later step, from what is handed to it."""
    inputs = {f"{name}_into_{number}": getattr(before, name) for name in HANDED}
    inputs |= {f"kept{level}_into_{number}": before.kept[level] for level in needed}
    outputs = [f"{name}_{number}" for name in ("features", "hidden", *ANSWERS)]
    return _piece(exported(_Later(network, number), inputs, outputs), f"step{number}/")


def _branch(
    nodes: list[NodeProto], name: str, ends: str, values: Sequence[TensorProto]
) -> GraphProto:
    outputs = [
        helper.make_tensor_value_info(f"{answer}_{ends}", TensorProto.FLOAT, None)
        for answer in ANSWERS
    ]
    return helper.make_graph(nodes, name, [], outputs, initializer=values)
