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
        self._recipe = recipe
        self._labeler = labeler
        self._faces = FaceCache(recipe)

    def __len__(self) -> int:
        return len(self._samples)

    def error(self, network: Network) -> float:
        """Mean distance of the known points, in longer sides of the tight box, over faces."""
        if not self._samples:
            return float("nan")
        errors = torch.cat([apart for _, apart in self._answers(network)])
        return float(errors.nanmean(dim=1).nanmean())

    def calibrate(self, network: Network) -> None:
        """Make the network's scores say how often its landmarks are within `SCORE_RADIUS`."""
        if not self._samples:
            return
        spreads, errors = map(torch.cat, zip(*self._answers(network), strict=True))
        near = (errors <= SCORE_RADIUS).float().where(errors.isfinite(), torch.nan)
        network.scores.fit(spreads, near)

    @torch.no_grad()
    def _answers(self, network: Network) -> list[tuple[Tensor, Tensor]]:
        """Spread (N, L) in crop pixels and error (N, L) of each batch; NaN where not known."""
        network.eval()
        answers = []
        for start in range(0, len(self._samples), SIZE):
            batch = self._batch(start)
            found = network.predict(batch.crops)
            apart = (found.points - batch.target.points).norm(dim=-1) / batch.target.size[:, None]
            answers.append((found.spread, apart.where(batch.target.known > 0, torch.nan)))
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
