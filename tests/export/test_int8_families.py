"""Networks of several parts on 8-bit integers: DPR, which cuts anew, and MuSiCa with its steps."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from canthus.datasets import ibug
from canthus.evaluation import evaluate, open_benchmark
from canthus.evaluation.complexity import count
from canthus.export import export_onnx
from canthus.export.int8 import export_int8
from canthus.models import DprConfig, ModelConfig, MusicaConfig
from canthus.runtime import OnnxBackend, load
from canthus.training import finish, fit
from canthus.training.recipe import CropConfig

from .conftest import RECIPE

MODELS: dict[str, tuple[ModelConfig, CropConfig]] = {
    "dpr": (DprConfig(scheme="68", coarse=32, size=32), CropConfig(size=64, scale=2.0)),
    "musica": (
        MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32),
        CropConfig(size=64),
    ),
}
STEPS = 100
SCALED = {"QuantizeLinear", "DequantizeLinear"}

Pair = tuple[Path, Path]


def made(family: str, faces: Path, folder: Path) -> Pair:
    """The float file of a network that has learned drawn faces, and that on integers."""
    model, crop = MODELS[family]
    schedule = replace(RECIPE.schedule, steps=STEPS)
    recipe = replace(RECIPE, name=family, model=model, crop=crop, schedule=schedule)
    weights = finish(fit([ibug.read(faces, "train")], recipe, folder / "run"), recipe)
    export_onnx(weights, folder / "float.onnx")
    export_int8(folder / "float.onnx", folder / "int8.onnx", faces)  # proves them near
    return folder / "float.onnx", folder / "int8.onnx"


@pytest.fixture(scope="module")
def dpr(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return made("dpr", faces, tmp_path_factory.mktemp("dpr"))


@pytest.fixture(scope="module")
def musica(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return made("musica", faces, tmp_path_factory.mktemp("musica"))


@pytest.fixture(params=["dpr", "musica"])
def pair(request: pytest.FixtureRequest) -> Pair:
    found: Pair = request.getfixturevalue(request.param)
    return found


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def test_it_is_about_as_right_on_faces_that_nobody_showed_it(pair: Pair, faces: Path) -> None:
    benchmark = open_benchmark("300w-val", faces)

    before, after = (evaluate(load(path), benchmark).headline.nme for path in pair)

    assert before < 0.16
    assert after < 1.05 * before


def test_it_is_smaller_and_counted_as_the_float_file(pair: Pair) -> None:
    before, after = pair

    assert after.stat().st_size < before.stat().st_size
    assert count(after) == count(before)


def test_only_maps_of_features_are_on_integers(dpr: Pair) -> None:
    graph = onnx.load(dpr[1]).graph
    scaled = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}

    behind = {node.op_type for node in graph.node if scaled & set(node.input)} - SCALED

    assert behind <= {"Add", "Conv", "Gather", "MaxPool", "Relu", "Reshape", "Resize"}


def test_each_network_in_a_file_has_its_first_and_last_convolution_in_floats(dpr: Pair) -> None:
    graph = onnx.load(dpr[1]).graph
    held = {value.name for value in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]

    in_floats = [node.input[1] in held for node in convolutions]

    assert in_floats[:2] == [True, True]  # the wide crop is made smaller, then comes the first
    assert in_floats[-1]
    assert sum(in_floats) == 5  # 2 and 1 of the first network, 1 and 1 of the second


def test_faces_still_quit_and_then_have_the_first_step_s_answer(musica: Pair, faces: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    before, after = map(OnnxBackend, musica)

    before.quit_below = after.quit_below = math.inf
    early = before.run(crops), after.run(crops)
    before.quit_below = after.quit_below = 0.0

    assert early[1]["steps"].tolist() == [1, 1, 1]
    assert np.abs(early[0]["points"] - early[1]["points"]).mean() < 1
    assert after.run(crops)["steps"].tolist() == [3, 3, 3]


def test_branches_stay_in_floats_and_get_what_the_others_get(musica: Pair) -> None:
    outer, *branches = graphs(onnx.load(musica[1]).graph)
    scaled = {node.input[0] for node in outer.node if node.op_type == "QuantizeLinear"}
    given = {node.output[0] for node in outer.node if node.op_type == "DequantizeLinear"}

    inside = [node for branch in branches for node in branch.node]

    taken = {name for node in inside for name in node.input}
    assert len(branches) == 4
    assert not SCALED & {node.op_type for node in inside}
    assert taken & given
    assert not taken & scaled


def test_all_steps_can_be_on_integers_without_branches(
    musica: Pair, faces: Path, tmp_path: Path
) -> None:
    export_int8(
        musica[0].parent / "run" / "model.safetensors", tmp_path / "all.onnx", faces, all_steps=True
    )

    (graph,) = graphs(onnx.load(tmp_path / "all.onnx").graph)
    assert {node.op_type for node in graph.node} >= SCALED
