"""A trained model puts landmarks on training faces, for another model to learn from.

Each face is looked at several times, turned, shifted and mirrored a little; the mean of the
answers is better than any of them, and what a model then learns it answers at one look (Hinton,
Vinyals and Dean, 2015). Faces that people annotated with few points get all of them this way.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.faces import scheme_of
from canthus.geometry import Similarity
from canthus.images import warp
from canthus.runtime import Aligner
from canthus.runtime.backend import Arrays
from canthus.runtime.flips import both
from canthus.training import augment
from canthus.training.labels import Labeler
from canthus.training.recipe import AugmentConfig, CropConfig

Array = NDArray[np.float64]

LOOKS = 4  # at each face, each of them also mirrored
JITTER = AugmentConfig(roll_deg=8.0, shift=0.03, scale=0.05, wild=0.0)
UNSURE = 0.06  # longer sides of the face's box by which a landmark may be off and still be taught
WRONG = 0.06  # the same, of the mean distance from what people marked of a face
REACH = 0.08  # longer sides of the face's box around a marked point in which others move with it
FAINT = 0.05  # of a marked point's weight at its own place: far from all of them nothing moves
SEED = 3  # of the looks, apart from those of trainings


@dataclass(frozen=True, eq=False)
class Taught:
    """What a teacher says of faces.

    Attributes:
        points: (N, L, 2), in pixels of each picture; NaN where the teacher is not sure, and for
            all of a face that it gets wrong.
        wrong: (N,), whether the answer is too far from what people marked.
    """

    points: NDArray[np.float64]
    wrong: NDArray[np.bool_]


def teach(
    aligner: Aligner, samples: Sequence[Sample], *, meet: bool = False, at_once: int = 1
) -> Taught:
    """Let a model put its landmarks on annotated faces.

    Args:
        aligner: the model.
        samples: the faces, with what people marked of them.
        meet: put landmarks that people marked where they marked them, and move those around them
            along: for a teacher of another scheme, which is less exact than people are.
        at_once: faces that the network is shown at a time: one keeps a core busy, a GPU wants more.

    Raises:
        ImageError: if a picture cannot be read.
        ValueError: if the model's scheme cannot be compared with that of the annotations.
    """
    names = {sample.landmarks.scheme.name for sample in samples}
    labeler = Labeler(aligner.manifest.scheme, tuple(names))
    points, wrong = [], []
    each = zip(samples, _answers(aligner, samples, at_once), strict=True)
    for sample, (answer, unsure) in each:
        off = _distance(labeler, sample, answer)
        wrong.append(off > WRONG * sample.box.side)
        known = (unsure <= UNSURE * sample.box.side) & (not wrong[-1])
        if meet:
            marked = labeler(sample.landmarks).points
            answer = met(answer, marked, REACH * sample.box.side)
            known |= np.isfinite(marked).all(axis=1) & (not wrong[-1])
        points.append(np.where(known[:, None], answer, np.nan))
    return Taught(np.array(points), np.array(wrong))


def together(said: Sequence[Taught]) -> Taught:
    """What several teachers of one scheme say: of each landmark the mean of those that are sure.

    A face is wrong if all of them get it wrong.
    """
    points = np.stack([each.points for each in said])
    sure = np.isfinite(points)
    count = sure.sum(axis=0)
    mean = np.where(sure, points, 0).sum(axis=0) / np.maximum(count, 1)
    wrong = np.all([each.wrong for each in said], axis=0)
    return Taught(np.where(count > 0, mean, np.nan), wrong)


def met(
    answer: NDArray[np.float64], marked: NDArray[np.floating], reach: float
) -> NDArray[np.float64]:
    """An answer (L, 2) moved so that it meets the marked ones of its points (L, 2).

    A point that is not marked moves by the mean of the marked ones' moves, each of which counts by
    a Gaussian of its distance.

    Args:
        answer: of a model.
        marked: by people; NaN where nothing is.
        reach: standard deviation of the Gaussian, in pixels.
    """
    chosen = np.isfinite(marked).all(axis=1)
    apart = np.linalg.norm(answer[:, None] - answer[chosen], axis=-1)
    near = np.exp(-((apart / reach) ** 2) / 2)
    moves = near @ (marked[chosen] - answer[chosen]) / (near.sum(axis=1, keepdims=True) + FAINT)
    return np.where(chosen[:, None], marked, answer + moves)


def _answers(
    aligner: Aligner, samples: Sequence[Sample], at_once: int
) -> Iterator[tuple[Array, Array]]:
    """Of each face the mean of several looks, (L, 2), and how far off each point may be, (L,)."""
    manifest, scheme = aligner.manifest, scheme_of(aligner.manifest.scheme)
    crop = CropConfig(size=manifest.crop_size, scale=manifest.crop_scale)
    with ThreadPoolExecutor() as pool:
        for first in range(0, len(samples), at_once):
            chunk = range(first, min(first + at_once, len(samples)))
            seen = list(pool.map(lambda number: _looks(samples[number], crop, number), chunk))
            crops = np.concatenate([straight for _, straight in seen])
            found, back = both(aligner.backend, scheme, crops)
            for place, (looks, _) in enumerate(seen):
                rows = slice(place * LOOKS, (place + 1) * LOOKS)
                ours = {name: values[rows] for name, values in found.items()}
                yield _mean(looks, ours, back["points"][rows])


def _looks(
    sample: Sample, crop: CropConfig, number: int
) -> tuple[list[Similarity], NDArray[np.uint8]]:
    """How a face is looked at, and the crops (`LOOKS`, S, S, 3)."""
    rng = np.random.default_rng((SEED, number))
    image = read_picture(sample)
    looks = [augment.plain(sample.box.squared(), crop)]
    looks += [augment.disturbed(sample.box, crop, JITTER, rng) for _ in range(LOOKS - 1)]
    return looks, np.stack([warp.crop(image, look, crop.size) for look in looks])


def _mean(
    looks: Sequence[Similarity], found: Arrays, back: NDArray[np.floating]
) -> tuple[Array, Array]:
    """The mean of the answers to several looks, in the picture, and how far off it may be."""
    # a model that leans to one side leans to the other in the mirror
    middles = (found["points"] + back) / 2
    pairs = zip(looks, middles, strict=True)
    answers = np.stack([look.inverse().apply(middle) for look, middle in pairs])
    variance = answers.var(axis=0).sum(axis=-1)
    if "covariances" in found:
        areas = np.trace(found["covariances"], axis1=-2, axis2=-1)
        scales = np.array([look.scale for look in looks])
        variance += (areas / scales[:, None] ** 2).mean(axis=0)
    return answers.mean(axis=0), np.sqrt(variance)


def _distance(labeler: Labeler, sample: Sample, answer: NDArray[np.float64]) -> float:
    """Mean distance from what people marked, in pixels; 0 if that is nothing."""
    labels = labeler(sample.landmarks)
    apart = np.concatenate([answer - labels.points, labeler.readout @ answer - labels.blends])
    distances = np.linalg.norm(apart, axis=1)
    return float(np.nanmean(distances)) if np.isfinite(distances).any() else 0.0
