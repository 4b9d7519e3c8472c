"""Imported heatmap networks as published, and beside it our own decoding of the same maps."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest
import torch
from tests.models import published

from canthus.errors import WeightsError
from canthus.geometry import Box
from canthus.importing import heatmap
from canthus.importing.heatmap_pipeline import align, crop_of
from canthus.importing.published import load_published
from canthus.importing.writing import write
from canthus.models import Heatmap, HeatmapConfig, Network, build
from canthus.models.heatmap import Heatmaps
from canthus.models.layers.heatmap_losses import published as cut_labels
from canthus.runtime import load

SMALL = replace(published.PUBLISHED, width=0.125, depth=1, num_stacks=1)
BOX = Box(20.3, 10.6, 81.0, 70.2)


def network_of(config: HeatmapConfig) -> Heatmap:
    torch.manual_seed(0)
    network = build(config).eval()
    assert isinstance(network, Heatmap)
    return network


def save(config: HeatmapConfig, target: Path) -> None:
    network = cast(Network, network_of(config))
    write(network, config, target, scheme="68", crop_size=128, crop_scale=1.2, license="unknown")


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    target = tmp_path / "mine.safetensors"
    save(SMALL, target)
    return target


def test_crops_are_the_original_s(shared: Path) -> None:
    cases: Any = published.read(shared / "parity" / "heatmap" / "fixtures.json")
    for case in cases["box_crop_transform"]:
        if case["expand"] == heatmap.CROP_SCALE:
            found = crop_of(Box(*case["box_xyxy"]), case["out"])
            np.testing.assert_allclose(found.matrix, case["matrix"], atol=1e-6)


def test_published_answers_are_pixels_of_the_crop(imported: Path, picture: np.ndarray) -> None:
    (face,) = load_published(imported)(picture, [BOX.as_tuple()])

    inside = crop_of(BOX, 128).apply(face.landmarks.points)
    np.testing.assert_allclose(inside, np.round(inside), atol=1e-3)
    assert (inside > -0.5).all()
    assert (inside < 127.5).all()
    np.testing.assert_allclose(face.landmarks.points, align(network_of(SMALL), picture, BOX))


def test_our_own_answers_lie_between_pixels(imported: Path, picture: np.ndarray) -> None:
    (face,) = load(imported)(picture, [BOX.as_tuple()])

    scale = crop_of(BOX, 128).scale
    between = np.abs(scale * face.landmarks.points % 1 - 0.5)
    assert between.std() > 0.1  # not all at one place of a pixel


@pytest.mark.parametrize("stride", [2, 4])
def test_what_cut_labels_lose_is_given_back_on_average(stride: Literal[2, 4]) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = 20 + 80 * torch.rand(40, 68, 2, generator=generator)
    maps = 20 * cut_labels(truth, 64, stride=stride, sigma=1.0) + 1e-3
    config = replace(SMALL, stride=stride)

    ours, theirs = (
        network_of(each).decode(Heatmaps([maps])).points - truth
        for each in (config, replace(config, decoder="published"))
    )

    assert ours.mean(dim=(0, 1)).abs().max() < 0.05
    assert theirs.mean(dim=(0, 1)).max() < -0.7  # a pixel, less what the ties take


def test_a_network_of_ours_has_no_published_way(tmp_path: Path) -> None:
    config = replace(SMALL, loss="integral", labels="continuous", decoder="mean")
    target = tmp_path / "ours.safetensors"
    save(config, target)

    with pytest.raises(WeightsError, match="parity is about weights that `canthus import dpr`"):
        load_published(target)
