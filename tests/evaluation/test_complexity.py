"""Networks whose size is published, written down in plain torch, are counted as published."""

import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from canthus.errors import WeightsError
from canthus.evaluation.complexity import CONVOLUTIONS, PRODUCTS, Complexity, count
from canthus.export.onnx import export_onnx
from canthus.models import HourglassConfig, build
from canthus.models.layers import ellipses
from canthus.runtime import Manifest, weights
from canthus.runtime.manifest import KEY

Counted = Callable[..., Complexity]
# what torch.onnx warns itself of
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    """Counts a network of torch by its ONNX file, norms folded only if told."""

    def measure(network: nn.Module, *inputs: Tensor, fold: bool = False) -> Complexity:
        path = tmp_path / "network.onnx"
        program = torch.onnx.export(
            network.eval(), inputs, dynamo=True, opset_version=18, verbose=False, optimize=fold
        )
        assert program is not None
        onnx.save_model(program.model_proto, path)
        return count(path)

    return measure


def crop(side: int) -> Tensor:
    return torch.zeros(1, 3, side, side)


def norm_relu(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def depthwise(channels: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [convolution, nn.BatchNorm2d(channels), nn.ReLU()]


class Patches(nn.Module):
    """One step of MuSiCa: patches (1, P, 3, 14, 14) and a state (1, 512) to displacements."""

    def __init__(self, patches: int, landmarks: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3)
        self.pool, self.attend = nn.MaxPool2d(2), nn.Linear(256, 256)
        self.hidden = nn.Linear(256 * patches + 512, 512)
        self.answer = nn.Linear(512, 2 * landmarks + 1)

    def forward(self, patches: Tensor, state: Tensor) -> Tensor:
        fine = torch.relu(self.second(self.pool(torch.relu(self.first(patches[0])))))
        features = torch.cat([fine[..., 1:3, 1:3], self.pool(fine)], dim=1).flatten(1)[None]
        features = torch.sigmoid(self.attend(features)) * features
        state = torch.tanh(self.hidden(torch.cat([features.flatten(1), state], dim=1)))
        return self.answer(state)


def mobilenet(width: float) -> nn.Sequential:
    """The MobileNet of 3DDFA, for crops of 120 pixels."""
    layers = norm_relu(3, int(32 * width), 3, stride=2)
    inputs = int(32 * width)
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
    for channels, stride in (*blocks, (1024, 2), (1024, 1)):
        outputs = int(channels * width)
        layers += [*depthwise(inputs, stride), *norm_relu(inputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 62))


def reinitialization() -> nn.Sequential:
    """The small network of DPR that turns the face upright, for crops of 128 pixels."""
    layers: list[nn.Module] = []
    inputs, pooled = 3, (0, 2, 4)
    for place, outputs in enumerate((8, 16, 16, 32, 32, 64)):
        kernel, stride = (5, 2) if place == 0 else (3, 1)
        layers.append(nn.Conv2d(inputs, outputs, kernel, stride))
        layers += [nn.MaxPool2d(2)] if place in pooled else []
        layers.append(nn.PReLU())
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 32), nn.PReLU(), nn.Linear(32, 6))


class Inverted(nn.Module):
    """Wider, depthwise, narrower; the input is added where the shape stays the same."""

    def __init__(self, inputs: int, outputs: int, widening: int, stride: int) -> None:
        super().__init__()
        hidden = widening * inputs
        wider = norm_relu(inputs, hidden, 1) if widening > 1 else []
        narrower = norm_relu(hidden, outputs, 1)[:2]
        self.layers = nn.Sequential(*wider, *depthwise(hidden, stride), *narrower)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.adds else self.layers(x)


def backbone() -> nn.Sequential:
    """The small MobileNetV2 of DPR."""
    layers = [*norm_relu(3, 8, 3, stride=2), Inverted(8, 8, 1, 1)]
    inputs = 8
    groups = ((12, 2, 2), (16, 2, 2), (24, 3, 2), (32, 3, 2), (48, 3, 2), (64, 2, 2), (80, 1, 1))
    for outputs, repeats, stride in groups:
        for repeat in range(repeats):
            layers.append(Inverted(inputs, outputs, 6, stride if repeat == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers, *norm_relu(80, 64, 1))


def normalized(network: nn.Module, crop: Tensor) -> int:
    """How many values the norms of a network see."""
    seen: list[int] = []
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.register_forward_hook(lambda _part, _inputs, output: seen.append(output.numel()))
    network.eval()(crop)
    return sum(seen)


@pytest.mark.parametrize(
    ("width", "parameters", "products", "millions"),
    [(1, 3_270_526, 177_436_800, 183.5), (0.5, 850_398, 46_455_872, 49.5)],
)
def test_the_mobilenet_of_3ddfa_has_its_size(
    counted: Counted, width: float, parameters: int, products: int, millions: float
) -> None:
    found = counted(mobilenet(width), crop(120))
    assert (found.parameters, found.multiply_adds) == (parameters, products)
    # Published is a count with four operations for each value in a norm, and with the pooling.
    others = 4 * normalized(mobilenet(width), crop(120)) + int(1024 * width) * (4 * 4 + 1)
    assert round((products + others) / 1e6, 1) == millions


def test_the_reinitialization_of_dpr_has_its_size(counted: Counted) -> None:
    found = counted(reinitialization(), crop(128), fold=True)
    assert found.parameters == 44_909
    assert found.kinds == {CONVOLUTIONS: 6_332_640, PRODUCTS: 8_384}


def test_the_backbone_of_dpr_has_its_size(counted: Counted) -> None:
    found = counted(backbone(), crop(256))
    assert found.parameters == 311_552
    assert round(found.multiply_adds / 1e6, 3) == 47.282


@pytest.mark.parametrize(
    ("patches", "landmarks", "parameters", "products"),
    [
        (98, 98, 13_284_709, 6_422_528 + 13_107_200 + 100_864),
        (49, 98, 6_862_181, 3_211_264 + 6_684_672 + 100_864),
        (68, 68, 9_321_769, 4_456_448 + 9_175_040 + 70_144),
    ],
)
def test_a_step_of_musica_has_its_size(
    counted: Counted, patches: int, landmarks: int, parameters: int, products: int
) -> None:
    views = torch.zeros(1, patches, 3, 14, 14)
    found = counted(Patches(patches, landmarks), views, torch.zeros(1, 512), fold=True)
    assert found.parameters == parameters
    assert found.kinds == {CONVOLUTIONS: patches * (124_416 + 147_456), PRODUCTS: products}


def test_smaller_sets_of_musica_have_their_sizes(counted: Counted, shared: Path) -> None:
    entries = json.loads((shared / "parity" / "musica" / "macs.json").read_text())
    for entry in (entry for entry in entries if entry["patches"] < 30):
        views = torch.zeros(1, entry["patches"], 3, 14, 14)
        network = Patches(entry["patches"], entry["landmarks"])
        found = counted(network, views, torch.zeros(1, 512), fold=True)
        assert found.multiply_adds == entry["per_iteration"]
        assert found.parameters == entry["params_per_iteration"]


def test_a_transposed_convolution_is_counted_by_its_inputs(counted: Counted) -> None:
    found = counted(nn.ConvTranspose2d(8, 6, 2, 2, groups=2, bias=False), torch.zeros(1, 8, 5, 4))
    assert found == Complexity(8 * 3 * 4, {CONVOLUTIONS: 5 * 4 * 8 * 3 * 4, PRODUCTS: 0})


def test_a_linear_layer_over_many_rows_has_its_bias(counted: Counted) -> None:
    found = counted(nn.Linear(4, 3), torch.zeros(1, 5, 4), fold=True)
    assert found == Complexity(4 * 3 + 3, {CONVOLUTIONS: 0, PRODUCTS: 5 * 4 * 3})


def test_what_multiplies_two_answers_is_no_parameter(counted: Counted) -> None:
    class Attention(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x.transpose(1, 2)

    found = counted(Attention(), torch.zeros(1, 5, 4))
    assert found == Complexity(0, {CONVOLUTIONS: 0, PRODUCTS: 5 * 5 * 4})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained hourglass as a training writes it."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    model = {"family": "hourglass", "stem": 8, "widths": [8, 12]}
    manifest = Manifest(
        name="small",
        family="hourglass",
        scheme="68",
        crop_size=64,
        crop_scale=1.3,
        recipe={"model": model},
    )
    network = build(HourglassConfig(stem=8, widths=(8, 12)))
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.bias)  # an export leaves out what is zero
    save_file(network.state_dict(), path, metadata={KEY: manifest.to_json()})
    return path


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    """The same as an ONNX file."""
    path = trained.with_suffix(".onnx")
    export_onnx(trained, path)
    return path


def test_torch_and_the_exported_file_are_counted_alike(trained: Path, exported: Path) -> None:
    assert count(exported).kinds == count(trained).kinds


def test_a_folded_norm_leaves_one_value_for_two(trained: Path, exported: Path) -> None:
    network = build(HourglassConfig(stem=8, widths=(8, 12)))
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    folded = sum(norm.num_features for norm in norms)
    fixed = [ellipses.CIRCLE, ellipses.ENDS, ellipses.SQUARE, ellipses.ENDS, ellipses.TRACE]
    matrices = sum(len(row) for matrix in fixed for row in matrix)  # not told from learned ones
    matrices += 6 * 16**2  # of 16 x 16 cells, what the mean and the covariance of a map are read by
    scaled = 2 * 3  # how colors are brought to [-1, 1], which is said as a norm
    assert count(exported).parameters == count(trained).parameters - folded + matrices + scaled


@pytest.mark.parametrize(
    ("name", "parameters", "products"),
    [
        ("hourglass", 1_222_414, 165_161_360),
        ("fast", 447_118, 33_876_368),
        ("dpr-gsr", 495_757, 36_461_620),
        ("dpr-glsr", 905_680, 115_870_248),
    ],
)
def test_the_models_inside_are_as_large_as_published(
    name: str, parameters: int, products: int
) -> None:
    found = count(weights.find(name))
    assert (found.parameters, found.multiply_adds) == (parameters, products)


def test_an_operator_that_cannot_be_counted_is_named(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Einsum", ["crops", "crops"], ["points"], equation="ij,jk->ik")
    kind, door = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    ends = [door(name, kind, [2, 2]) for name in ("crops", "points")]
    graph = onnx.helper.make_graph([node], "small", ends[:1], ends[1:])
    opset = onnx.helper.make_opsetid("", 18)
    path = tmp_path / "einsum.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10), path)
    with pytest.raises(WeightsError, match=r"einsum.onnx: the multiply-adds of Einsum cannot"):
        count(path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match=r"other.onnx: damaged, or not an ONNX file"):
        count(path)


def test_nothing_is_written_where_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    count(weights.find("fast"))
    assert not list(tmp_path.iterdir())
