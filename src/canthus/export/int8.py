"""A network on 8-bit integers: a quarter of the file, about half of the time, nearly its answers.

Between a network's first convolutions and its last, each convolution and what stands beside it
gets its values as 8-bit integers with a scale. The first ones, which see the crop, the last ones,
which give the answer, and all decoding stay in float32. So do places, and whatever a network is
told by another one: where a file holds several, as DPR's do, each has first and last ones.
What stands in branches, as MuSiCa's later steps do, stays in float32 too.

- Values: unsigned, asymmetric, one range per tensor. What a ReLU gives is never negative, so no
  step is wasted, and x86 multiplies unsigned by signed bytes. The range is the mean over batches
  of the least and the greatest value, so that no single face decides it.
- Weights: signed, one scale per channel, of 7 bits. Processors without VNNI add two products in
  16 bits, which 8-bit weights overflow without a word. One bit less cannot, anywhere.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from canthus.errors import StorageError, WeightsError
from canthus.export import calibration
from canthus.export.calibration import Seen, Track
from canthus.runtime import Manifest, OnnxBackend, seal
from canthus.runtime.manifest import INT8, KEY
from canthus.storage import write_whole

BOUND = 0.003  # sides of the crop; a mean shift of that much costs some 2 % of a usual error
BATCH = 8  # crops whose least and greatest values are one entry of the means
OPERATORS = ("Conv", "Relu", "Add", "MaxPool", "Resize", "Concat")
# Maps of features lead through these to others; what anything else answers is none.
PASSING = {
    *(*OPERATORS, "BatchNormalization", "ConvTranspose", "PRelu"),
    *("Div", "Gather", "Mul", "Reshape"),
}
WARNINGS = 2  # the severity from which ONNX Runtime speaks, if it is told nothing else


@dataclass(frozen=True)
class Shift:
    """How far the points on integers are from those in float32, on faces not calibrated on.

    Attributes:
        mean: over all landmarks, in pixels of the crop.
        largest: of them.
        crop_size: side of the crop, in pixels.
        calibration_pictures: how many the ranges were chosen by.
        proof_pictures: how many this was measured on.
    """

    mean: float
    largest: float
    crop_size: int
    calibration_pictures: int
    proof_pictures: int


def export_int8(
    source: Path, target: Path, folder: Path, *, all_steps: bool = False, track: Track = iter
) -> Shift:
    """Write an ONNX file of a model whose convolutions run on integers, and measure what it costs.

    Its manifest takes over no figures: they are of another network.

    Args:
        source: what a training wrote, or an ONNX file of ours.
        target: where the file goes; it appears there only if it is near enough to the float one.
        folder: with faces to choose ranges by, see `calibration.look`.
        all_steps: as `export_onnx` has it, of what a training wrote.
        track: yields what it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if there is no such folder, or too few faces are in it.
        ImageError: if a picture cannot be read.
        WeightsError: if the source is damaged, on integers already, quits in branches where all
            steps are to be taken, or has no convolution to put on integers, or the points shift
            by more than `BOUND` on average.
        StorageError: if the disk refuses, that of drafts too.
    """
    with TemporaryDirectory() as place:
        whole, small = _as_onnx(source, Path(place), all_steps), Path(place) / "int8.onnx"
        backend = OnnxBackend(whole)
        if backend.manifest.precision == INT8:
            raise WeightsError(f"{source}: is on 8-bit integers already; give the float file")
        if all_steps and backend.can_quit:
            raise WeightsError(
                f"{source}: its steps are in branches, which stay there; to have none, give the "
                ".safetensors file, or one that `canthus export --steps all` wrote"
            )
        names = _names_between(onnx.load(whole), source)
        faces = calibration.look(folder, backend.manifest, backend, track=track)
        manifest = replace(
            backend.manifest,
            name=f"{backend.manifest.name}-int8",
            precision=INT8,
            calibrated_on=faces.calibration.pictures,
            figures=(),
        )
        try:
            _quantize(whole, small, names, faces.calibration)
            data = seal.sealed(_finished(onnx.load(small), manifest))
            small.write_bytes(data)
        except (OSError, DecodeError) as error:  # of what ONNX Runtime has written by half
            raise StorageError(
                f"{place}: expected room for drafts of the model, found: {error}; free some, or "
                "name another folder in TMPDIR"
            ) from None
        shift = _compare(OnnxBackend(small), faces.proof)
    if not shift.mean <= BOUND * shift.crop_size:
        raise WeightsError(
            f"{target}: on integers, points shift by {shift.mean:.2g} px on average, more than "
            f"the {BOUND * shift.crop_size:.2g} px allowed (crops of {shift.crop_size} px); "
            "nothing was written; more faces, or faces as in its training, may help"
        )
    write_whole(target, data)
    return shift


def _as_onnx(source: Path, place: Path, all_steps: bool) -> Path:
    """The source itself, or its float export in another place."""
    if source.suffix.lower() == ".onnx":
        return source
    from canthus.export.onnx import export_onnx  # needs torch

    export_onnx(source, place / "float.onnx", all_steps=all_steps)
    return place / "float.onnx"


def _names_between(model: onnx.ModelProto, source: Path) -> list[str]:
    """The nodes behind a convolution and before another one, of one network."""
    nodes = list(model.graph.node)
    behind = _reached((node.name, node.op_type, node.input, node.output) for node in nodes)
    before = _reached((node.name, node.op_type, node.output, node.input) for node in nodes[::-1])
    names = [node.name for node in nodes if node.name in behind & before]
    if not any(node.op_type == "Conv" for node in nodes if node.name in names):
        raise WeightsError(
            f"{source}: expected convolutions between the first and the last, found none; "
            "there is nothing to put on integers"
        )
    return names


def _reached(nodes: Iterable[tuple[str, str, Iterable[str], Iterable[str]]]) -> set[str]:
    """The names of the nodes that features come to, from a convolution.

    Args:
        nodes: name, operator, the values that come to it and those that leave it, in order.
    """
    values: set[str] = set()
    found = set()
    for name, operator, coming, leaving in nodes:
        comes = not values.isdisjoint(coming)
        if comes:
            found.add(name)
        if operator == "Conv" or (comes and operator in PASSING):
            values |= set(leaving) - {""}  # an input that is left out
    return found


class _Batches:
    """Gives ONNX Runtime the crops, batch by batch."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self._batches = iter(np.array_split(crops, -(-len(crops) // BATCH)))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next batch, or None."""
        batch = next(self._batches, None)
        if batch is None:
            return None
        return {"crops": batch.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)}


def _quantize(whole: Path, small: Path, names: list[str], seen: Seen) -> None:
    with _quiet():
        quantize_static(
            whole,
            small,
            _Batches(seen.crops),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            nodes_to_quantize=names,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )


def _finished(model: onnx.ModelProto, manifest: Manifest) -> bytes:
    """The file's bytes: with its manifest, and without the long names, a sixth of a small file."""
    _hand_on(model.graph)
    onnx.helper.set_model_props(model, {KEY: manifest.to_json()})
    doors = ("", *(door.name for door in (*model.graph.input, *model.graph.output)))
    _rename(model.graph, {name: name for name in doors})
    data: bytes = model.SerializeToString()
    return data


def _hand_on(graph: onnx.GraphProto) -> None:
    """Give branches the values that have been integers, as all other nodes get them.

    ONNX Runtime does not look into branches. A ReLU whose answers become integers without a sign
    is left out, since they cannot be negative; what a branch takes is then no longer what it was.
    """
    sources = {
        node.output[0]: node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"
    }
    taken = {
        sources[node.input[0]]: node.output[0]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in sources
    }
    for branch in _branches(graph):
        for node in branch.node:
            node.input[:] = [taken.get(name, name) for name in node.input]


def _branches(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graphs inside a graph, and those inside them."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield attribute.g
                yield from _branches(attribute.g)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Give every value a short name, and each node that of its first output.

    Args:
        graph: whose shapes of inner values are forgotten.
        names: the new one by the old one; grows.
    """

    def new(name: str) -> str:
        return names.setdefault(name, f"v{len(names)}")

    del graph.value_info[:]
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = new(value.name)
    for node in graph.node:
        node.input[:] = map(new, node.input)
        node.output[:] = map(new, node.output)
        node.name = next(filter(None, node.output))
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _rename(attribute.g, names)


def _compare(backend: OnnxBackend, proof: Seen) -> Shift:
    """How far a file's points are from those that the float file gave."""
    starts = range(0, len(proof.crops), BATCH)
    found = [backend.run(proof.crops[i : i + BATCH])["points"] for i in starts]
    apart = np.linalg.norm(np.concatenate(found) - proof.points, axis=-1)
    return Shift(
        mean=float(apart.mean()),
        largest=float(apart.max()),
        crop_size=backend.manifest.crop_size,
        calibration_pictures=backend.manifest.calibrated_on,
        proof_pictures=proof.pictures,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without ONNX Runtime's advice to prepare a file that our export has prepared."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(WARNINGS + 1)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(WARNINGS)
        logging.disable(level)
