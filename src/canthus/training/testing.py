"""Faces kept apart from a training: to see where it is, and to calibrate its scores."""

import numpy as np
import torch
from torch import Tensor

from canthus.datasets import Sample
from canthus.models import SCORE_RADIUS, Network
from canthus.training import augment
from canthus.training.augment import Crop
from canthus.training.batches import Batch, FaceCache, collate
from canthus.training.labels import Labeler
from canthus.training.recipe import AugmentConfig, Recipe

SIZE = 64  # faces in a batch
JITTER = AugmentConfig(roll_deg=0.0, shift=0.03, scale=0.03, wild=0.0)


class HeldOut:
    """The faces of a training that it does not learn from, cut as a decent detector would."""

    def __init__(self, sets: list[list[Sample]], recipe: Recipe, labeler: Labeler) -> None:
        self._samples = [sample for samples in sets for sample in samples]
        self._weights = torch.tensor(
            [data.repeat for samples, data in zip(sets, recipe.data, strict=True) for _ in samples]
        )
        self._recipe = recipe
        self._labeler = labeler
        self._faces = FaceCache(recipe)

    def __len__(self) -> int:
        return len(self._samples)

    def error(self, network: Network) -> float:
        """Mean distance of the known points, in longer sides of the tight box, over faces."""
        if not self._samples:
            return float("nan")
        errors = [
            (offsets.norm(dim=-1) / size[:, None]).nanmean(dim=1)
            for _, offsets, size in self._answers(network)
        ]
        return float(torch.cat(errors).nanmean())

    def calibrate(self, network: Network) -> None:
        """Measure on these faces what training itself cannot teach a network.

        First how far to the right of a network that knows no left and right the annotators put
        their points, with every data set as often as the recipe shows it. Then how often its
        landmarks are within `SCORE_RADIUS`, for the scores.
        """
        if not self._samples:
            return
        with torch.no_grad():
            network.sideways.zero_()
            apart = torch.cat([offsets[..., 0] for _, offsets, _ in self._answers(network)])
            known = torch.isfinite(apart).any(dim=1)
            shift, weight = apart[known].nanmean(dim=1), self._weights[known]
            network.sideways.fill_(float((shift * weight).sum() / weight.sum()))
        spreads, errors = [], []
        for spread, offsets, size in self._answers(network):
            spreads.append(spread)
            errors.append(offsets.norm(dim=-1) / size[:, None])
        error = torch.cat(errors)
        near = (error <= SCORE_RADIUS).float().where(error.isfinite(), torch.nan)
        network.scores.fit(torch.cat(spreads), near)

    @torch.no_grad()
    def _answers(self, network: Network) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Of each batch, in pixels of the crop: spread, truth less answer, size of the box.

        Shapes (N, L), (N, L, 2) and (N,); truth less answer is NaN where no truth is known.
        """
        network.eval()
        answers = []
        for start in range(0, len(self._samples), SIZE):
            batch = self._batch(start)
            found, target = network.predict(batch.crops), batch.target
            offsets = (target.points - found.points).where(target.known[..., None] > 0, torch.nan)
            answers.append((found.spread, offsets, target.size))
        return answers

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
        return collate(crops, [str(sample.image) for sample in samples], self._labeler)
