import math

import numpy as np
import pytest

from canthus.faces.uncertainty import TAILS, squared_radius


@pytest.mark.parametrize("level", [0.1, 0.5, 0.68, 0.95, 0.99])
@pytest.mark.parametrize("tails", [3.0, TAILS, math.inf])
def test_so_many_errors_lie_within(level: float, tails: float) -> None:
    rng = np.random.default_rng(0)
    errors = rng.multivariate_normal((0, 0), np.eye(2), 100_000)
    if math.isfinite(tails):  # whose covariance is tails / (tails - 2) of the Gaussian's
        errors /= np.sqrt(rng.chisquare(tails, 100_000) / (tails - 2))[:, None]

    inside = (errors**2).sum(axis=1) <= squared_radius(level, tails)

    assert inside.mean() == pytest.approx(level, abs=0.005)


def test_many_degrees_of_freedom_are_a_gaussian() -> None:
    assert squared_radius(0.9, 1e6) == pytest.approx(squared_radius(0.9, math.inf), rel=1e-4)


@pytest.mark.parametrize(("level", "tails"), [(0, 8), (1, 8), (math.nan, 8), (0.5, 2)])
def test_what_is_no_share_has_no_ellipse(level: float, tails: float) -> None:
    with pytest.raises(ValueError, match="expected 0 < level < 1 and tails > 2"):
        squared_radius(level, tails)
