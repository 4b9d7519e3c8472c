"""One evaluation for training, `evaluate` and `benchmark` alike: an aligner, a benchmark, a report.

A face that is not found is an infinite error: it counts in the failure rate, in the area under
the curve and in the percentiles. Only the mean error has no place for it; it is over the faces
that were found, and the report says how many were not.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import Benchmark, given_boxes
from canthus.evaluation.conditions import blur_of
from canthus.evaluation.predictions import MATCH_IOU, Predictions, match
from canthus.evaluation.protocols import Boxes
from canthus.evaluation.report import Report
from canthus.evaluation.scoring import Answers, score, weights_from
from canthus.faces import Face, Landmarks
from canthus.geometry import Box

Array = NDArray[np.float64]
Track = Callable[[Sequence[Sample]], Iterable[Sample]]

PICTURES_AT_ONCE = 64


class Aligns(Protocol):
    """What can be evaluated: anything that finds faces in many pictures, as an `Aligner` does."""

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> Sequence[Sequence[Face]]:
        """Find the faces of each picture, in the given boxes or wherever they are."""
        ...


def evaluate(
    aligner: Aligns,
    benchmark: Benchmark,
    *,
    boxes: Boxes = "jitter",
    seed: int = 0,
    track: Track = iter,
) -> Report:
    """Score an aligner on a benchmark.

    Args:
        aligner: what to score.
        benchmark: on which faces, and how.
        boxes: "truth" for the data set's own, "jitter" for those shifted and scaled at random,
            "detector" if the aligner has to find the faces.
        seed: of the jitter.
        track: yields the samples it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if a face has no length to divide by.
        ImageError: if a picture cannot be read.
        ValueError: if there is no way from the aligner's scheme to the benchmark's.
    """
    benchmark.lengths(benchmark.normalizer)  # before the work, so that it fails early
    answers = answer(aligner, benchmark, given_boxes(benchmark, boxes, seed=seed), track)
    return score(benchmark, answers, boxes=boxes, seed=seed)


def evaluate_predictions(predictions: Predictions, benchmark: Benchmark) -> Report:
    """Score predictions that were made elsewhere.

    Raises:
        DatasetError: if they are not of the benchmark's pictures, or a face has no length to
            divide by.
        ValueError: if there is no way from their scheme to the benchmark's.
    """
    chosen = match(predictions, benchmark)
    unused = len(predictions.images) - int((chosen >= 0).sum())
    notes = [f"{unused} predictions are of no face of the benchmark."] if unused else []
    return score(benchmark, taken(predictions, chosen, benchmark), boxes="file", notes=notes)


def evaluate_rows(predictions: Predictions, benchmark: Benchmark) -> Report:
    """Score predictions that stand beside their truth: each is of the face in the same place.

    What pictures are called does not matter here, nor how many faces one has.

    Raises:
        DatasetError: if a face has no length to divide by, or no landmark to score.
        ValueError: if there is no way from their scheme to the benchmark's.
    """
    chosen = np.arange(len(benchmark.samples))
    return score(benchmark, taken(predictions, chosen, benchmark), boxes="file")


def taken(predictions: Predictions, chosen: NDArray[np.int64], benchmark: Benchmark) -> Answers:
    """The answers that some predictions are, for the faces of a benchmark.

    Args:
        predictions: of one file.
        chosen: (N,) which of them is each face's; -1 for none.
        benchmark: the faces.

    Raises:
        DatasetError: if they are not as many points as their scheme has.
        ValueError: if there is no way from their scheme to the benchmark's.
    """
    scheme = predictions.scheme or benchmark.scheme.name
    weights = weights_from(scheme, benchmark.scheme)
    if predictions.points.shape[1] != weights.shape[1]:
        raise DatasetError(
            f"{predictions.where}: expected the {weights.shape[1]} points of scheme {scheme}, "
            f"found {predictions.points.shape[1]}; say of which scheme they are"
        )
    points = _rows(predictions.points, chosen)
    scores = None if predictions.scores is None else _rows(predictions.scores, chosen)
    matrices = predictions.covariances
    covariances = None if matrices is None else _rows(matrices, chosen)
    poses = None if predictions.poses is None else _rows(predictions.poses, chosen)
    drawn = predictions.boxes
    boxes = None if drawn is None else tuple(drawn[i] if i >= 0 else None for i in chosen)
    if scheme != benchmark.scheme.name:
        points, scores = _mixed(weights, points), None
        if covariances is not None:  # as `Conversion.convert_covariances` does, of many faces
            rows = _mixed(weights, covariances.reshape(*covariances.shape[:2], 4))
            covariances = rows.reshape(*rows.shape[:2], 2, 2)
    return Answers(
        points, scheme=scheme, scores=scores, covariances=covariances, boxes=boxes, poses=poses
    )


def answer(
    aligner: Aligns,
    benchmark: Benchmark,
    boxes: Sequence[Box] | None,
    track: Track = iter,
) -> Answers:
    """Let an aligner answer for every face of a benchmark.

    Args:
        aligner: what to ask.
        benchmark: the faces.
        boxes: of each face; None if the aligner has to find them. Then the face whose box fits
            the truth's best is taken, if its intersection over union is at least `MATCH_IOU`.
        track: yields the samples it is given, and may tell somebody how far that has come.
    """
    found: list[Face | None] = []
    blurs: list[float] = []
    seconds = 0.0
    for part in parts_of(benchmark, boxes, track):
        begin = time.perf_counter()
        answered = aligner.many(part.images, part.boxes)
        seconds += time.perf_counter() - begin
        found += part.own(answered)
        pairs = zip(part.images, part.samples, strict=True)
        blurs += [blur_of(image, sample.box) for image, sample in pairs]
    seen = boxes if boxes is not None else [face.box if face else None for face in found]
    return collected(found, benchmark, seen, _Work(1000 * seconds, tuple(blurs)))


@dataclass(frozen=True, eq=False)
class Part:
    """Some faces of a benchmark: their pictures, and their boxes if they are given."""

    samples: list[Sample]
    images: list[NDArray[np.uint8]]
    boxes: list[list[Box]] | None

    def own(self, answered: Sequence[Sequence[Face]]) -> list[Face | None]:
        """For each sample its own one of the faces found in its picture, if there is one."""
        return [
            closest(faces, sample.box) if self.boxes is None else next(iter(faces), None)
            for sample, faces in zip(self.samples, answered, strict=True)
        ]


def parts_of(
    benchmark: Benchmark, boxes: Sequence[Box] | None, track: Track = iter
) -> Iterator[Part]:
    """A benchmark part by part, so that few pictures are held; see `answer`."""
    given = None if boxes is None else iter(boxes)
    rest = iter(track(benchmark.samples))
    while some := list(islice(rest, PICTURES_AT_ONCE)):
        drawn = None if given is None else [[box] for box in islice(given, len(some))]
        yield Part(some, [read_picture(sample) for sample in some], drawn)


def closest(faces: Sequence[Face], box: Box) -> Face | None:
    """The face whose box fits a box best; None if none is at least `MATCH_IOU` like it."""
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    return best if best is not None and best.box.iou(box) >= MATCH_IOU else None


@dataclass(frozen=True)
class _Work:
    """What aligning took, and how blurred each face was."""

    time_ms: float
    blurs: tuple[float, ...]


def collected(
    found: Sequence[Face | None],
    benchmark: Benchmark,
    boxes: Sequence[Box | None] | None = None,
    work: _Work | None = None,
) -> Answers:
    """Faces as arrays, in the benchmark's scheme.

    Args:
        found: one for each sample, or None.
        benchmark: the samples.
        boxes: that the model was given, or drew.
        work: what aligning took.
    """
    name, count = benchmark.scheme.name, benchmark.scheme.num_landmarks
    mapped = [face.landmarks.map(name) if face else None for face in found]
    points = np.full((len(found), count, 2), np.nan)
    scores = np.full((len(found), count), np.nan)
    for row, landmarks in enumerate(mapped):
        if landmarks is not None:
            points[row] = landmarks.points[:, :2]
            if landmarks.scores is not None:
                scores[row] = landmarks.scores
    scheme = next((face.landmarks.scheme.name for face in found if face), "")
    native = scheme == name and np.isfinite(scores).any()
    poses = np.array([_pose(face) for face in found])
    return Answers(
        points,
        scheme=scheme,
        scores=scores if native else None,
        covariances=_covariances(mapped, count),
        boxes=None if boxes is None else tuple(boxes),
        poses=poses if np.isfinite(poses).any() else None,
        expected=_known([face.expected_error if face else None for face in found]),
        steps=_known([face.steps if face else None for face in found]),
        blurs=work.blurs if work else None,
        time_ms=work.time_ms if work else None,
    )


def _known(values: Sequence[float | None]) -> Array | None:
    """Numbers (N,), NaN for None; None if there are none at all."""
    rows = np.array([np.nan if value is None else value for value in values], np.float64)
    return rows if np.isfinite(rows).any() else None


def _covariances(found: Sequence[Landmarks | None], count: int) -> Array | None:
    """The covariances (N, L, 2, 2) of landmarks, NaN where not known; None if none is."""
    known = [None if each is None else each.covariances for each in found]
    if all(each is None for each in known):
        return None
    unknown = np.full((count, 2, 2), np.nan)
    return np.array([unknown if each is None else each for each in known], np.float64)


def _pose(face: Face | None) -> tuple[float, float, float]:
    """Pitch, yaw and roll in degrees; NaN if they are not known."""
    if face is None or face.pose is None:
        return np.nan, np.nan, np.nan
    return face.pose.pitch_deg, face.pose.yaw_deg, face.pose.roll_deg


def _rows(table: Array, chosen: NDArray[np.int64]) -> Array:
    """The rows that are chosen, NaN for -1; the table itself, and no copy, if all are, in order."""
    if np.array_equal(chosen, np.arange(len(table))):
        return table
    rows = table[chosen]
    rows[chosen < 0] = np.nan
    return rows


def _mixed(weights: Array, points: Array) -> Array:
    """Points (N, S, D) in another scheme, (N, T, D); NaN where a point of the mix is not known."""
    known = np.asarray(np.isfinite(points).all(axis=2))
    mixed: Array = np.nan_to_num(weights) @ np.where(known[:, :, None], points, 0.0)
    lacking = (~known).astype(np.float64) @ (np.nan_to_num(weights) != 0).T > 0
    mixed[lacking | np.isnan(weights).any(axis=1)] = np.nan
    return mixed
