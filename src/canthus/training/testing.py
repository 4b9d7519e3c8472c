"""Faces kept apart from a training: to see where it is, and to calibrate what it promises."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from canthus.datasets import Sample
from canthus.errors import ImageError
from canthus.models import SCORE_RADIUS, Network
from canthus.models.layers.ellipses import spread
from canthus.training import augment, processes
from canthus.training.augment import Crop
from canthus.training.batches import Batch, FaceCache, collate
from canthus.training.labels import Labeler
from canthus.training.recipe import AugmentConfig, Recipe

SIZE = 64  # faces in a batch
FOLDS = 10  # parts of these faces on which the fit of the others' ellipses is tried
JITTER = AugmentConfig(roll_deg=0.0, shift=0.03, scale=0.03, wild=0.0)


@dataclass(frozen=True, eq=False)
class _Answers:
    """A network's answers about faces, in pixels of the crop.

    Attributes:
        covariance: (N, L, 2, 2).
        offsets: truth less answer, (N, L, 2); NaN where no truth is known.
        size: of the box, (N,).
    """

    covariance: Tensor
    offsets: Tensor
    size: Tensor

    @property
    def error(self) -> Tensor:
        """Distances (N, L) from the truth, in longer sides of the tight box."""
        return self.offsets.norm(dim=-1) / self.size[:, None]


class HeldOut:
    """The faces of a training that it does not learn from, cut as a decent detector would.

    Attributes:
        labeler: makes labels of their landmarks.
    """

    def __init__(self, sets: list[list[Sample]], recipe: Recipe, labeler: Labeler) -> None:
        self._samples = [sample for samples in sets for sample in samples]
        self._weights = torch.tensor(
            [data.repeat for samples, data in zip(sets, recipe.data, strict=True) for _ in samples]
        )
        self._source = torch.tensor([i for i, samples in enumerate(sets) for _ in samples])
        self._count = len(sets)
        self._recipe = recipe
        self.labeler = labeler
        self._faces = FaceCache(recipe)

    def __len__(self) -> int:
        return len(self._samples)

    def spare(self) -> list[ImageError]:
        """Read all faces, and go on without those that cannot be; what is wrong with each."""
        wrong = self._faces.wrong(self._samples)
        good = [place for place in range(len(self._samples)) if place not in wrong]
        self._samples = [self._samples[place] for place in good]
        self._weights, self._source = self._weights[good], self._source[good]
        return [wrong[place] for place in sorted(wrong)]

    def error(self, network: Network) -> float:
        """Mean distance of the known points, in longer sides of the tight box, over faces."""
        if not self._samples:
            return float("nan")
        return float(self._answers(network).error.nanmean(dim=1).nanmean())

    def errors(self, network: Network) -> list[float]:
        """The same of each of the recipe's data sets, NaN of those that keep no face apart."""
        each = self._answers(network).error.nanmean(dim=1)
        return [float(each[self._source == place].nanmean()) for place in range(self._count)]

    def calibrate(self, network: Network) -> None:
        """Measure on these faces what training itself cannot teach a network.

        First how far to the right of a network that knows no left and right the annotators put
        their points, with every data set as often as the recipe shows it, if the family `leans`.
        Then how large its
        landmarks' errors are, for the ellipses, and how often they are within `SCORE_RADIUS`, for
        the scores. What else a family promises, it measures itself.
        """
        if not self._samples:
            return
        with torch.no_grad():
            network.sideways.zero_()
            network.ellipses.reset()
            found = self._answers(network)
            lean = self._lean(found.offsets[..., 0]) if network.leans else 0.0
            network.sideways.fill_(lean)
            found.offsets[..., 0] -= lean
        self._fit_ellipses(network, found)
        near = (found.error <= SCORE_RADIUS).float().where(found.error.isfinite(), torch.nan)
        network.scores.fit(spread(network.ellipses(found.covariance)), near)
        network.calibrate((batch.crops, batch.target) for batch in self.batches())

    def batches(self) -> Iterator[Batch]:
        """All of the faces, always cut alike."""
        return map(self._batch, range(0, len(self._samples), SIZE))

    def _lean(self, right: Tensor) -> float:
        """How far the truth lies to the right of the answers, on average; of (N, L) for each."""
        known = torch.isfinite(right).any(dim=1)
        shift, weight = right[known].nanmean(dim=1), self._weights[known]
        return float((shift * weight).sum() / weight.sum())

    def _fit_ellipses(self, network: Network, found: _Answers) -> None:
        """Fit them on the faces that are annotated in the model's own scheme, if there are any.

        What another scheme calls the same point may lie elsewhere.
        """
        own = [sample.landmarks.scheme.name == self.labeler.own for sample in self._samples]
        chosen = torch.tensor(own) | (not any(own))
        groups = sorted({sample.group for sample in self._samples})
        numbers = {group: number % FOLDS for number, group in enumerate(groups)}
        fold = torch.tensor([numbers[sample.group] for sample in self._samples])
        network.ellipses.fit(
            found.covariance[chosen],
            found.offsets[chosen],
            weight=self._weights[chosen],
            fold=fold[chosen],
            source=self._source[chosen],
        )

    @torch.no_grad()
    def _answers(self, network: Network) -> _Answers:
        network.eval()
        device = next(network.parameters()).device
        covariances, offsets, sizes = [], [], []
        for batch in self.batches():
            found = processes.mapped(network.predict(batch.crops.to(device)), Tensor.cpu)
            target = batch.target
            apart = (target.points - found.points).where(target.known[..., None] > 0, torch.nan)
            covariances.append(found.covariance)
            offsets.append(apart)
            sizes.append(target.size)
        return _Answers(torch.cat(covariances), torch.cat(offsets), torch.cat(sizes))

    def _batch(self, start: int) -> Batch:
        crops: list[Crop] = []
        samples = self._samples[start : start + SIZE]
        for place, sample in enumerate(samples, start):
            kept = self._faces.get(sample)
            rng = np.random.default_rng((self._recipe.schedule.seed, 2, place))
            similarity = augment.disturbed(kept.box, self._recipe.crop, JITTER, rng)
            crops.append(
                augment.cut(
                    kept.image, kept.box, kept.landmarks, self._recipe.crop, similarity=similarity
                )
            )
        return collate(crops, [str(sample.image) for sample in samples], self.labeler)
