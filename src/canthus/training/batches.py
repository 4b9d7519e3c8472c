"""Training faces, batch by batch: which ones, cut how, in an order that the seed decides.

Batch number n is a function of the recipe, the samples and n alone, so that a training can be
taken up anywhere.
"""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.errors import ImageError, RecipeError
from canthus.faces import Fit, Landmarks
from canthus.geometry import Box, Similarity
from canthus.images import warp
from canthus.models import Target
from canthus.training import augment, symmetry
from canthus.training.augment import Crop, Image
from canthus.training.balance import balanced
from canthus.training.labels import Labeler
from canthus.training.recipe import Recipe

CONTEXT = 2.0  # crop sides kept around a face: room for turns and shifts
RESOLUTION = 1.5  # crop pixels kept per pixel that the network sees


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops (B, 3, S, S) of 8 bits, what is known of them, and which faces they show."""

    pixels: Tensor
    target: Target
    names: list[str]

    @property
    def crops(self) -> Tensor:
        """As a network sees them, (B, 3, S, S) in [0, 1]."""
        return as_input(self.pixels)


@dataclass(frozen=True, eq=False)
class _Kept:
    """A face and its surroundings, cut out of the picture and held in memory."""

    image: Image
    box: Box
    landmarks: Landmarks
    fit: Fit | None


class FaceCache:
    """The faces of a training, cut from their pictures once and then held in memory."""

    def __init__(self, recipe: Recipe) -> None:
        self._crop = recipe.crop
        self._kept: dict[int, _Kept] = {}

    def get(self, sample: Sample) -> _Kept:
        """The face and its surroundings.

        Raises:
            ImageError: if its picture cannot be read.
        """
        key = id(sample)
        if key not in self._kept:
            self._kept[key] = self._cut(sample)
        return self._kept[key]

    def wrong(self, samples: Sequence[Sample]) -> dict[int, ImageError]:
        """Cut out all of these now; what is wrong with those that cannot be read, by place."""
        wrong: dict[int, ImageError] = {}

        def read(place: int) -> None:
            try:
                self.get(samples[place])
            except ImageError as error:
                wrong[place] = error

        with ThreadPoolExecutor() as pool:
            for _ in pool.map(read, range(len(samples))):
                pass
        return wrong

    def _cut(self, sample: Sample) -> _Kept:
        around = sample.box.squared().scaled(CONTEXT * self._crop.scale)
        scale = min(1.0, CONTEXT * RESOLUTION * self._crop.size / around.side)
        size = round(around.side * scale)
        # whole pixels at scale 1, so that a small face is not blurred by a second warp
        x, y = (round(edge) - 0.5 if scale == 1 else edge for edge in (around.x0, around.y0))
        to_kept = Similarity.crop(Box(x, y, x + size / scale, y + size / scale), size)
        picture = read_picture(sample)
        image = warp.crop(picture, to_kept, size)
        # only what the picture shows, so that a crop knows where it ends
        height, width = picture.shape[:2]
        edges = to_kept.apply([(-0.5, -0.5), (width - 0.5, height - 0.5)])
        (left, top), (right, bottom) = np.clip(np.round(edges + 0.5), 0, size).astype(np.int64)
        shift = np.array([left, top])
        points = (to_kept.apply(sample.landmarks.points) - shift).astype(np.float32)
        corners = [sample.box.as_tuple()[:2], sample.box.as_tuple()[2:]]
        (x0, y0), (x1, y1) = to_kept.apply(corners) - shift
        moved = Similarity.about((0, 0), (-float(left), -float(top))) @ to_kept
        return _Kept(
            image=image[top:bottom, left:right].copy(),
            box=Box(x0, y0, x1, y1),
            landmarks=Landmarks(points, sample.landmarks.scheme),
            fit=None if sample.fit is None else sample.fit.through(moved),
        )


class Batches:
    """The training batches of a recipe, by number.

    Args:
        sets: the samples of each of the recipe's data sets, in its order.
        recipe: what to learn, and how.
        labeler: makes labels of their landmarks.

    Raises:
        RecipeError: if faces are fitted and are to be bent; or to be mirrored, and the face model
            cannot be.
    """

    def __init__(self, sets: list[list[Sample]], recipe: Recipe, labeler: Labeler) -> None:
        self._samples = [sample for samples in sets for sample in samples]
        self._recipe = recipe
        self._labeler = labeler
        self._faces = FaceCache(recipe)
        fits = [sample.fit for sample in self._samples if sample.fit is not None]
        if fits and recipe.augment.bend:
            raise RecipeError(
                "augment.bend: expected 0 of fitted faces, whose fits do not bend, found "
                f"{recipe.augment.bend:g}"
            )
        self._width = fits[0].camera.size + fits[0].shape.size if fits else 0
        self._signs = symmetry.signs(recipe.model) if fits and recipe.augment.mirror else None
        self._shown = np.arange(len(self._samples))  # which face is shown where one is due
        starts = np.cumsum([0, *map(len, sets)])
        self._sets = [
            np.repeat(np.arange(a, b), _counts(samples, data.balance))
            for (a, b), samples, data in zip(
                itertools.pairwise(starts), sets, recipe.data, strict=True
            )
        ]
        self._epoch: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))
        self.epoch_size = len(self._order(0))

    def __getitem__(self, number: int) -> Batch:
        return self.share(number)

    def share(self, number: int, process: int = 0, processes: int = 1) -> Batch:
        """What one of several processes sees of a batch: as much of each of its parts."""
        names, crops = [], []
        own = np.split(self._places(number), processes, axis=1)[process]
        for place in own.flatten().tolist():
            sample = self._sample(place)
            rng = np.random.default_rng((self._recipe.schedule.seed, 1, place))
            names.append(str(sample.image))
            crops.append(self._look(sample, rng))
        return collate(crops, names, self._labeler, self._width)

    def names(self, number: int) -> list[str]:
        """The pictures of a batch."""
        return [str(self._sample(place).image) for place in self._places(number).flatten().tolist()]

    def read(self) -> None:
        """Cut all faces out of their pictures now, and not when they first come.

        Raises:
            ImageError: if a picture cannot be read.
        """
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(self._faces.get, self._samples):
                pass

    def spare(self) -> list[ImageError]:
        """Read all faces; show the next one in place of each that cannot be read.

        All others come when they would, changed as they would be.

        Returns:
            What is wrong with each that is left out.

        Raises:
            ImageError: if none can be read.
        """
        wrong = self._faces.wrong(self._samples)
        good = np.setdiff1d(self._shown, list(wrong))
        if wrong and not len(good):
            raise wrong[0]
        if wrong:
            self._shown = good[np.searchsorted(good, self._shown) % len(good)]
        return [wrong[place] for place in sorted(wrong)]

    def _places(self, number: int) -> NDArray[np.int64]:
        """Where a batch's faces come in the training, a row for each part of the batch."""
        size = self._recipe.schedule.batch_size
        places = np.arange(number * size, (number + 1) * size)
        return places.reshape(self._recipe.schedule.accumulate, -1)

    def _sample(self, place: int) -> Sample:
        epoch, index = divmod(place, self.epoch_size)
        return self._samples[self._shown[self._order(epoch)[index]]]

    def _look(self, sample: Sample, rng: np.random.Generator) -> Crop:
        kept, recipe = self._faces.get(sample), self._recipe
        similarity = augment.disturbed(kept.box, recipe.crop, recipe.augment, rng)
        # not drawn where there is nothing to decide, so that earlier recipes show what they showed
        reflect = recipe.augment.reflect > 0 and rng.random() < recipe.augment.reflect
        crop = augment.cut(
            kept.image,
            kept.box,
            kept.landmarks,
            recipe.crop,
            similarity=similarity,
            reflect=reflect,
            fit=kept.fit,
        )
        if rng.random() < recipe.augment.mirror:
            crop = augment.mirrored(crop, self._signs)
        if recipe.augment.bend > 0:
            crop = augment.bent(crop, recipe.augment.bend, rng)
        return replace(crop, image=augment.change_looks(crop.image, recipe.augment, rng))

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """Which face comes when: every set as often as it is repeated, shuffled together."""
        if self._epoch[0] != epoch:
            parts = [
                members[_turns(np.arange(len(members)), data.repeat, epoch)]
                for members, data in zip(self._sets, self._recipe.data, strict=True)
            ]
            rng = np.random.default_rng((self._recipe.schedule.seed, 0, epoch))
            self._epoch = epoch, rng.permutation(np.concatenate(parts))
        return self._epoch[1]


def collate(crops: list[Crop], names: list[str], labeler: Labeler, width: int = 0) -> Batch:
    """Stack crops and their labels; a label far outside its crop counts as not known.

    Args:
        crops: of the batch.
        names: of their pictures.
        labeler: makes the labels.
        width: of a fit's numbers, camera and shape; 0 where a training has no fits.
    """
    images = np.stack([crop.image for crop in crops])
    labels = [labeler(crop.landmarks) for crop in crops]
    points, known = _masked(np.stack([label.points for label in labels]), images.shape[1])
    blends, blends_known = _masked(np.stack([label.blends for label in labels]), images.shape[1])
    target = Target(
        points=points,
        known=known,
        size=torch.tensor([crop.size for crop in crops], dtype=torch.float32),
        blends=blends,
        blends_known=blends_known,
        readout=torch.from_numpy(labeler.readout),
        coefficients=_coefficients([crop.fit for crop in crops], width),
    )
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels last in memory
    return Batch(pixels, target, names)


def as_input(pixels: Tensor) -> Tensor:
    """Crops of 8 bits as a network sees them, in [0, 1]."""
    return pixels.float() / 255


def parts_of(
    pixels: Tensor, targets: list[Target], count: int
) -> Iterator[tuple[Tensor, Target, float]]:
    """The parts that a batch is learned in.

    Args:
        pixels: of the crops that this process sees, (B, 3, S, S).
        targets: what is known of the crops of each process, B of each.
        count: of the parts.

    Yields:
        Of each part the pixels, what all processes know, and the share of the batch's known points.
    """
    size, whole = len(pixels) // count, _stacked(targets)
    known, fits = max(1.0, _num_known(whole)), max(1.0, _num_fitted(whole))
    for start in range(0, len(pixels), size):
        part = slice(start, start + size)
        target = _stacked([_rows(target, part) for target in targets])
        share = 1.0 if count == 1 else _num_known(target) / known
        if share and count > 1:
            target = replace(target, fitted=_num_fitted(target) / fits / share)
        yield pixels[part], target, share


def _num_known(target: Target) -> float:
    return float(target.known.sum() + target.blends_known.sum())


def _num_fitted(target: Target) -> float:
    fits = target.coefficients
    return 0.0 if fits is None else float(fits.isfinite().all(dim=1).sum())


def _rows(target: Target, part: slice) -> Target:
    coefficients = target.coefficients
    return Target(
        points=target.points[part],
        known=target.known[part],
        size=target.size[part],
        blends=target.blends[part],
        blends_known=target.blends_known[part],
        readout=target.readout,
        coefficients=None if coefficients is None else coefficients[part],
    )


def _stacked(targets: list[Target]) -> Target:
    fits = [target.coefficients for target in targets]
    width = next((fit.shape[1] for fit in fits if fit is not None), None)
    return Target(
        points=torch.cat([target.points for target in targets]),
        known=torch.cat([target.known for target in targets]),
        size=torch.cat([target.size for target in targets]),
        blends=torch.cat([target.blends for target in targets]),
        blends_known=torch.cat([target.blends_known for target in targets]),
        readout=targets[0].readout,
        coefficients=None
        if width is None
        else torch.cat(
            [
                target.size.new_full((len(target.size), width), torch.nan) if fit is None else fit
                for target, fit in zip(targets, fits, strict=True)
            ]
        ),
    )


def _coefficients(fits: list[Fit | None], width: int) -> Tensor | None:
    """Cameras and shapes of a batch as `Target` has them."""
    rows = np.full((len(fits), width), np.nan, np.float32)
    for row, fit in zip(rows, fits, strict=True):
        if fit is not None:
            row[:] = np.append(fit.camera, fit.shape)
    return torch.from_numpy(rows) if width else None


def _counts(samples: list[Sample], most: int) -> NDArray[np.int64]:
    """How often each of a set's faces counts."""
    if most == 1 or not samples:
        return np.ones(len(samples), np.int64)
    return balanced(np.stack([sample.landmarks.points[:, :2] for sample in samples]), most)


def _turns(members: NDArray[np.int64], repeat: float, epoch: int) -> NDArray[np.int64]:
    """The members of an epoch: all of them floor(repeat) times, and a share of them in turn."""
    if not len(members):  # all of the set are held out, say
        return np.zeros(0, np.int64)
    whole, count = int(repeat), len(members)
    share = round((repeat - whole) * count)
    rest = np.take(members, np.arange(epoch * share, (epoch + 1) * share), mode="wrap")
    # in turn, but not in the order of the table, which is sorted
    scattered = np.random.default_rng(0).permutation(count)
    return np.concatenate([np.tile(members, whole), members[scattered][rest - members[0]]])


def _masked(points: NDArray[np.float32], size: int) -> tuple[Tensor, Tensor]:
    known = np.all(np.abs(points - size / 2) < size, axis=-1)  # false for NaN too
    kept = np.where(known[..., None], points, np.float32(0))
    return torch.from_numpy(kept), torch.from_numpy(known.astype(np.float32))
