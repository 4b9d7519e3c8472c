"""A module of torch as the graph of an ONNX file."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

OPSET = 18


def exported(
    module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]
) -> onnx.ModelProto:
    """The graph of a module in evaluation, for any number of faces.

    Args:
        module: takes the inputs in their order, and gives a tuple.
        inputs: an example of each, of two faces, by their names.
        outputs: the names of what it gives.
    """
    batch = torch.export.Dim("batch")
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    model.doc_string = ""
    for node in model.graph.node:  # where in the source each node came from: half of the file
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch warns itself of, and what its exporter says on the way."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", message=".*axis name: batch")
            yield
    finally:
        logger.setLevel(level)
