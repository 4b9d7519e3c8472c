"""A fair number: benchmarks, the evaluation of a model on them, and how fast and steady it is."""

from canthus.evaluation.benchmarks import (
    BENCHMARKS,
    Benchmark,
    given_boxes,
    jittered,
    open_benchmark,
)
from canthus.evaluation.evaluate import SCORE_RADIUS, Aligns, evaluate
from canthus.evaluation.figures import figures_of, read_figures
from canthus.evaluation.report import FaceResult, Report, Scores, Summary

__all__ = [
    "BENCHMARKS",
    "SCORE_RADIUS",
    "Aligns",
    "Benchmark",
    "FaceResult",
    "Report",
    "Scores",
    "Summary",
    "evaluate",
    "figures_of",
    "given_boxes",
    "jittered",
    "open_benchmark",
    "read_figures",
]
