"""Covariances whose ellipses hold as many of the errors as they say."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from canthus.faces.uncertainty import TAILS, squared_radius
from canthus.models.layers.precision import product

LEVELS = (0.68, 0.95)  # of the errors are to lie in the ellipses of these levels
STEPS = 200  # of a fit, at most
STIFFNESS = 4.0  # how little a landmark hears of the other maps, and differs from the others
SMALLEST = 1e-2  # pixels of the crop squared: no variance is less
LONGEST = 1e3  # times the smaller variance: no larger one is more
FEWEST = 20  # faces of a source that is looked at by itself

# As products, which runtimes do faster than picking numbers one by one: from xx, xy, yx and yy
TRACE = [[1.0], [0.0], [0.0], [1.0]]
CIRCLE = [[0.5, 0.5, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.5, -0.5, 0.0]]  # Mohr's
SQUARE = [[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, -1.0], [0.0, 1.0, 1.0, 0.0]]  # and back
ENDS = [[1.0, 1.0], [1.0, -1.0]]  # sum and difference


def spread(covariance: Tensor) -> Tensor:
    """How far landmarks may be off, (...): the roots of the traces of covariances (..., 2, 2)."""
    variance = product(covariance.flatten(-2), covariance.new_tensor(TRACE)).squeeze(-1)
    return variance.clamp(min=1e-6).sqrt()


class Ellipses(nn.Module):
    """From the covariance of a heatmap to that of its landmark's error.

    A heatmap is as wide as the Gaussians that it was taught with, and wider where it hesitates:
    that ranks errors and does not measure them. So the variances along both axes of a map are
    raised to one power and scaled by a factor per landmark. How wide the other maps of the face
    are changes the factors too, by one number that is read from all of them. The axes stay where
    they are. Before `fit` nothing is changed.

    Attributes:
        fitted: whether `fit` has been called; what is not fitted promises nothing.
        power: of the variances.
        bias: logarithms of the factors, (L,).
        usual: logarithms of the maps' usual variances, (L,).
        reads: what a map that is wider than usual adds to the number of the face, (L,).
        heeds: how much of that number each landmark adds to its bias, (L,).
    """

    fitted: Tensor
    power: Tensor
    bias: Tensor
    usual: Tensor
    reads: Tensor
    heeds: Tensor

    def __init__(self, num_landmarks: int) -> None:
        super().__init__()
        self.register_buffer("fitted", torch.tensor(False))
        self.register_buffer("power", torch.tensor(1.0))
        for name in ("bias", "usual", "reads", "heeds"):
            self.register_buffer(name, torch.zeros(num_landmarks))

    def forward(self, covariance: Tensor) -> Tensor:
        """Covariances (B, L, 2, 2) of heatmaps to those of errors, positive definite."""
        axes = _Axes.of(covariance)
        variances = self._map().applied(axes.logs).exp().clamp(min=SMALLEST)
        return axes.turned(torch.maximum(variances, variances[..., :1] / LONGEST))

    def reset(self) -> None:
        """Forget the fit."""
        self.fitted.fill_(False)
        self.power.fill_(1.0)
        for values in (self.bias, self.usual, self.reads, self.heeds):
            values.zero_()

    def fit(
        self, covariance: Tensor, offsets: Tensor, *, weight: Tensor, fold: Tensor, source: Tensor
    ) -> None:
        """Fit the map on faces that were not trained on.

        The factors' common level is chosen on faces that their own fit has not seen: where the
        promises of `LEVELS` are missed by the least squares, all sources counting alike.

        Args:
            covariance: (N, L, 2, 2), as `forward` is given them.
            offsets: (N, L, 2), truth less answer; NaN where the truth is not known.
            weight: (N,), how much each face counts.
            fold: (N,), integers; faces of a person have the same.
            source: (N,), integers: of which data set a face is.
        """
        errors = _Errors.of(covariance.double(), offsets.double(), weight.double())
        if not errors.known.any():
            return
        distance = torch.full(offsets.shape[:2], math.nan, dtype=torch.float64)
        for number in set(fold.tolist()):
            apart = fold == number
            seen = errors.chosen(~apart) if (~apart).any() else errors
            distance[apart] = errors.chosen(apart).distances(_fitted(seen))
        found = _fitted(errors)
        self.power.copy_(found.power)
        self.bias.copy_(found.bias + _widening(distance, source))
        self.usual.copy_(found.usual)
        self.reads.copy_(found.reads)
        self.heeds.copy_(found.heeds)
        self.fitted.fill_(True)

    def _map(self) -> "_Map":
        return _Map(self.power, self.bias, self.usual, self.reads, self.heeds)


@dataclass(frozen=True, eq=False)
class _Map:
    """The map of variances, as its five arrays; see `Ellipses`."""

    power: Tensor
    bias: Tensor
    usual: Tensor
    reads: Tensor
    heeds: Tensor

    def applied(self, logs: Tensor) -> Tensor:
        """Logarithms of variances along the axes, (B, L, 2), to those of errors."""
        wider = logs.mean(dim=-1) - self.usual
        face = (wider * self.reads).sum(dim=-1, keepdim=True)
        return (self.bias + face * self.heeds)[..., None] + self.power * logs


@dataclass(frozen=True, eq=False)
class _Axes:
    """Covariances as axes: logarithms of the variances along them, and where they point.

    Attributes:
        logs: (..., 2), the larger one first.
        turn: cosine and sine of twice the angle between the longer axis and x, (..., 2).
    """

    logs: Tensor
    turn: Tensor

    @classmethod
    def of(cls, covariance: Tensor) -> "_Axes":
        found = product(covariance.flatten(-2), covariance.new_tensor(CIRCLE))
        middle, lean = found[..., :1], found[..., 1:]
        apart = torch.linalg.vector_norm(lean, dim=-1, keepdim=True).clamp(min=1e-6)
        both = product(torch.cat([middle, apart], dim=-1), covariance.new_tensor(ENDS))
        return cls(both.clamp(min=SMALLEST).log(), lean / apart)

    def turned(self, variances: Tensor) -> Tensor:
        """The covariance (..., 2, 2) of these axes with other variances (..., 2) along them."""
        middle = product(variances, variances.new_tensor(ENDS)) / 2  # and half of the difference
        parts = torch.cat([middle[..., :1], middle[..., 1:] * self.turn], dim=-1)
        return product(parts, variances.new_tensor(SQUARE)).reshape(*parts.shape[:-1], 2, 2)

    def along(self, offsets: Tensor) -> Tensor:
        """Squares of the offsets (..., 2) along both axes."""
        x, y = offsets.unbind(dim=-1)
        cos, sin = self.turn.unbind(dim=-1)
        whole = x.square() + y.square()
        apart = cos * (x.square() - y.square()) + 2 * sin * x * y
        return torch.stack([whole + apart, whole - apart], dim=-1) / 2


@dataclass(frozen=True, eq=False)
class _Errors:
    """Errors in the axes of their maps.

    Attributes:
        logs: of the maps' variances, (N, L, 2).
        along: squares of the errors, (N, L, 2); 0 where not known.
        known: (N, L).
        weight: (N,).
    """

    logs: Tensor
    along: Tensor
    known: Tensor
    weight: Tensor

    @classmethod
    def of(cls, covariance: Tensor, offsets: Tensor, weight: Tensor) -> "_Errors":
        axes, known = _Axes.of(covariance), torch.isfinite(offsets).all(dim=-1)
        along = axes.along(offsets.where(known[..., None], 0.0))
        return cls(axes.logs, along, known, weight)

    def chosen(self, faces: Tensor) -> "_Errors":
        return _Errors(self.logs[faces], self.along[faces], self.known[faces], self.weight[faces])

    def distances(self, fitted: _Map) -> Tensor:
        """Squared Mahalanobis distances (N, L), NaN where not known."""
        distance = (self.along / fitted.applied(self.logs).exp()).sum(dim=-1)
        return distance.where(self.known, math.nan)

    def loss(self, tried: _Map) -> Tensor:
        """What a map is worth: the mean of the negative log-likelihoods, less a constant."""
        logs = tried.applied(self.logs)
        distance = (self.along / logs.exp()).sum(dim=-1)
        each = logs.sum(dim=-1) / 2 + (TAILS / 2 + 1) * torch.log1p(distance / TAILS)
        counts = self.weight[:, None] * self.known
        return (each * counts).sum() / counts.sum().clamp(min=1e-9)


def _fitted(errors: _Errors) -> _Map:
    """The likeliest map; few faces make a plain one."""
    count, size = int(errors.known.sum()), errors.logs.mean(dim=-1)
    usual = size.mean(dim=0)
    level = errors.along.sum() / (2 * max(count, 1))
    # begins where each landmark has the mean error, whatever its map
    power = torch.ones((), dtype=size.dtype)
    bias = level.clamp(min=SMALLEST).log() - usual.mean() + torch.zeros_like(usual)
    reads = torch.full_like(usual, 0.1 / math.sqrt(len(usual)))
    heeds = torch.full_like(usual, 0.1)
    values = [value.requires_grad_() for value in (power, bias, reads, heeds)]
    search = torch.optim.LBFGS(values, max_iter=STEPS, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        search.zero_grad()
        stiff = reads.square().sum() + heeds.square().sum() + (bias - bias.mean()).square().sum()
        value = errors.loss(_Map(power, bias, usual, reads, heeds))
        value = value + STIFFNESS * (stiff + (power - 1).square()) / max(count, 1)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    search.step(step)  # type: ignore[no-untyped-call]
    return _Map(power.detach(), bias.detach(), usual, reads.detach(), heeds.detach())


def _widening(distance: Tensor, source: Tensor) -> float:
    """What to add to all variances' logarithms, for the least squares of what is missed.

    Args:
        distance: squared Mahalanobis distances (N, L), NaN where not known.
        source: (N,); those of few faces are looked at together.
    """
    tried = torch.linspace(-2, 2, 401, dtype=distance.dtype)
    squares = torch.zeros_like(tried)
    counts = torch.bincount(source)
    source = source.where(counts[source] >= FEWEST, len(counts))
    for number in set(source.tolist()):
        found = distance[source == number]
        logs = found[torch.isfinite(found)].clamp(min=1e-9).log().sort().values
        for level in LEVELS:
            below = torch.searchsorted(logs, tried + math.log(squared_radius(level)), right=True)
            squares += (below / max(len(logs), 1) - level).square()
    return float(tried[squares.argmin()])
