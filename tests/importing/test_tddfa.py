"""The released 3DDFA and 3DDFA_V2: networks, face models in them, and checkpoints."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from canthus.errors import WeightsError
from canthus.images.files import read_image
from canthus.importing import tddfa
from canthus.models import Tddfa, TddfaConfig
from canthus.models.layers.coefficient_losses import pdc, vdc, wpdc, wpdc_weights
from canthus.models.layers.mobilenet import MobileNet
from canthus.models.layers.morphable import Morphable
from canthus.models.tddfa import SCALE

NETWORKS: dict[str, dict[str, Any]] = {
    "mobilenet_w1.0": {"width": 1.0},
    "mobilenet_w0.5": {"width": 0.5},
    "resnet22": {"backbone": "resnet22"},
}


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "tddfa"


@pytest.fixture(scope="module")
def checkpoint(fixtures: Path) -> Path:
    return fixtures / "data" / "mb05_120x120.pth"


def by_a_formula(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """Tensors that the fixtures' README describes, by the original's names."""
    found: dict[str, torch.Tensor] = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            continue
        count = math.prod(shape)
        wave = np.cos(0.7 * np.arange(count) + 1.3 * len(found))
        if name.endswith("running_var"):
            values = 1 + 0.3 * wave
        elif name.endswith("running_mean") or (len(shape) == 1 and not name.endswith("weight")):
            values = 0.1 * wave
        elif len(shape) == 1:
            values = 1 + 0.2 * wave
        else:
            values = wave * math.sqrt(2 * shape[0] / count)
        found[name] = torch.tensor(values.reshape(shape), dtype=torch.float32)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_originals_tensors_and_answers(fixtures: Path, name: str) -> None:
    stored = json.loads((fixtures / "arch_keys.json").read_text())[name]
    backbone = Tddfa(TddfaConfig(**NETWORKS[name])).eval().backbone
    names, ours = tddfa.original_names(backbone), backbone.state_dict()
    shapes = {key: s for key, s in stored["keys"].items() if "num_batches" not in key}
    theirs = by_a_formula(shapes)

    assert {names[key]: list(ours[key].shape) for key in names} == shapes
    assert sum(each.numel() for each in backbone.parameters()) == stored["n_params"]
    for key, original in names.items():
        ours[key].copy_(theirs[original])
    x, y = np.meshgrid(np.arange(120), np.arange(120))
    planes = [np.sin(0.05 * (c + 1) * x + 0.03 * y * (c + 2) + c) for c in range(3)]
    first = np.stack(planes)
    batch = torch.tensor(np.stack([first, -0.5 * first[:, ::-1]]), dtype=torch.float32)
    with torch.no_grad():
        found = backbone(batch).numpy()
    wanted = np.load(fixtures / "arch_forward.npz")[name]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.fixture(scope="module")
def released(checkpoint: Path) -> Tddfa:
    config, state = tddfa.read(checkpoint)
    network = Tddfa(config).eval()
    network.backbone.load_state_dict(state, strict=False)
    return network


@pytest.fixture(scope="module")
def crops(fixtures: Path) -> torch.Tensor:
    """Some of the official test crops, (60, 3, 120, 120)."""
    names = np.load(fixtures / "network_mb05.npz")["aflw2000_names"]
    pictures = np.stack([read_image(fixtures / "aflw2000_crops" / str(name)) for name in names])
    return torch.tensor(pictures).permute(0, 3, 1, 2) / 255


@torch.no_grad()
def test_the_released_network_says_what_it_said(fixtures: Path, released: Tddfa) -> None:
    stored = dict(np.load(fixtures / "network_mb05.npz"))
    config = released.config
    image = stored["synthetic_images"][0, ..., ::-1]  # blue came first
    pictures = np.stack([np.zeros_like(image), np.full_like(image, 255), image])

    found = released(torch.tensor(pictures).permute(0, 3, 1, 2) / 255).whitened

    assert (config.backbone, config.width, config.conventions) == ("mobilenet", 0.5, "v2")
    np.testing.assert_allclose(found.numpy(), stored["raw_zero_full_random"], atol=1e-4)


@torch.no_grad()
def test_the_released_network_says_what_it_said_of_faces(
    fixtures: Path, released: Tddfa, crops: torch.Tensor
) -> None:
    stored = dict(np.load(fixtures / "network_mb05.npz"))
    all_faces = np.load(fixtures / "nme_aflw2000.npz")["mb05_raw_f16"]

    found = released(crops).whitened

    np.testing.assert_allclose(found, stored["aflw2000_raw"], atol=1e-3)
    np.testing.assert_allclose(found, all_faces[stored["aflw2000_index"]], atol=4e-3)


@torch.no_grad()
def test_every_layer_of_the_released_network_says_what_it_said(
    fixtures: Path, released: Tddfa, crops: torch.Tensor
) -> None:
    """Of the first face: the mean, the deviation and the largest size of each layer's numbers."""
    stored = dict(np.load(fixtures / "network_mb05.npz"))
    backbone = released.backbone
    assert isinstance(backbone, MobileNet)

    said = [(crops[:1].flip(1) * 255 - 127.5) / 128]  # blue came first
    for layer in (*backbone.stem, *backbone.blocks):
        said.append(layer(said[-1].clone()))
    said.append(said[-1].mean(dim=(2, 3)))
    said.append(backbone.head(said[-1]))

    found = [(x.mean(), x.std(), x.abs().max()) for x in said[1:]]
    assert len(found) == len(stored["stage_names"])
    np.testing.assert_allclose(found, stored["stage_mean_std_absmax"], atol=1e-3)


@pytest.fixture(scope="module")
def mini(fixtures: Path) -> Morphable:
    """The small face model of the fixtures, with 3DDFA's whitening."""
    stored = dict(np.load(fixtures / "data" / "mini3dmm.npz"))
    whitening = dict(np.load(fixtures / "data" / "sparse_3dmm.npz"))
    model = Morphable(500, 40, 10)
    model.neutral.copy_(torch.tensor(stored["u_shp"] + stored["u_exp"]).reshape(500, 3))
    basis = np.concatenate([stored["w_shp"], stored["w_exp"]], axis=1).T.reshape(50, 500, 3)
    model.basis.copy_(torch.tensor(basis))
    model.mean.copy_(torch.tensor(whitening["v1_mean"]))
    model.spread.copy_(torch.tensor(whitening["v1_std"]))
    return model


@pytest.fixture(scope="module")
def losses(fixtures: Path) -> dict[str, NDArray[Any]]:
    return dict(np.load(fixtures / "losses.npz"))


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("pdc", 0),
        ("vdc_all", None),
        *((f"vdc_resample{count}", count) for count in (132, 10)),
        *((f"wpdc_resample{count}", count) for count in (132, 0, 432)),
    ],
)
def test_losses_and_their_gradients_are_the_originals(
    mini: Morphable, losses: dict[str, NDArray[Any]], name: str, drawn: int | None
) -> None:
    found = torch.tensor(losses["pred"], requires_grad=True)
    target = torch.tensor(losses["target"])
    landmarks = torch.arange(68)
    rows = None if drawn is None else torch.cat([landmarks, torch.tensor(losses["perm"][:drawn])])

    if name == "pdc":
        loss = pdc(found, target)
    elif name.startswith("vdc"):
        loss = vdc(mini, found, target, rows)
    else:
        assert rows is not None
        loss = wpdc(mini, found, target, rows, scale=SCALE)
        weights = wpdc_weights(mini, found, target, rows, scale=SCALE)
        np.testing.assert_allclose(weights, losses[f"{name}_weights"], rtol=1e-4, atol=1e-6)
    loss.backward()  # type: ignore[no-untyped-call]

    assert loss.item() == pytest.approx(float(losses[name]), rel=1e-4)
    assert found.grad is not None
    wanted = losses[f"{name}_grad"]
    scale = float(np.abs(wanted).max())
    np.testing.assert_allclose(found.grad, wanted, rtol=1e-4, atol=1e-6 * scale)


def saved(checkpoint: Path, target: Path, **changes: torch.Tensor | None) -> Path:
    """A copy of the checkpoint with some tensors replaced, or left out."""
    state = torch.load(checkpoint, "cpu", weights_only=True)["state_dict"]
    for name, value in changes.items():
        if value is None:
            del state[name]
        else:
            state[name] = value
    torch.save({"epoch": 1, "state_dict": state}, target)
    return target


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"module.bn1.weight": None}, "expected a tensor bn1.weight, found none"),
        ({"module.bn1.weight": torch.ones(3)}, r"bn1.weight: expected the shape \(16,\)"),
        ({"module.more": torch.ones(3)}, "no tensor beyond the network's, found more"),
        ({"module.fc_param.weight": torch.ones(9, 512)}, "62, 72, 141 coefficients, found 9"),
        ({"module.conv1.weight": None}, "expected a MobileNet or ResNet-22"),
    ],
    ids=["missing", "shape", "over", "coefficients", "no network"],
)
def test_another_checkpoint_is_refused_by_name(
    checkpoint: Path, tmp_path: Path, changes: dict[str, torch.Tensor | None], said: str
) -> None:
    path = saved(checkpoint, tmp_path / "other.pth", **changes)

    with pytest.raises(WeightsError, match=said) as error:
        tddfa.read(path)

    assert "other.pth" in str(error.value)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mb.pth"
    path.write_bytes(b"PK\x03\x04 and no more")

    with pytest.raises(WeightsError, match=r"mb\.pth: damaged, or not a checkpoint"):
        tddfa.read(path)
    with pytest.raises(WeightsError, match="no such file"):
        tddfa.read(tmp_path / "none.pth")


def test_names_without_a_prefix_and_3ddfas_own_are_read_too(
    checkpoint: Path, tmp_path: Path
) -> None:
    state = torch.load(checkpoint, "cpu", weights_only=True)["state_dict"]
    first = {
        name.removeprefix("module.").replace("fc_param", "fc"): value
        for name, value in state.items()
        if "fc_lm" not in name
    }
    torch.save({"state_dict": first}, tmp_path / "v1.pth.tar")

    config, tensors = tddfa.read(tmp_path / "v1.pth.tar")

    theirs, same = tddfa.read(checkpoint)
    assert config == replace(theirs, conventions="v1")
    assert all(torch.equal(tensors[name], same[name]) for name in same)
