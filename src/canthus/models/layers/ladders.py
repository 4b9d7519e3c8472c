"""From what a network says of its error to the error that there is: a rising line of pieces."""

import torch
from torch import Tensor, nn

from canthus.models.layers.precision import product

KNOTS = 9
FEWEST = 20  # faces to fit to
SMALLEST = 1e-3  # longer sides of the tight box: errors below it are not told apart
RISE = 0.02  # of the line where isotonic regression is flat, so that no two faces become equal
FAR = 100.0  # beyond all logarithms
APART = 1e-5  # of knots, where faces are alike


def pooled(values: Tensor) -> Tensor:
    """The rising sequence (N,) that is nearest to values (N,) by squares.

    Adjacent values that fall are pooled into their mean (Ayer et al., 1955).
    """
    means: list[float] = []
    counts: list[int] = []
    for value in values.tolist():
        means.append(value)
        counts.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            mean, count = means.pop(), counts.pop()
            means[-1] = (means[-1] * counts[-1] + mean * count) / (counts[-1] + count)
            counts[-1] += count
    return torch.tensor(means, dtype=values.dtype).repeat_interleave(torch.tensor(counts))


class Ladder(nn.Module):
    """From signs that an error is large to how large it is on average, all as logarithms.

    The signs are weighed and added; a rising line through knots leads from there to errors. Beyond
    the outer knots it goes on as it rises between them on the whole. Before `fit` the first sign
    is believed.

    Args:
        signs: how many.
    """

    weights: Tensor
    knots: Tensor
    values: Tensor

    def __init__(self, signs: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.eye(signs)[:, :1].clone())
        self.register_buffer("knots", torch.linspace(-6.0, 2.0, KNOTS))
        self.register_buffer("values", torch.linspace(-6.0, 2.0, KNOTS))

    def forward(self, signs: Tensor) -> Tensor:
        """The errors (B,) that there are on average where these signs (B, S) are seen."""
        widths, rises = self.knots.diff(), self.values.diff()
        ends = torch.cat([self.knots[:1], self.knots])
        low = torch.cat([self.knots.new_full((1,), -FAR), torch.zeros_like(self.knots)])
        high = torch.cat([widths.new_zeros(1), widths, widths.new_full((1,), FAR)])
        whole = (rises.sum() / widths.sum())[None]
        slopes = torch.cat([whole, rises / widths, whole])[:, None]
        # as products with sums, which runtimes do in one go
        climbed = torch.addmm(-ends, signs.float(), self.weights.expand(-1, len(ends)))
        climbed = torch.minimum(torch.maximum(climbed, low), high)
        return torch.addmm(self.values[:1], climbed, slopes).exp()[:, 0]

    @torch.no_grad()
    def fit(self, signs: Tensor, true: Tensor) -> None:
        """Least squares for the weights, then isotonic regression, read at the knots.

        No sign has a weight below 0: more of it never means less error. NaN among the errors are
        left out; with fewer than `FEWEST` nothing is fitted. The means of what is found and of what
        is true are the same.

        Args:
            signs: (N, S).
            true: errors, (N,).
        """
        known = true.isfinite()
        if known.sum() < FEWEST:
            return
        errors = true[known].double().clamp(min=SMALLEST)
        self.weights.copy_(_weights(signs[known].double(), errors.log())[:, None])
        logs, order = product(signs[known].float(), self.weights)[:, 0].double().sort()
        knots = torch.quantile(logs, torch.linspace(0, 1, KNOTS, dtype=logs.dtype))
        knots = knots + torch.arange(KNOTS) * APART
        bins = torch.bucketize(logs, (knots[1:] + knots[:-1]) / 2)
        sums = torch.zeros_like(knots).index_add(0, bins, pooled(errors[order]))
        counts = torch.bincount(bins, minlength=KNOTS)
        means = pooled(sums / counts.clamp(min=1)).clamp(min=SMALLEST)
        self.knots.copy_(knots)
        self.values.copy_(means.log() + RISE * (knots - knots.mean()))
        self.values += errors.mean().log() - self(signs[known]).double().mean().log()


def _weights(signs: Tensor, logs: Tensor) -> Tensor:
    """Of least squares, none below 0, (S,), by dropping the lowest until that is so."""
    left = list(range(signs.shape[1]))
    found = torch.zeros(signs.shape[1], dtype=signs.dtype)
    while left:
        centered = signs[:, left] - signs[:, left].mean(dim=0)
        best = torch.linalg.lstsq(centered, (logs - logs.mean())[:, None], driver="gelsd").solution
        if (best >= 0).all():
            found[left] = best[:, 0]
            break
        del left[int(best.argmin())]
    return found
