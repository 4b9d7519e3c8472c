"""From answers to figures: every evaluation ends here, whoever made the answers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import Benchmark
from canthus.evaluation.conditions import conditions_of
from canthus.evaluation.report import (
    ALL,
    ExpectedErrors,
    FaceResult,
    Report,
    Scores,
    Summary,
)
from canthus.faces import Landmarks, LandmarkScheme, find_conversion
from canthus.geometry import Box
from canthus.metrics import (
    LARGEST_DEG,
    Coverage,
    OverBins,
    PoseErrors,
    Visibility,
    auc,
    auc_histogram,
    auc_simpson,
    auc_step_sum,
    auc_trapezoid,
    aurc,
    bootstrap,
    coverage,
    expected_gap,
    failure_rate,
    landmark_errors,
    nme,
    nme_by_visibility,
    nme_per_landmark,
    nme_per_part,
    over_bins,
    percentiles,
    pose_errors,
    reliability,
    spearman,
)

Array = NDArray[np.float64]

# What a score promises: models.base says so to the networks, which torch-free code cannot import.
SCORE_RADIUS = 0.035  # of the longer side of the face's box
HIDDEN = ("Hidden landmarks were taken as unknown: only visible ones count.",)


@dataclass(frozen=True, eq=False)
class Answers:
    """What somebody answered about the faces of a benchmark.

    Attributes:
        points: (N, L, 2) pixels in the benchmark's scheme; NaN where nothing was found.
        scheme: the name of the scheme that was answered in; empty if nobody was found.
        scores: (N, L) of the points, where they are of the same scheme.
        covariances: (N, L, 2, 2) of the points' errors, NaN where not known; None if none is.
        boxes: that the model was given, or drew; None where there was none.
        poses: (N, 3) pitch, yaw and roll in degrees, NaN where not known; None if none is.
        expected: (N,) errors that the model expects of its faces, in longer sides of their tight
            boxes, NaN where not known; None if none is.
        steps: (N,) that it took with them, likewise.
        blurs: of each face, if its picture was seen.
        time_ms: that aligning all of them took, without reading the pictures.
    """

    points: Array
    scheme: str
    scores: Array | None = None
    covariances: Array | None = None
    boxes: Sequence[Box | None] | None = None
    poses: Array | None = None
    expected: Array | None = None
    steps: Array | None = None
    blurs: Sequence[float] | None = None
    time_ms: float | None = None

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which faces have any point, (N,)."""
        known = np.isfinite(self.points[:, :, 0]) & np.isfinite(self.points[:, :, 1])
        return np.asarray(known.any(axis=1))


def score(
    benchmark: Benchmark,
    answers: Answers,
    *,
    boxes: str,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Report:
    """The report of some answers.

    Args:
        benchmark: the faces, and how they are scored.
        answers: about them.
        boxes: whose the model was given, in a word.
        seed: of the jitter.
        notes: what a reader must know of the answers.

    Raises:
        DatasetError: if a face has no length to divide by, or no landmark to score.
    """
    lengths = benchmark.lengths(benchmark.normalizer)
    errors = errors_of(benchmark, answers)
    _check_scored(benchmark, errors)
    faces = nme(errors, lengths)
    beside, unknown = _beside(benchmark, errors)
    subsets = _summaries(benchmark, faces)
    return Report(
        benchmark=benchmark.name,
        title=benchmark.title,
        scheme=benchmark.scheme.name,
        model_scheme=answers.scheme,
        conversion=_conversion(answers, benchmark),
        boxes=boxes,
        seed=seed,
        normalizer=benchmark.normalizer,
        threshold=benchmark.threshold,
        subsets=subsets,
        beside=beside,
        areas=subsets[ALL].areas,
        over_bins=_over_bins(benchmark, faces),
        visibility=_visibility(benchmark, errors, lengths),
        pose=_pose(benchmark, answers),
        parts=nme_per_part(errors, lengths, benchmark.scheme.parts),
        landmarks=tuple(nme_per_landmark(errors, lengths).tolist()),
        scores=_scores(benchmark, answers, errors),
        ellipses=_ellipses(benchmark, answers, errors),
        expected=_expected(benchmark, answers, errors),
        ms_per_face=None if answers.time_ms is None else answers.time_ms / len(faces),
        faces=_faces(benchmark, answers, faces, lengths),
        notes=(*benchmark.notes, *(HIDDEN if benchmark.visible_only else ()), *notes, *unknown),
    )


def errors_of(benchmark: Benchmark, answers: Answers) -> Array:
    """The errors of the landmarks, (N, L) in pixels; NaN for those the model's scheme lacks."""
    held = np.ones(benchmark.truth.shape[:2], bool)
    if answers.scheme:
        held &= np.isfinite(weights_from(answers.scheme, benchmark.scheme)).all(axis=1)
    return landmark_errors(answers.points, benchmark.truth, held)


def _check_scored(benchmark: Benchmark, errors: Array) -> None:
    """Make sure that every face has a landmark to score."""
    empty = np.flatnonzero(np.isnan(errors).all(axis=1))
    if len(empty):
        names = ", ".join(benchmark.picture_names[i] for i in empty[:5])
        raise DatasetError(
            f"benchmark {benchmark.name}: no landmark to score in {len(empty)} faces, as in {names}"
        )


def weights_from(source: str, scheme: LandmarkScheme) -> Array:
    """How points of a scheme are made from those of another, (T, S); NaN where not held.

    A scheme of somebody's own has no name here, but is made from itself all the same.

    Raises:
        ValueError: if there is no way from the one to the other.
    """
    if source == scheme.name:
        return np.eye(scheme.num_landmarks)
    return find_conversion(source, scheme.name).weights


def summarize(errors: Array, threshold: float, groups: Sequence[str] | None = None) -> Summary:
    """The figures of a set of faces, from their errors (N,); a miss is infinite.

    Args:
        errors: of the faces.
        threshold: of failure rate and area.
        groups: the photo or person of each; intervals are then made over these.
    """
    median, p90, p95, p99 = percentiles(errors, (50, 90, 95, 99)).tolist()
    return Summary(
        faces=len(errors),
        missed=int(np.isinf(errors).sum()),
        nme=mean_of_found(errors),
        failure_rate=failure_rate(errors, threshold),
        auc=auc(errors, threshold),
        median=median,
        p90=p90,
        p95=p95,
        p99=p99,
        intervals=bootstrap(errors, threshold, groups=groups),
        areas=areas_of(errors, threshold),
    )


def areas_of(errors: Array, threshold: float) -> dict[str, float]:
    """The area under the curve of errors (N,) by the other definitions in use, by name."""
    return {
        "step_sum": auc_step_sum(errors, threshold),
        "trapezoid": auc_trapezoid(errors, threshold),
        "simpson": auc_simpson(errors, threshold),
        "histogram": auc_histogram(errors, threshold),
    }


def _subsets(benchmark: Benchmark) -> dict[str, list[int]]:
    """The faces of each subset, all of them first."""
    named = {name: list(chosen) for name, chosen in benchmark.subsets.items()}
    return {ALL: list(range(len(benchmark.samples))), **named}


def _summaries(benchmark: Benchmark, faces: Array) -> dict[str, Summary]:
    return {
        name: summarize(faces[chosen], benchmark.threshold, _groups(benchmark, chosen))
        for name, chosen in _subsets(benchmark).items()
    }


def _beside(benchmark: Benchmark, errors: Array) -> tuple[dict[str, dict[str, float]], list[str]]:
    """The mean errors by further normalizers, and a sentence for each that cannot be had."""
    found, unknown = {}, []
    for name in benchmark.beside:
        try:
            found[name] = _means(benchmark, errors, name)
        except DatasetError as error:
            unknown.append(f"Not beside: {error}.")
    return found, unknown


def _means(benchmark: Benchmark, errors: Array, normalizer: str) -> dict[str, float]:
    """The mean error of each subset by another normalizer."""
    faces = nme(errors, benchmark.lengths(normalizer))
    return {name: mean_of_found(faces[chosen]) for name, chosen in _subsets(benchmark).items()}


def _groups(benchmark: Benchmark, chosen: Sequence[int]) -> list[str] | None:
    return None if benchmark.groups is None else [benchmark.groups[i] for i in chosen]


def _over_bins(benchmark: Benchmark, faces: Array) -> OverBins | None:
    """The mean over the benchmark's bins; None if it has none, or a bin has no face found."""
    labels = np.full(len(faces), "", dtype=object)
    for name in benchmark.bins:
        labels[list(benchmark.subsets.get(name, ()))] = name
    binned = labels != ""
    if not binned.any():
        return None
    return over_bins(faces[binned], labels[binned].tolist())


def _visibility(benchmark: Benchmark, errors: Array, lengths: Array) -> Visibility | None:
    if benchmark.visible is None:
        return None
    return nme_by_visibility(errors, lengths, benchmark.visible)


def _pose(benchmark: Benchmark, answers: Answers) -> PoseErrors | None:
    """The errors of head poses, over the faces of which both truth and answer are known."""
    if answers.poses is None:
        return None
    unknown = (float("nan"),) * 3
    truth = np.array(
        [
            unknown if s.pose is None else (s.pose.pitch_deg, s.pose.yaw_deg, s.pose.roll_deg)
            for s in benchmark.samples
        ]
    )
    known = np.isfinite(truth + answers.poses).all(axis=1)
    if not (np.abs(truth[known]) < LARGEST_DEG).all(axis=1).any():
        return None
    return pose_errors(answers.poses[known], truth[known])


def _faces(
    benchmark: Benchmark, answers: Answers, errors: Array, lengths: Array
) -> tuple[FaceResult, ...]:
    scheme, found = benchmark.scheme, answers.found
    results = []
    for i, sample in enumerate(benchmark.samples):
        given = None if answers.boxes is None else answers.boxes[i]
        blur = None if answers.blurs is None else answers.blurs[i]
        seen = None
        if found[i]:
            scores = None if answers.scores is None else answers.scores[i]
            seen = Landmarks(answers.points[i], scheme, scores)
        conditions = conditions_of(sample, given, blur)
        results.append(FaceResult(sample, float(errors[i]), seen, conditions, float(lengths[i])))
    return tuple(results)


def _conversion(answers: Answers, benchmark: Benchmark) -> str:
    """How the answers came into the benchmark's scheme; empty if they were of it."""
    name = benchmark.scheme.name
    if answers.scheme in ("", name):
        return ""
    return find_conversion(answers.scheme, name).kind


def _scores(benchmark: Benchmark, answers: Answers, errors: Array) -> Scores | None:
    """What the scores promised and kept; None if there are none, or not in [0, 1]."""
    if answers.scores is None:
        return None
    radius = SCORE_RADIUS * np.array([[sample.box.side] for sample in benchmark.samples])
    known = np.isfinite(answers.scores) & np.isfinite(errors)
    said = answers.scores[known]
    if not known.any() or said.min() < 0 or said.max() > 1:
        return None
    bins = reliability(said, (errors <= radius)[known])
    return Scores(SCORE_RADIUS, expected_gap(bins), tuple(bins))


def _ellipses(benchmark: Benchmark, answers: Answers, errors: Array) -> tuple[Coverage, ...] | None:
    """What the ellipses of the landmarks found hold; None if there are none."""
    if answers.covariances is None:
        return None
    offsets = np.where(np.isfinite(errors)[:, :, None], benchmark.truth - answers.points, np.nan)
    return tuple(coverage(offsets, answers.covariances))


def _expected(benchmark: Benchmark, answers: Answers, errors: Array) -> ExpectedErrors | None:
    """What the expected errors of the faces found are worth; None if there are none."""
    if answers.expected is None:
        return None
    faces = nme(errors, benchmark.lengths("box_side"))
    known = np.isfinite(faces) & np.isfinite(answers.expected)
    if not known.any():
        return None
    true, said = faces[known], answers.expected[known]
    doubts = None if answers.scores is None else -answers.scores[known].mean(axis=1)
    return ExpectedErrors(
        faces=int(known.sum()),
        expected=float(said.mean()),
        true=float(true.mean()),
        spearman=spearman(true, said),
        aurc=aurc(true, said),
        least_aurc=aurc(true, true),
        scores_aurc=math.nan if doubts is None else aurc(true, doubts),
    )


def mean_of_found(errors: Array) -> float:
    """The mean of the faces that were found; NaN if none was."""
    found = errors[np.isfinite(errors)]
    return float(found.mean()) if len(found) else float("nan")
