import math

import pytest
import torch

from canthus.models.layers.scores import Scores


def test_a_fit_finds_the_curve_that_made_the_faces() -> None:
    generator = torch.Generator().manual_seed(0)
    spread = torch.exp(torch.randn(20_000, 2, generator=generator))
    chance = torch.sigmoid(torch.tensor([1.0, -0.5]) - 2.0 * spread.log())
    near = (torch.rand(chance.shape, generator=generator) < chance).float()
    scores = Scores(2)

    scores.fit(spread, near)

    assert scores.bias.tolist() == pytest.approx([1.0, -0.5], abs=0.1)
    assert scores.slope.item() == pytest.approx(2.0, abs=0.1)


def test_landmarks_whose_truth_is_unknown_do_not_count() -> None:
    spread = torch.ones(100, 2)
    near = torch.ones(100, 2)
    near[:25, 0] = 0
    near[:, 1] = torch.nan
    scores = Scores(2)

    scores.fit(spread, near)

    assert scores(torch.ones(1, 2))[0, 0].item() == pytest.approx(0.75, abs=0.01)
    assert scores.bias[1].item() == scores.bias[0].item()  # as a usual landmark


def test_a_landmark_that_was_never_off_keeps_a_finite_curve() -> None:
    scores = Scores(1)

    scores.fit(torch.ones(50, 1), torch.ones(50, 1))

    assert math.isfinite(scores.bias.item())
    assert 0.9 < scores(torch.ones(1, 1)).item() < 1
