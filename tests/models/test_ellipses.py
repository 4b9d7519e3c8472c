import math

import pytest
import torch
from torch import Tensor

from canthus.faces.uncertainty import TAILS, squared_radius
from canthus.models.layers.ellipses import LEVELS, Ellipses, spread

FACES, LANDMARKS = 400, 3


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def maps(faces: int, of: torch.Generator) -> Tensor:
    """Covariances of maps of many sizes, about 4 pixels wide, longer one way than the other."""
    size = 16 * torch.exp(0.5 * torch.randn(faces, LANDMARKS, generator=of))
    turn = math.pi * torch.rand(faces, LANDMARKS, generator=of)
    axis = torch.stack([turn.cos(), turn.sin()], dim=-1)
    longer = axis[..., :, None] * axis[..., None, :]
    return size[..., None, None] * (torch.eye(2) + longer)


def errors(covariance: Tensor, of: torch.Generator, tails: float = TAILS) -> Tensor:
    """Drawn from Student distributions; from Gaussians with infinite degrees of freedom."""
    noise = torch.randn(*covariance.shape[:-1], generator=of)
    drawn = (torch.linalg.cholesky(covariance) @ noise[..., None]).squeeze(-1)
    if math.isinf(tails):
        return drawn
    squares = torch.randn(int(tails), *covariance.shape[:2], generator=of).square().sum(dim=0)
    return drawn / (squares / (tails - 2)).sqrt()[..., None]


def fitted(covariance: Tensor, offsets: Tensor) -> Ellipses:
    ellipses, count = Ellipses(LANDMARKS), len(offsets)
    everyone = torch.arange(count)
    ellipses.fit(
        covariance,
        offsets,
        weight=torch.ones(count),
        fold=everyone % 5,
        source=torch.zeros(count, dtype=torch.long),
    )
    return ellipses


def covered(covariance: Tensor, offsets: Tensor, level: float) -> float:
    inside = torch.linalg.solve(covariance, offsets[..., None]).squeeze(-1)
    return float(((inside * offsets).sum(dim=-1) <= squared_radius(level)).float().mean())


def test_without_a_fit_covariances_stay_as_they_are() -> None:
    covariance = maps(10, generator())
    torch.testing.assert_close(Ellipses(LANDMARKS)(covariance), covariance)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_fit_covers_what_it_says_on_faces_that_it_has_not_seen(
    level: float, power: float
) -> None:
    of = generator()
    seen, new = maps(FACES, of), maps(4000, of)
    factors = torch.tensor([0.1, 0.3, 1.0])[:, None, None]

    def true(covariance: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(covariance)
        return factors * vectors @ torch.diag_embed(values**power) @ vectors.mT

    ellipses = fitted(seen, errors(true(seen), of))

    share = covered(ellipses(new), errors(true(new), of), level)
    assert share == pytest.approx(level, abs=0.015)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("tails", [5.0, math.inf])
def test_errors_with_other_tails_are_covered_about_as_said(level: float, tails: float) -> None:
    of = generator()
    seen, new = maps(1000, of), maps(4000, of)

    ellipses = fitted(seen, errors(seen, of, tails))

    assert covered(ellipses(new), errors(new, of, tails), level) == pytest.approx(level, abs=0.03)


def test_a_face_whose_other_maps_are_wide_is_trusted_less_where_that_tells() -> None:
    of = generator()
    covariance = maps(FACES, of)
    tells = spread(covariance[:, 0])  # the first map says how wrong all landmarks are
    ellipses = fitted(
        covariance,
        0.2 * tells[:, None, None] ** 2 * errors(torch.eye(2).expand(FACES, LANDMARKS, 2, 2), of),
    )
    wide = covariance[:1].clone()
    wide[:, 0] *= 4

    ratio = spread(ellipses(wide))[0, 2] / spread(ellipses(covariance[:1]))[0, 2]

    assert ratio.item() > 2


def test_what_comes_out_is_positive_definite_whatever_goes_in() -> None:
    ellipses = fitted(maps(FACES, generator()), errors(maps(FACES, generator()), generator()))
    line = torch.tensor([[1.0, 2.0], [2.0, 4.0]])
    odd = torch.stack([torch.zeros(2, 2), line, 1e6 * torch.eye(2)])[None]

    found = ellipses(odd)

    assert (torch.linalg.eigvalsh(found.double()) > 0).all()
    torch.testing.assert_close(found, found.mT)


def test_unknown_truth_does_not_count() -> None:
    of = generator()
    covariance = maps(FACES, of)
    offsets = errors(covariance, of)
    known = fitted(covariance[:300], offsets[:300])
    offsets[300:] = torch.nan

    ellipses = fitted(covariance, offsets)

    torch.testing.assert_close(ellipses(covariance), known(covariance), rtol=0.02, atol=0)


def test_nothing_known_is_no_fit() -> None:
    covariance = maps(10, generator())
    ellipses = fitted(covariance, torch.full((10, LANDMARKS, 2), torch.nan))
    assert not ellipses.fitted


def test_a_reset_forgets_the_fit() -> None:
    covariance = maps(FACES, generator())
    ellipses = fitted(covariance, 2 * errors(covariance, generator()))

    ellipses.reset()

    assert not ellipses.fitted
    torch.testing.assert_close(ellipses(covariance), covariance)


def test_faces_of_one_group_are_enough_for_a_fit() -> None:
    covariance = maps(5, generator())
    ellipses = Ellipses(LANDMARKS)
    same = torch.zeros(5, dtype=torch.long)
    offsets = errors(covariance, generator())

    ellipses.fit(covariance, offsets, weight=torch.ones(5), fold=same, source=same)

    assert torch.isfinite(ellipses(covariance)).all()


def test_a_part_that_alone_knows_the_truth_is_no_stumbling_block() -> None:
    covariance = maps(10, generator())
    offsets = errors(covariance, generator())
    offsets[2:] = torch.nan  # only the first part, of two faces, is known
    ellipses, part = Ellipses(LANDMARKS), torch.arange(10) // 2

    ellipses.fit(covariance, offsets, weight=torch.ones(10), fold=part, source=0 * part)

    assert torch.isfinite(ellipses(covariance)).all()
