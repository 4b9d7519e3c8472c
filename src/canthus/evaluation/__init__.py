"""A fair number: benchmarks, the evaluation of a model on them, and how fast and steady it is."""

from canthus.evaluation.benchmarks import Benchmark, given_boxes, jittered, open_benchmark
from canthus.evaluation.evaluate import Aligns, evaluate, evaluate_predictions, evaluate_rows
from canthus.evaluation.figures import figures_of, read_figures
from canthus.evaluation.protocols import BENCHMARKS
from canthus.evaluation.report import FaceResult, Report, Scores, Summary
from canthus.evaluation.scoring import SCORE_RADIUS
from canthus.evaluation.text import to_text

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
    "evaluate_predictions",
    "evaluate_rows",
    "figures_of",
    "given_boxes",
    "jittered",
    "open_benchmark",
    "read_figures",
    "to_text",
]
