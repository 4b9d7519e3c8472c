"""MuSiCa's graph that stops with each face as soon as little error is expected of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from canthus import config as configs
from canthus.export import export_onnx
from canthus.models import HourglassConfig, ModelConfig, Musica, MusicaConfig, build
from canthus.runtime.backend import Arrays, OnnxBackend
from canthus.runtime.manifest import Manifest
from canthus.training.finish import to_bytes

SIZE = 64
SMALL = MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32)


def written(model: ModelConfig, folder: Path) -> Path:
    """The weights of a network that nobody trained, whose steps expect different errors."""
    torch.manual_seed(3)
    network = build(model).eval()
    network.prepare(torch.rand(68, 2))
    if isinstance(network, Musica):
        for step in network.steps:
            step.output.weight.data *= 100  # type: ignore[operator,union-attr]
    network.ellipses.fitted.fill_(True)
    manifest = Manifest(
        name="small",
        family=model.family,
        scheme="68",
        crop_size=SIZE,
        crop_scale=1.3,
        recipe={"model": configs.dump(model)},
    )
    path = folder / "small.safetensors"
    path.write_bytes(to_bytes(network, manifest))
    return path


def crops() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (7, SIZE, SIZE, 3), dtype=np.uint8)


def steps(path: Path, folder: Path) -> list[Arrays]:
    """What each step answers, by files that end with it."""
    whole = OnnxBackend(path).run(crops())
    export_onnx(folder / "small.safetensors", folder / "first.onnx", quit_below=1e9)
    return [OnnxBackend(folder / "first.onnx").run(crops()), whole]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_faces_quit_as_in_torch_in_a_batch_and_alone(count: int, tmp_path: Path) -> None:
    source = written(replace(SMALL, steps=count), tmp_path)
    export_onnx(source, tmp_path / "all.onnx")
    first, last = steps(tmp_path / "all.onnx", tmp_path)
    below = float(np.median(first["errors"]))  # equal to one face's: that is not less

    export_onnx(source, tmp_path / "some.onnx", quit_below=below)

    backend = OnnxBackend(tmp_path / "some.onnx")
    together = backend.run(crops())
    alone = [backend.run(crop[None]) for crop in crops()]
    for name, values in together.items():
        np.testing.assert_allclose(np.concatenate([a[name] for a in alone]), values, atol=1e-4)
    quit_first = first["errors"] < below
    assert quit_first.sum() == 3
    np.testing.assert_allclose(
        together["points"][quit_first], first["points"][quit_first], atol=1e-3
    )
    apart = np.abs(together["points"] - first["points"]).max(axis=(1, 2))
    assert (apart[~quit_first] > 0.01).all()
    if count == 2:
        rest = ~quit_first
        np.testing.assert_allclose(together["points"][rest], last["points"][rest], atol=1e-3)


def test_a_threshold_that_nobody_meets_is_the_graph_of_all_steps(tmp_path: Path) -> None:
    source = written(SMALL, tmp_path)
    export_onnx(source, tmp_path / "all.onnx")
    export_onnx(source, tmp_path / "never.onnx", quit_below=1e-12)

    whole, never = (
        OnnxBackend(tmp_path / name).run(crops()) for name in ("all.onnx", "never.onnx")
    )

    for name, values in whole.items():
        np.testing.assert_allclose(never[name], values, atol=1e-3)


def test_later_steps_are_in_branches(tmp_path: Path) -> None:
    export_onnx(written(SMALL, tmp_path), tmp_path / "some.onnx", quit_below=0.05)

    graph = onnx.load(tmp_path / "some.onnx").graph

    assert [node.op_type for node in graph.node].count("If") == 1
    (outer,) = (node for node in graph.node if node.op_type == "If")
    branches = {attribute.name: attribute.g for attribute in outer.attribute}
    assert [node.op_type for node in branches["then_branch"].node].count("If") == 1


def test_the_file_says_when_it_quits(tmp_path: Path) -> None:
    export_onnx(written(SMALL, tmp_path), tmp_path / "some.onnx", quit_below=0.05)

    model = OnnxBackend(tmp_path / "some.onnx").manifest.recipe["model"]

    assert isinstance(model, dict)
    assert model["quit_below"] == 0.05


def test_another_family_cannot_be_told_to_quit(tmp_path: Path) -> None:
    source = written(HourglassConfig(stem=8, widths=(16, 16)), tmp_path)

    with pytest.raises(ValueError, match="expected a network of musica, found hourglass"):
        export_onnx(source, tmp_path / "some.onnx", quit_below=0.05)
