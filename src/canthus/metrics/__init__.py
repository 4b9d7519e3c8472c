"""How wrong we are: plain functions on numpy arrays; fractions, never percent."""

from canthus.metrics.calibration import ReliabilityBin, expected_gap, reliability
from canthus.metrics.curves import auc, auc_histogram, ced, failure_rate, percentiles
from canthus.metrics.nme import landmark_errors, nme, nme_per_landmark, nme_per_part
from canthus.metrics.normalizers import (
    NORMALIZERS,
    box_size,
    corner_mid,
    distances,
    given_box_size,
    inter_ocular,
    inter_pupil,
)

__all__ = [
    "NORMALIZERS",
    "ReliabilityBin",
    "auc",
    "auc_histogram",
    "box_size",
    "ced",
    "corner_mid",
    "distances",
    "expected_gap",
    "failure_rate",
    "given_box_size",
    "inter_ocular",
    "inter_pupil",
    "landmark_errors",
    "nme",
    "nme_per_landmark",
    "nme_per_part",
    "percentiles",
    "reliability",
]
