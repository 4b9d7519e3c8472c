"""One evaluation for training, `evaluate` and `benchmark` alike: an aligner, a benchmark, a report.

A face that is not found is an infinite error: it counts in the failure rate, in the area under
the curve and in the percentiles. Only the mean error has no place for it; it is over the faces
that were found, and the report says how many were not.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.evaluation.benchmarks import Benchmark, Boxes, given_boxes
from canthus.evaluation.report import ALL, FaceResult, Report, Scores, Summary
from canthus.faces import Face, Landmarks, find_conversion
from canthus.geometry import Box
from canthus.images.files import read_image
from canthus.metrics import (
    auc,
    expected_gap,
    failure_rate,
    landmark_errors,
    nme,
    nme_per_landmark,
    nme_per_part,
    percentiles,
    reliability,
)

Array = NDArray[np.float64]
Track = Callable[[Sequence[Sample]], Iterable[Sample]]

PICTURES_AT_ONCE = 64
MATCH_IOU = 0.3  # below that with the truth's box, a face found is another one
# What a score promises: models.base says so to the networks, which torch-free code cannot import.
SCORE_RADIUS = 0.035  # of the longer side of the face's box


class Aligns(Protocol):
    """What can be evaluated: anything that finds faces in many pictures, as an `Aligner` does."""

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> Sequence[Sequence[Face]]:
        """Find the faces of each picture, in the given boxes or wherever they are."""
        ...


@dataclass(frozen=True, eq=False)
class Answers:
    """What an aligner answered about the faces of a benchmark.

    Attributes:
        landmarks: of each face, in the benchmark's scheme; None where it was not found.
        scheme: the name of the scheme that the aligner answers in; None if it found nobody.
        time_ms: that aligning all of them took, without reading the pictures.
    """

    landmarks: tuple[Landmarks | None, ...]
    scheme: str | None
    time_ms: float


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
    lengths = benchmark.lengths(benchmark.normalizer)  # before the work, so that it fails early
    answers = answer(aligner, benchmark, given_boxes(benchmark, boxes, seed=seed), track)
    errors = _errors(benchmark, answers)
    faces = nme(errors, lengths)
    beside = {name: nme(errors, benchmark.lengths(name)) for name in benchmark.beside}
    subsets = {ALL: tuple(range(len(faces))), **benchmark.subsets}
    return Report(
        benchmark=benchmark.name,
        title=benchmark.title,
        scheme=benchmark.scheme.name,
        model_scheme=answers.scheme or "",
        conversion=_conversion(answers, benchmark),
        boxes=boxes,
        seed=seed,
        normalizer=benchmark.normalizer,
        threshold=benchmark.threshold,
        subsets={
            name: summarize(faces[list(chosen)], benchmark.threshold)
            for name, chosen in subsets.items()
        },
        beside={
            other: {name: _mean(values[list(chosen)]) for name, chosen in subsets.items()}
            for other, values in beside.items()
        },
        parts=nme_per_part(errors, lengths, benchmark.scheme.parts),
        landmarks=tuple(nme_per_landmark(errors, lengths).tolist()),
        scores=_scores(benchmark, answers, errors),
        ms_per_face=answers.time_ms / len(faces),
        faces=tuple(map(FaceResult, benchmark.samples, faces.tolist(), answers.landmarks)),
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
    seconds = 0.0
    given = None if boxes is None else iter(boxes)
    rest = iter(track(benchmark.samples))
    while some := list(islice(rest, PICTURES_AT_ONCE)):
        images = [read_image(sample.image) for sample in some]
        drawn = None if given is None else [[box] for box in islice(given, len(some))]
        begin = time.perf_counter()
        answered = aligner.many(images, drawn)
        seconds += time.perf_counter() - begin
        pairs = zip(some, answered, strict=True)
        found += [
            closest(faces, sample.box) if given is None else next(iter(faces), None)
            for sample, faces in pairs
        ]
    scheme = next((face.landmarks.scheme.name for face in found if face), None)
    name = benchmark.scheme.name
    landmarks = tuple(face.landmarks.map(name) if face else None for face in found)
    return Answers(landmarks, scheme, 1000 * seconds)


def closest(faces: Sequence[Face], box: Box) -> Face | None:
    """The face whose box fits a box best; None if none is at least `MATCH_IOU` like it."""
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    return best if best is not None and best.box.iou(box) >= MATCH_IOU else None


def summarize(errors: Array, threshold: float) -> Summary:
    """The figures of a set of faces, from their errors (N,); a miss is infinite."""
    median, p90, p95, p99 = percentiles(errors, (50, 90, 95, 99)).tolist()
    return Summary(
        faces=len(errors),
        missed=int(np.isinf(errors).sum()),
        nme=_mean(errors),
        failure_rate=failure_rate(errors, threshold),
        auc=auc(errors, threshold),
        median=median,
        p90=p90,
        p95=p95,
        p99=p99,
    )


def _errors(benchmark: Benchmark, answers: Answers) -> Array:
    """The errors of the landmarks, (N, L) in pixels; NaN for those the model's scheme lacks."""
    missed = np.full(benchmark.truth.shape[1:], np.nan)
    rows = [missed if face is None else face.points[:, :2] for face in answers.landmarks]
    held = np.ones(benchmark.truth.shape[:2], bool)
    if answers.scheme is not None:
        weights = find_conversion(answers.scheme, benchmark.scheme.name).weights
        held &= np.isfinite(weights).all(axis=1)
    return landmark_errors(np.array(rows, np.float64), benchmark.truth, held)


def _conversion(answers: Answers, benchmark: Benchmark) -> str:
    """How the answers came into the benchmark's scheme; empty if they were of it."""
    name = benchmark.scheme.name
    if answers.scheme in (None, name):
        return ""
    return find_conversion(answers.scheme, name).kind


def _scores(benchmark: Benchmark, answers: Answers, errors: Array) -> Scores | None:
    """What the scores promised and kept; None if there are none, or of another scheme's points."""
    if answers.scheme != benchmark.scheme.name:
        return None
    unscored = np.full(benchmark.scheme.num_landmarks, np.nan)
    said = np.array(
        [
            unscored if face is None or face.scores is None else face.scores
            for face in answers.landmarks
        ],
        np.float64,
    )
    radius = SCORE_RADIUS * np.array([[sample.box.side] for sample in benchmark.samples])
    known = np.isfinite(said) & np.isfinite(errors)
    if not known.any():
        return None
    bins = reliability(said[known], (errors <= radius)[known])
    return Scores(SCORE_RADIUS, expected_gap(bins), tuple(bins))


def _mean(errors: Array) -> float:
    """The mean of the faces that were found; NaN if none was."""
    found = errors[np.isfinite(errors)]
    return float(found.mean()) if len(found) else float("nan")
