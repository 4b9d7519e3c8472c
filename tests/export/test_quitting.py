"""MuSiCa's graph that stops with each face as soon as little error is expected of it."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from canthus import config as configs
from canthus.errors import WeightsError
from canthus.export import export_onnx
from canthus.models import HourglassConfig, ModelConfig, Musica, MusicaConfig, Network, build
from canthus.runtime.backend import Arrays, OnnxBackend, TorchBackend
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network three times: taking all steps, quitting never, and at the median."""
    folder = tmp_path_factory.mktemp("quitting")
    source = written(SMALL, folder)
    export_onnx(source, folder / "all.onnx", all_steps=True)
    export_onnx(source, folder / "never.onnx")
    export_onnx(source, folder / "some.onnx", quit_below=middle(folder))
    return folder


def found(path: Path) -> Arrays:
    return OnnxBackend(path).run(crops())


def in_torch(folder: Path, below: float) -> Arrays:
    network = TorchBackend.open(folder / "small.safetensors")[1].model
    assert isinstance(network, Musica)
    network.config = replace(network.config, quit_below=(below, below))
    return TorchBackend(cast(Network, network)).run(crops())


def middle(folder: Path) -> float:
    """As much as is expected of one face after the first step: that is not less."""
    return float(np.median(in_torch(folder, 1e9)["errors"]))


def test_a_batch_equals_its_faces_one_by_one(folder: Path) -> None:
    backend = OnnxBackend(folder / "some.onnx")

    together = backend.run(crops())

    alone = [backend.run(crop[None]) for crop in crops()]
    for name, values in together.items():
        np.testing.assert_allclose(
            np.concatenate([each[name] for each in alone]), values, atol=1e-4
        )


def test_faces_quit_as_in_torch(folder: Path) -> None:
    ours = in_torch(folder, middle(folder))

    for name, values in found(folder / "some.onnx").items():
        np.testing.assert_allclose(values, ours[name], atol=1e-3)


def test_who_quits_first_has_the_first_steps_answer(folder: Path) -> None:
    first, some = in_torch(folder, 1e9), found(folder / "some.onnx")

    done = first["errors"] < middle(folder)

    assert done.sum() == len(done) // 2
    apart = np.abs(some["points"] - first["points"]).max(axis=(1, 2))
    assert (apart[done] < 1e-3).all()
    assert (apart[~done] > 0.01).all()


def test_the_patches_are_those_of_the_last_step_taken(folder: Path) -> None:
    first, some = in_torch(folder, 1e9), found(folder / "some.onnx")

    done = first["errors"] < middle(folder)

    assert (some["patches"][done, :, 2] == 6 * 8).all()
    assert (some["patches"][~done, :, 2] < 6 * 8).all()
    np.testing.assert_allclose(some["attention"][done], first["attention"][done], atol=1e-5)


def test_without_attention_there_is_none_in_the_file(tmp_path: Path) -> None:
    small = replace(SMALL, attention=False, steps=2, widths=SMALL.widths[:3])
    source = written(small, tmp_path)

    export_onnx(source, tmp_path / "small.onnx", quit_below=0.05)

    assert set(found(tmp_path / "small.onnx")) == {
        "points",
        "scores",
        "covariances",
        "errors",
        "steps",
    }


def test_a_threshold_that_nobody_meets_is_the_graph_of_all_steps(folder: Path) -> None:
    whole, never = found(folder / "all.onnx"), found(folder / "never.onnx")

    for name, values in whole.items():
        np.testing.assert_allclose(never[name], values, atol=1e-3)


def test_one_file_quits_where_it_is_told_to(folder: Path) -> None:
    backend = OnnxBackend(folder / "never.onnx")

    backend.quit_below = middle(folder)

    for name, values in found(folder / "some.onnx").items():
        np.testing.assert_array_equal(backend.run(crops())[name], values)


def test_each_step_has_a_threshold_of_its_own(folder: Path) -> None:
    backend = OnnxBackend(folder / "never.onnx")

    backend.quit_below = (0.0, 1e9)

    assert (backend.run(crops())["steps"] == 2).all()


def test_each_face_says_how_many_steps_it_took(folder: Path) -> None:
    first, some = in_torch(folder, 1e9), found(folder / "some.onnx")

    assert ((some["steps"] == 1) == (first["errors"] < middle(folder))).all()
    assert len(np.unique(some["steps"])) > 1
    assert (found(folder / "all.onnx")["steps"] == SMALL.steps).all()
    assert (found(folder / "never.onnx")["steps"] == SMALL.steps).all()


def test_a_file_of_all_steps_has_no_branches_and_cannot_quit(folder: Path) -> None:
    graph = onnx.load(folder / "all.onnx").graph

    assert "If" not in {node.op_type for node in graph.node}
    assert not OnnxBackend(folder / "all.onnx").can_quit


def test_all_steps_and_quitting_are_not_asked_for_together(folder: Path) -> None:
    with pytest.raises(ValueError, match="expected all_steps or quit_below, found both"):
        export_onnx(folder / "small.safetensors", folder / "x.onnx", quit_below=0.1, all_steps=True)


def test_later_steps_are_in_branches_within_branches(folder: Path) -> None:
    graph = onnx.load(folder / "some.onnx").graph

    (outer,) = (node for node in graph.node if node.op_type == "If")
    branches = {attribute.name: attribute.g for attribute in outer.attribute}
    assert [node.op_type for node in branches["then_branch"].node].count("If") == 1


def test_the_file_says_when_it_quits(folder: Path) -> None:
    model = OnnxBackend(folder / "some.onnx").manifest.recipe["model"]

    assert isinstance(model, dict)
    assert model["quit_below"] == pytest.approx([middle(folder)] * 2)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (HourglassConfig(stem=8, widths=(16, 16)), "only musica can quit, found hourglass"),
        (replace(SMALL, loss="published"), "quit_below: expected none, or for slim networks"),
    ],
)
def test_a_network_that_cannot_quit_is_named(
    model: ModelConfig, message: str, tmp_path: Path
) -> None:
    source = written(model, tmp_path)

    with pytest.raises(WeightsError, match=message):
        export_onnx(source, tmp_path / "some.onnx", quit_below=0.05)
