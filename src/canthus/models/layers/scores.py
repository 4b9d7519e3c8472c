"""Scores that say how often a landmark is near the truth."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEPS = 200  # of the fit, at most


class Scores(nn.Module):
    """A logistic curve from the logarithm of a landmark's spread to the chance that it is near.

    One slope for all and a bias per landmark: the same spread means another chance on the jaw
    than in the corner of an eye (Platt, 1999). Before `fit` the scores only rank.
    """

    bias: Tensor
    slope: Tensor

    def __init__(self, num_landmarks: int) -> None:
        super().__init__()
        self.register_buffer("bias", torch.zeros(num_landmarks))
        self.register_buffer("slope", torch.tensor(1.0))

    def forward(self, spread: Tensor) -> Tensor:
        return torch.sigmoid(self._logits(spread, self.bias, self.slope))

    def fit(self, spread: Tensor, near: Tensor) -> None:
        """Fit the curve on faces that were not trained on.

        Args:
            spread: (N, L), in the unit that `forward` is given.
            near: (N, L), 1 where the landmark was near the truth, 0 where it was not, NaN where
                the truth is not known.
        """
        known = torch.isfinite(near)
        bias = torch.zeros_like(self.bias).requires_grad_()
        slope = torch.ones_like(self.slope).requires_grad_()
        search = torch.optim.LBFGS([bias, slope], max_iter=STEPS, line_search_fn="strong_wolfe")

        def step() -> Tensor:
            search.zero_grad()
            logits = self._logits(spread, bias, slope)[known]
            # a weak pull to the middle keeps a landmark that was never off finite
            value = F.binary_cross_entropy_with_logits(logits, near[known])
            value = value + 1e-4 * bias.square().mean()
            value.backward()  # type: ignore[no-untyped-call]
            return value.detach()

        search.step(step)  # type: ignore[no-untyped-call]
        seen, found = known.any(dim=0), bias.detach()
        # a landmark of which no truth is known is taken for a usual one
        self.bias.copy_(torch.where(seen, found, found[seen].mean() if seen.any() else 0.0))
        self.slope.copy_(slope.detach())

    @staticmethod
    def _logits(spread: Tensor, bias: Tensor, slope: Tensor) -> Tensor:
        return bias - slope * spread.log()
