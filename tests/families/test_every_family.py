from dataclasses import replace
from pathlib import Path

import pytest
import torch

from canthus import config as configs
from canthus.export.onnx import export_onnx
from canthus.models import FAMILIES, ModelConfig, Network, Target
from canthus.runtime.manifest import Manifest
from canthus.training.finish import to_bytes

from .conftest import SIZE, SMALL


def total(network: Network, crops: torch.Tensor, target: Target) -> torch.Tensor:
    return torch.stack(list(network.loss(network(crops), target).values())).sum()


def test_every_family_is_tried_here() -> None:
    assert {type(small) for small in SMALL.values()} == set(FAMILIES)


def test_it_answers_points_and_scores_for_every_crop(network: Network, crops: torch.Tensor) -> None:
    answer = network.eval().predict(crops)

    assert answer.points.shape == (4, 68, 2)
    assert answer.scores.shape == answer.spread.shape == (4, 68)
    assert ((answer.scores >= 0) & (answer.scores <= 1)).all()


def test_its_covariances_are_positive_definite(network: Network, crops: torch.Tensor) -> None:
    covariance = network.eval().predict(crops).covariance

    assert covariance.shape == (4, 68, 2, 2)
    torch.testing.assert_close(covariance, covariance.mT)
    assert (torch.linalg.eigvalsh(covariance.double()) > 0).all()


def test_a_batch_equals_its_parts(network: Network, crops: torch.Tensor) -> None:
    network.eval()

    together = network.predict(crops).points
    apart = torch.cat([network.predict(crop[None]).points for crop in crops])

    torch.testing.assert_close(together, apart, atol=1e-4, rtol=0)


def test_gradients_reach_every_parameter(
    network: Network, crops: torch.Tensor, target: Target
) -> None:
    total(network, crops, target).backward()  # type: ignore[no-untyped-call]

    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still


def test_what_is_not_known_is_not_learned(
    network: Network, crops: torch.Tensor, target: Target
) -> None:
    network.eval()
    known = target.known.clone()
    known[:, 10] = 0
    moved = target.points.clone()
    moved[:, 10] += 1000

    before = total(network, crops, replace(target, known=known))
    after = total(network, crops, replace(target, known=known, points=moved))

    assert before.item() == after.item()


def test_it_learns_one_batch_by_heart(
    network: Network, crops: torch.Tensor, target: Target
) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for step in range(120):
        optimizer.zero_grad()
        total(network, crops, target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 10 == 9:
            with torch.no_grad():
                apart = (network.predict(crops).points - target.points).norm(dim=-1).mean()
            if apart < 0.03 * SIZE:
                return
    pytest.fail(f"after 120 steps points are {apart:.2f} of {SIZE} pixels apart")


def test_its_config_survives_yaml(config: ModelConfig, tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(configs.to_yaml(config))

    assert configs.read(type(config), path) == config


def test_its_onnx_file_equals_torch(network: Network, tmp_path: Path) -> None:
    recipe = {"model": configs.dump(network.config)}
    manifest = Manifest(
        name="small", family="any", scheme="68", crop_size=SIZE, crop_scale=1.3, recipe=recipe
    )
    source, file = tmp_path / "small.safetensors", tmp_path / "small.onnx"
    network.ellipses.fitted.fill_(True)
    source.write_bytes(to_bytes(network, manifest))

    proof = export_onnx(source, file)

    assert proof.points == pytest.approx(0, abs=1e-4)
    assert proof.scores == pytest.approx(0, abs=1e-4)
    assert proof.covariances == pytest.approx(0, abs=1e-4)
