"""Labels and losses on maps: as published where they claim it, as their formulas elsewhere."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models import published
from tests.models.published import label_cells
from torch import Tensor

from canthus.faces import SCHEMES
from canthus.models.layers import coherence, heatmap_losses
from canthus.models.layers.heatmap_losses import LOSSES, MapLoss, map_loss, wanted_maps


def logits(name: str) -> Tensor:
    values = 3 * (2 * published.uniform(name, 68 * 4096) - 1)
    return torch.tensor(values, dtype=torch.float32).view(1, 68, 64, 64)


def label(sigma: float) -> Tensor:
    points = torch.tensor(2 * label_cells(), dtype=torch.float32)[None]
    return heatmap_losses.published(points, 64, stride=2, sigma=sigma)


def test_the_originals_labels(shared: Path) -> None:
    for case in published.read(shared / "parity" / "heatmap" / "fixtures.json")["label_gaussian"]:
        center = 2.0 * torch.tensor([[case["centre_xy"]]])
        maps = heatmap_losses.published(center, 64, stride=2, sigma=case["sigma"])[0, 0]
        maps = maps * case["max"]
        assert float(maps.sum()) == pytest.approx(case["sum"], rel=1e-5)
        assert int((maps > 0).sum()) == case["nonzero"]
        rows, columns = np.nonzero(maps.numpy())
        found = [columns.min(), rows.min(), columns.max(), rows.max()]
        assert found == case["bbox_xyxy"]


def test_the_originals_losses(shared: Path) -> None:
    said = published.read(shared / "parity" / "heatmap" / "fixtures.json")["losses"]
    ours = {
        "l2_zero_prediction": heatmap_losses.l2(torch.zeros(1, 68, 64, 64), 20 * label(1)),
        "l2_logits": heatmap_losses.l2(logits("logits"), 20 * label(1)),
        "ce_onehot_zero_logits": LOSSES["cross_entropy"](torch.zeros(1, 68, 64, 64), label(0)),
        "ce_onehot_logits": LOSSES["cross_entropy"](logits("logits"), label(0)),
        "ce_gaussian20_logits": LOSSES["cross_entropy"](logits("logits"), 20 * label(1)),
    }
    for name, value in ours.items():
        assert float(value.mean()) == pytest.approx(said[name], rel=1e-5), name
    mirror = torch.tensor([[[-1.0, 0, 0], [0, 1.0, 0]]])
    apart = coherence.apart(
        logits("logits"), logits("logits2"), mirror, mirror=SCHEMES["68"].mirror
    )
    assert float(apart) == pytest.approx(said["coherent_l2"], rel=1e-5)


@pytest.mark.parametrize(
    ("apart", "wanted"), [(0.0, 1.0), (0.2, 1.0), (0.3, 0.4), (0.9, 0.0), (0.5, 0.7)]
)
def test_adaptive_wing_is_its_formula(apart: float, wanted: float) -> None:
    maps = torch.full((1, 1, 3, 3), wanted + apart)

    found = float(heatmap_losses.adaptive_wing(maps, torch.full((1, 1, 3, 3), wanted)))

    power = 2.1 - wanted
    if apart < 0.5:
        value = 14 * math.log(1 + apart**power)
    else:
        slope = 14 * power * 0.5 ** (power - 1) / (1 + 0.5**power)
        value = slope * apart - (0.5 * slope - 14 * math.log(1 + 0.5**power))
    # at a distance of 0 the gradient needs a little room
    assert found == pytest.approx(value * (11 if wanted >= 0.2 else 1), abs=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_least_where_the_maps_are_what_is_wanted(loss: MapLoss) -> None:
    points = torch.tensor([[[13.2, 20.9], [40.0, 8.5]]])
    wanted = wanted_maps(loss, "continuous", points, 16, stride=4, sigma=1.0)
    perfect = (
        wanted.clamp(min=1e-20).log() if loss in ("cross_entropy", "kl", "integral") else wanted
    )
    known = torch.ones(1, 2)

    best = map_loss(loss, perfect, wanted, known)
    moved = map_loss(loss, perfect.roll(1, dims=-1), wanted, known)
    blurred = map_loss(loss, perfect / 2, wanted, known)

    assert float(best) < float(moved)
    assert float(best) < float(blurred)
