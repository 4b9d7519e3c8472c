"""What every test may ask for."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from canthus.cli import main
from canthus.runtime import Manifest
from canthus.runtime.manifest import KEY

CROP_SIZE = 64


@dataclass(frozen=True)
class Outcome:
    """What a command has said, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs the command with arguments."""

    def run(*arguments: str | os.PathLike[str]) -> Outcome:
        monkeypatch.setattr(
            sys, "argv", ["canthus", *(os.fspath(argument) for argument in arguments)]
        )
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        if isinstance(end.value.code, str):  # Python itself prints such a code
            return Outcome(1, said.out, f"{said.err}{end.value.code}\n")
        return Outcome(end.value.code or 0, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout, or where CANTHUS_SHARED says."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("CANTHUS_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"real data is not part of the project, and there is none at {folder}")
    return folder


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Makes a place in which no file grows beyond so many bytes: the system refuses more."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def full(room: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return full


@pytest.fixture(scope="session")
def quitting_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small musica that nobody trained, of three steps that expect different errors."""
    import torch

    from canthus import config as configs
    from canthus.export import export_onnx
    from canthus.models import Musica, MusicaConfig, Network
    from canthus.runtime.manifest import Quitting
    from canthus.training.finish import to_bytes

    torch.manual_seed(3)
    model = MusicaConfig(stem=8, widths=(16, 16, 24, 24), hidden=32)
    network = Musica(model).eval()
    network.prepare(torch.rand(68, 2))
    for step in network.steps:
        step.output.weight.data *= 100  # type: ignore[operator,union-attr]
    manifest = Manifest(
        name="quitter",
        family="musica",
        scheme="68",
        crop_size=CROP_SIZE,
        crop_scale=1.3,
        recipe={"model": configs.dump(model)},
        quitting=(
            Quitting((0.0, 0.0), (0.0, 0.0, 1.0), 0.03),
            Quitting((0.5, 0.6), (0.5, 0.25, 0.25), 0.04),
            Quitting((2.0, 3.0), (1.0, 0.0, 0.0), 0.06),
        ),
        step_costs=(2_000_000, 3_000_000, 5_000_000),
    )
    folder = tmp_path_factory.mktemp("quitting")
    source = folder / "quitter.safetensors"
    source.write_bytes(to_bytes(cast(Network, network), manifest))
    export_onnx(source, folder / "quitter.onnx")
    return folder / "quitter.onnx"


@pytest.fixture(scope="session")
def spot_network() -> Callable[[Manifest], bytes]:
    """Makes an ONNX file: all 68 landmarks stand in a ring about the crop's center of brightness.

    The ring is 10 pixels of the crop in radius; every score is the crop's mean brightness.
    """
    return _spot_network


@pytest.fixture(scope="session")
def spot_manifest() -> Manifest:
    """Of the spot network: its crop shows the box twice as large."""
    return Manifest(
        name="spot",
        family="spot",
        scheme="68",
        crop_size=CROP_SIZE,
        crop_scale=2.0,
        license="as the rest",
    )


@pytest.fixture(scope="session")
def spot_weights(
    tmp_path_factory: pytest.TempPathFactory,
    spot_network: Callable[[Manifest], bytes],
    spot_manifest: Manifest,
) -> Path:
    """The file of the spot network."""
    path = tmp_path_factory.mktemp("weights") / "spot.onnx"
    path.write_bytes(spot_network(spot_manifest))
    return path


@pytest.fixture(scope="session")
def doubtful_weights(tmp_path_factory: pytest.TempPathFactory, spot_weights: Path) -> Path:
    """The file of the spot network, which now knows a covariance: [[4, 1], [1, 2]] for all."""
    onnx = pytest.importorskip("onnx")
    helper, model = onnx.helper, onnx.load(spot_weights)
    constants = {
        "zero": np.array(0, np.float32),
        "axes": np.array([2, 3], np.int64),
        "matrix": np.array([[4, 1], [1, 2]], np.float32),
    }
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    model.graph.node.extend(
        [
            helper.make_node("Mul", ["scores", "zero"], ["zeros"]),
            helper.make_node("Unsqueeze", ["zeros", "axes"], ["columns"]),
            helper.make_node("Add", ["columns", "matrix"], ["covariances"]),
        ]
    )
    shape = ["B", 68, 2, 2]
    model.graph.output.append(
        helper.make_tensor_value_info("covariances", onnx.TensorProto.FLOAT, shape)
    )
    path = tmp_path_factory.mktemp("weights") / "doubtful.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def attentive_weights(tmp_path_factory: pytest.TempPathFactory, spot_weights: Path) -> Path:
    """The file of the spot network, which now looks at two patches, at the second more."""
    onnx = pytest.importorskip("onnx")
    helper, model, kind = onnx.helper, onnx.load(spot_weights), onnx.TensorProto.FLOAT
    constants = {
        "zero": np.array(0, np.float32),
        "deeper": np.array([2], np.int64),
        "weights": np.array([[0.25, 0.75]], np.float32),
        "squares": np.array([[[31.5, 31.5, 8], [47.5, 31.5, 8]]], np.float32),
    }
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    model.graph.node.extend(
        [
            helper.make_node("Mul", ["mean", "zero"], ["zeros"]),
            helper.make_node("Add", ["zeros", "weights"], ["attention"]),
            helper.make_node("Unsqueeze", ["zeros", "deeper"], ["columns"]),
            helper.make_node("Add", ["columns", "squares"], ["patches"]),
        ]
    )
    for name, shape in (("attention", ["B", 2]), ("patches", ["B", 2, 3])):
        model.graph.output.append(helper.make_tensor_value_info(name, kind, shape))
    path = tmp_path_factory.mktemp("weights") / "attentive.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def _spot_network(manifest: Manifest) -> bytes:
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    size, angles = manifest.crop_size, np.linspace(0, 2 * np.pi, 68, endpoint=False)
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).reshape(1, -1, 2)
    constants = {
        "grid": grid.astype(np.float32),
        "ring": (10 * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)[None],
        "row": np.array([0, 1, -1], np.int64),
        "channel": np.array([1], np.int64),
        "last": np.array([2], np.int64),
        "little": np.array(1e-6, np.float32),
        "ones": np.ones((1, 68), np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["crops", "channel"], ["gray"], keepdims=1),
        helper.make_node("Reshape", ["gray", "row"], ["flat"]),
        helper.make_node("Add", ["flat", "little"], ["bright"]),
        helper.make_node("MatMul", ["bright", "grid"], ["moment"]),
        helper.make_node("ReduceSum", ["bright", "last"], ["mass"], keepdims=1),
        helper.make_node("Div", ["moment", "mass"], ["center"]),
        helper.make_node("Add", ["center", "ring"], ["points"]),
        helper.make_node("ReduceMean", ["flat", "last"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "ones"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "spot",
        [helper.make_tensor_value_info("crops", kind, ["B", 3, size, size])],
        [
            helper.make_tensor_value_info("points", kind, ["B", 68, 2]),
            helper.make_tensor_value_info("scores", kind, ["B", 68]),
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {KEY: manifest.to_json()})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
