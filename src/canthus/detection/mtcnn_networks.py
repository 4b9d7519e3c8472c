"""MTCNN's three nets in ONNX Runtime (Zhang et al., IEEE Signal Processing Letters 2016).

Each net answers, for every window it looks at, one row: the score as a logit, four offsets of the
window's edges in parts of its sides, and, from the last net, five points in parts of its sides, all
x before all y.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from canthus.detection import mtcnn_weights
from canthus.detection.graph import Graph
from canthus.detection.mtcnn_weights import Arrays
from canthus.detection.windows import Windows

CELL, STRIDE = 12, 2  # the first net looks at windows of 12 x 12 pixels, two apart
REFINE_SIZE, FINISH_SIZE = 24, 48
# Pooling after each convolution: window size, by 2; the first dense layer follows the last one.
PROPOSE_POOLS = (2, 0, 0)
REFINE_POOLS = (3, 3, 0)
FINISH_POOLS = (3, 3, 2, 0)
STRIP = 32  # rows of cells at once: what they need stays small, and in the processor's cache
BATCH = 32  # windows at once, for the same reason

Planes = NDArray[np.float32]


class Networks:
    """The three nets, each on one core.

    Args:
        folder: of the weights files.

    Raises:
        WeightsError: if a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._propose = _open(_proposing(mtcnn_weights.read(folder, "pnet")))
        refine, finish = (mtcnn_weights.read(folder, name) for name in ("rnet", "onet"))
        self._refine = _open(_judging(refine, REFINE_POOLS, REFINE_SIZE))
        self._finish = _open(_judging(finish, FINISH_POOLS, FINISH_SIZE))

    def propose(self, planes: Planes) -> NDArray[np.float32]:
        """Look at every cell of a level (1, 3, H, W); answers (5, rows, columns)."""
        rows = (planes.shape[2] - CELL) // STRIDE + 1
        strips = []
        for first in range(0, rows, STRIP):
            last = min(first + STRIP, rows) - 1
            strip = planes[:, :, STRIDE * first : STRIDE * last + CELL]
            strips.append(self._propose.run(None, {"planes": strip})[0][0])
        return np.concatenate(strips, axis=1)

    def refine(self, planes: Planes, windows: Windows) -> NDArray[np.float32]:
        """Look at windows of a level, counted from its outer corner; answers (N, 5)."""
        return _run(self._refine, planes, windows)

    def finish(self, planes: Planes, windows: Windows) -> NDArray[np.float32]:
        """As `refine`, but (N, 15), with the five points."""
        return _run(self._finish, planes, windows)


def _run(
    session: onnxruntime.InferenceSession, planes: Planes, windows: Windows
) -> NDArray[np.float32]:
    rows = []
    for first in range(0, len(windows), BATCH):
        some = windows[first : first + BATCH].astype(np.float32)
        inputs = {"planes": planes, "windows": some, "picture": np.zeros(len(some), np.int64)}
        rows.append(session.run(None, inputs)[0])
    return np.concatenate(rows)


def _open(network: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # two are slower
    options.enable_mem_pattern = False  # every picture has levels of other sizes
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def _proposing(weights: Arrays) -> bytes:
    """The net that looks at all cells of a level at once."""
    graph = Graph()
    values = graph.input("planes", (1, 3, "H", "W"))
    values = _convolved(graph, values, weights, PROPOSE_POOLS)
    kernel, bias = _heads(weights[9:])
    values = _convolution(graph, values, kernel, bias)
    return graph.to_bytes(values, (1, 5, "rows", "columns"))


def _judging(weights: Arrays, pools: tuple[int, ...], size: int) -> bytes:
    """A net that looks at single windows, which it cuts out of the level itself."""
    graph = Graph()
    cut = graph.add(
        "RoiAlign",
        graph.input("planes", (1, 3, "H", "W")),
        graph.input("windows", ("N", 4)),
        graph.input("picture", ("N",), np.int64),
        coordinate_transformation_mode="half_pixel",
        output_height=size,
        output_width=size,
        sampling_ratio=1,  # bilinear: the levels are averaged already
    )
    values = _convolved(graph, cut, weights, pools)
    dense = weights[3 * len(pools) :]
    channels = weights[3 * len(pools) - 1].size
    values = graph.add("Flatten", values)
    values = _dense(graph, values, _from_channels_last(dense[0], channels), dense[1])
    values = _prelu(graph, values, dense[2])
    kernel, bias = _heads(dense[3:])
    values = _dense(graph, values, kernel, bias)
    return graph.to_bytes(values, ("N", kernel.shape[1]))


def _convolved(graph: Graph, values: str, weights: Arrays, pools: tuple[int, ...]) -> str:
    """Convolutions, each with its PReLU and perhaps a pooling; the first takes 0 to 255."""
    for number, pool in enumerate(pools):
        kernel, bias, slopes = weights[3 * number : 3 * number + 3]
        if number == 0:  # the nets were trained on (value - 127.5) / 128
            kernel = kernel / np.float32(128)
            bias = bias - np.float32(127.5) * kernel.sum(axis=(0, 1, 2))
        values = _prelu(graph, _convolution(graph, values, kernel, bias), slopes.reshape(-1, 1, 1))
        if pool:
            # The first net's even levels divide evenly; the others pad on the right and below.
            values = graph.add(
                "MaxPool",
                values,
                kernel_shape=(pool, pool),
                strides=(2, 2),
                ceil_mode=int(pool > 2),
            )
    return values


def _convolution(
    graph: Graph, values: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> str:
    """A convolution without padding; the kernel is (H, W, in, out)."""
    kernel = kernel.transpose(3, 2, 0, 1)
    constants = graph.constant(kernel), graph.constant(bias)
    return graph.add("Conv", values, *constants, kernel_shape=kernel.shape[2:])


def _dense(
    graph: Graph, values: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> str:
    return graph.add("Gemm", values, graph.constant(kernel), graph.constant(bias))


def _prelu(graph: Graph, values: str, slopes: NDArray[np.float32]) -> str:
    """PReLU as sums, which ONNX Runtime fuses: its own PRelu is slow."""
    all_of_it = graph.add("Mul", values, graph.constant(slopes))
    positive = graph.add("Mul", graph.add("Relu", values), graph.constant(1 - slopes))
    return graph.add("Add", all_of_it, positive)


def _heads(weights: Arrays) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All heads as one: kernels and biases by turns, that of the two classes last.

    A softmax over two classes is the logistic function of their difference.
    """
    kernels, biases = weights[0::2], weights[1::2]
    kernel = [np.diff(kernels[-1], axis=-1), *kernels[:-1]]
    bias = [np.diff(biases[-1]), *biases[:-1]]
    return np.concatenate(kernel, axis=-1), np.concatenate(bias)


def _from_channels_last(kernel: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Rows in the order of columns, rows, channels, put into that of channels, rows, columns."""
    side = int((len(kernel) // channels) ** 0.5)
    cube = kernel.reshape(side, side, channels, -1)
    return cube.transpose(2, 1, 0, 3).reshape(len(kernel), -1)
