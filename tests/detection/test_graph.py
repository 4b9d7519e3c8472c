import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from canthus.detection.graph import Graph

ROWS = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


def run(network: bytes, **inputs: NDArray[np.generic]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    answer: NDArray[np.float32] = session.run(None, inputs)[0]
    return answer


def test_a_constant_is_added_to_an_input() -> None:
    graph = Graph()
    total = graph.add("Add", graph.input("x", ("N", 3)), graph.constant(ROWS[:1] * 10))

    answer = run(graph.to_bytes(total, ("N", 3)), x=ROWS)

    assert answer.tolist() == [[11, 22, 33], [14, 25, 36]]


def test_attributes_of_every_kind_arrive() -> None:
    graph = Graph()
    values = graph.input("x", ("N", 3))
    scaled = graph.add("Gemm", values, graph.constant(ROWS), alpha=0.5, transB=1)
    turned = graph.add("Transpose", scaled, perm=(1, 0))

    answer = run(graph.to_bytes(turned, (2, "N")), x=ROWS)

    np.testing.assert_allclose(answer, 0.5 * ROWS @ ROWS.T)


def test_whole_numbers_are_an_input_too() -> None:
    graph = Graph()
    indices = graph.input("i", ("N",), np.int64)
    taken = graph.add("Gather", graph.constant(ROWS), indices)

    answer = run(graph.to_bytes(taken, ("N", 3)), i=np.array([1, 0, 1]))

    assert answer.tolist() == ROWS[[1, 0, 1]].tolist()


def test_what_is_written_is_what_the_format_asks_for() -> None:
    onnx = pytest.importorskip("onnx")
    graph = Graph()
    cut = graph.add(
        "RoiAlign",
        graph.input("x", (1, 3, "H", "W")),
        graph.input("windows", ("N", 4)),
        graph.input("picture", ("N",), np.int64),
        coordinate_transformation_mode="half_pixel",
        output_height=200,
    )

    model = onnx.load_from_string(graph.to_bytes(cut, ("N", 3, 200, 1)))

    onnx.checker.check_model(model, full_check=True)
    assert onnx.helper.get_node_attr_value(model.graph.node[0], "output_height") == 200
