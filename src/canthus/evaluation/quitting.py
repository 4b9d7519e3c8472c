"""What quitting costs and saves: a benchmark at thresholds from the least to the largest."""

import math
from collections.abc import Sequence

import numpy as np

from canthus.evaluation.benchmarks import Benchmark, given_boxes
from canthus.evaluation.evaluate import Track, collected, parts_of
from canthus.evaluation.protocols import Boxes
from canthus.evaluation.report import Tradeoff
from canthus.evaluation.scoring import errors_of
from canthus.faces import Face
from canthus.metrics import nme
from canthus.runtime import Aligner
from canthus.runtime.backend import Thresholds, quitter


def tradeoffs(
    aligner: Aligner,
    benchmark: Benchmark,
    *,
    boxes: Boxes = "jitter",
    seed: int = 0,
    thresholds: Sequence[Thresholds] | None = None,
    track: Track = iter,
) -> tuple[Tradeoff, ...]:
    """Score an aligner at several thresholds; nothing of one whose faces cannot quit.

    Each face is aligned once for each threshold, further looks included; its steps are those of
    its last look. The aligner's own threshold is as before when this is done.

    Args:
        aligner: what to score.
        benchmark: on which faces.
        boxes: as of `evaluate`.
        seed: of the jitter.
        thresholds: below which expected errors faces quit, after each step but the last, in
            longer sides of their boxes; None: both ends, and those of the model's manifest.
        track: as of `evaluate`.

    Raises:
        DatasetError: if a face has no length to divide by.
        ImageError: if a picture cannot be read.
    """
    told = quitter(aligner.backend)
    if told is None:
        return ()
    if thresholds is None:
        between = [row.below for row in aligner.manifest.quitting[1:-1]]
        steps = len(told.quit_below)
        thresholds = ((0.0,) * steps, *between, (math.inf,) * steps)
    found: dict[Thresholds, list[Face | None]] = {below: [] for below in thresholds}
    usual = told.quit_below
    try:
        for part in parts_of(benchmark, given_boxes(benchmark, boxes, seed=seed), track):
            for below, faces in found.items():
                told.quit_below = below
                faces += part.own(aligner.many(part.images, part.boxes))
    finally:
        told.quit_below = usual
    most = max((face.steps or 0 for faces in found.values() for face in faces if face), default=0)
    costs = aligner.manifest.step_costs or (math.nan,) * most
    return tuple(_tradeoff(benchmark, below, faces, costs) for below, faces in found.items())


def _tradeoff(
    benchmark: Benchmark, below: Thresholds, found: Sequence[Face | None], costs: Sequence[float]
) -> Tradeoff:
    answers = collected(found, benchmark)
    errors = nme(errors_of(benchmark, answers), benchmark.lengths(benchmark.normalizer))
    known = np.isfinite(errors)
    taken = np.array([face.steps for face in found if face], np.int64)
    counts = np.bincount(taken, minlength=len(costs) + 1)[1:]
    return Tradeoff(
        below=below,
        mean_steps=float(taken.mean()) if len(taken) else math.nan,
        shares=tuple((counts / max(1, len(taken))).tolist()),
        missed=int((~known).sum()),
        nme=float(errors[known].mean()) if known.any() else math.nan,
        multiply_adds=float(np.array(costs)[taken - 1].mean()) if len(taken) else math.nan,
    )
