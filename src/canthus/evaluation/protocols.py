"""The benchmarks by name: one table that says for each who is scored, and how.

`normalizer` and `threshold` are of the headline figure; `beside` are further normalizers whose
mean errors are printed too; `boxes` are those that a model is given unless asked otherwise:
the data set's own ("truth"), the data set's moved at random ("jitter"), or none ("detector").
Where boxes are drawn about the true landmarks, giving them as they are tells the model where the
chin is, so those are jittered. The reasons stand in docs/reference/conventions.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from canthus.datasets import Sample, ibug, tables
from canthus.datasets.catalog import DATASETS
from canthus.metrics import yaw_bins

Boxes = Literal["truth", "jitter", "detector"]


def _tags(sample: Sample) -> Sequence[str]:
    return sorted(sample.tags)


def _yaw_bin(sample: Sample) -> Sequence[str]:
    """3DDFA's bins: up to 30 degrees, above 30 up to 60, and above, to either side."""
    return () if sample.yaw_deg is None else yaw_bins([sample.yaw_deg])


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a known benchmark is made from the data set on disk.

    Attributes:
        title: what is scored, in words.
        folder: of the data set, if the root given holds several.
        read: its samples, from that folder.
        normalizer: of the headline figure.
        threshold: of failure rate and area under the curve.
        beside: further normalizers to print.
        boxes: that a model is given unless asked otherwise.
        order: the subsets to print, in this order; all by name if empty.
        bins: those subsets over which a mean is printed besides the mean over faces.
        faces: how many the official split has; 0 where that is not fixed.
        subsets: the names of the subsets that a sample belongs to.
    """

    title: str
    folder: str
    read: Callable[[Path], list[Sample]]
    normalizer: str
    threshold: float
    beside: tuple[str, ...] = ()
    boxes: Boxes = "truth"
    order: tuple[str, ...] = ()
    bins: tuple[str, ...] = ()
    faces: int = 0
    subsets: Callable[[Sample], Sequence[str]] = _tags


def _official(dataset: str, split: str) -> Callable[[Path], list[Sample]]:
    return partial(DATASETS[dataset].read, split=split)


EYES = ("inter_pupil", "corner_mid", "box_size")
W300 = ("common", "challenging", "helen", "lfpw", "ibug")
WFLW = ("pose", "expression", "illumination", "makeup", "occlusion", "blur")
YAW = ("yaw 0-30", "yaw 30-60", "yaw 60-90")
PAPER_YAW = tuple(f"paper {name}" for name in YAW)

# Where the figures of the models inside come from: no test set, so that none is ever chosen by.
VALIDATION = ("300w-val", "ytf68-val", "aflw21-val")

BENCHMARKS: Mapping[str, Protocol] = {
    # ---- 68 points ----
    "300w": Protocol(
        title="300-W, full public test set: HELEN and LFPW test pictures and iBUG",
        folder="300w",
        read=_official("300w", "full"),
        normalizer="inter_ocular",
        threshold=0.08,
        beside=EYES,
        boxes="jitter",
        order=W300,
        faces=689,
    ),
    "300w-private": Protocol(
        title="300-W, the challenge's own test set, indoor and outdoor",
        folder="300w",
        read=_official("300w", "private"),
        normalizer="inter_ocular",
        threshold=0.08,
        beside=EYES,
        boxes="jitter",
        order=("indoor", "outdoor"),
        faces=600,
    ),
    "300w-private-box": Protocol(
        title="300-W, the challenge's own test set, by the size of the box",
        folder="300w",
        read=_official("300w", "private"),
        normalizer="box_size",
        threshold=0.07,
        beside=("inter_ocular",),
        boxes="jitter",
        order=("indoor", "outdoor"),
        faces=600,
    ),
    "cofw68": Protocol(
        title="COFW-68: the test pictures of COFW with 68 points",
        folder="cofw68",
        read=_official("cofw68", "test"),
        normalizer="inter_ocular",
        threshold=0.10,
        beside=EYES,
        faces=507,
    ),
    "cofw68-box": Protocol(
        title="COFW-68, by the size of the box",
        folder="cofw68",
        read=_official("cofw68", "test"),
        normalizer="box_size",
        threshold=0.07,
        beside=("inter_ocular",),
        faces=507,
    ),
    "aflw2000-3d": Protocol(
        title="AFLW2000-3D, original points, image plane, bins by the fitted yaw",
        folder="aflw2000",
        read=_official("aflw2000-3d", "all"),
        normalizer="box_size",
        threshold=0.07,
        beside=("box_diagonal",),
        boxes="jitter",
        order=YAW,
        bins=YAW,
        faces=2000,
    ),
    "aflw2000-3d-paper-bins": Protocol(
        title="AFLW2000-3D, original points, image plane, bins by the yaw of AFLW's labels",
        folder="aflw2000",
        read=_official("aflw2000-3d", "all"),
        normalizer="box_size",
        threshold=0.07,
        beside=("box_diagonal",),
        boxes="jitter",
        order=PAPER_YAW,
        bins=PAPER_YAW,
        faces=2000,
    ),
    "aflw2000-3d-reannotated": Protocol(
        title="AFLW2000-3D, points annotated again, bins by the fitted yaw",
        folder="aflw2000",
        read=_official("aflw2000-3d", "reannotated"),
        normalizer="box_size",
        threshold=0.07,
        beside=("box_diagonal",),
        boxes="jitter",
        order=YAW,
        bins=YAW,
        faces=2000,
    ),
    "menpo": Protocol(
        title="Menpo 2D, semi-frontal test faces",
        folder="menpo",
        read=_official("menpo", "test"),
        normalizer="box_diagonal",
        threshold=0.03,
        beside=("inter_ocular", "box_size"),
        boxes="jitter",
        faces=5335,
    ),
    "merl-rav": Protocol(
        title="MERL-RAV: AFLW pictures with 68 points and what hides them",
        folder="merl_rav",
        read=_official("merl-rav", "test"),
        normalizer="box_size",
        threshold=0.07,
        boxes="jitter",
        order=("frontal", "half", "profile"),
        faces=3865,
    ),
    # ---- 98 points ----
    "wflw": Protocol(
        title="WFLW, test faces and their six subsets",
        folder="wflw",
        read=_official("wflw", "test"),
        normalizer="inter_ocular",
        threshold=0.10,
        beside=("inter_pupil", "box_size"),
        order=WFLW,
        faces=2500,
    ),
    # ---- 29 points ----
    "cofw": Protocol(
        title="COFW, test faces",
        folder="cofw",
        read=_official("cofw", "test"),
        normalizer="inter_ocular",
        threshold=0.10,
        beside=("inter_pupil",),
        faces=507,
    ),
    "cofw-pupil": Protocol(
        title="COFW, test faces, by the distance of the pupils",
        folder="cofw",
        read=_official("cofw", "test"),
        normalizer="inter_pupil",
        threshold=0.10,
        beside=("inter_ocular",),
        faces=507,
    ),
    # ---- 19 and 21 points ----
    "aflw19": Protocol(
        title="AFLW, 19 points, full test set",
        folder="aflw",
        read=_official("aflw19", "test"),
        normalizer="given_box_side",
        threshold=0.10,
        beside=("given_box_diagonal", "given_box_size"),
        order=("frontal",),
        faces=4386,
    ),
    # ---- 106 points ----
    "lapa": Protocol(
        title="LaPa, test faces",
        folder="lapa",
        read=_official("lapa", "test"),
        normalizer="inter_ocular",
        threshold=0.08,
        beside=("inter_pupil", "box_size"),
        boxes="jitter",
        faces=2000,
    ),
    "jd106": Protocol(
        title="JD-landmark, 106 points, by the box that came with the face",
        folder="jd106",
        read=_official("jd106", "test"),
        normalizer="given_box_size",
        threshold=0.08,
    ),
    # ---- validation parts of training sets: where this project's own figures come from ----
    "300w-val": Protocol(
        title="AFW and HELEN training pictures of 300-W that val.txt keeps for validation",
        folder="300w",
        read=partial(ibug.read, split="val"),
        normalizer="inter_ocular",
        threshold=0.08,
        beside=("inter_pupil", "box_size"),
        boxes="jitter",
    ),
    "ytf68-val": Protocol(
        title="YouTube Faces frames of people whom the training set does not hold",
        folder="ytf68",
        read=partial(tables.read, split="val"),
        normalizer="inter_ocular",
        threshold=0.08,
        beside=("inter_pupil", "box_size"),
        boxes="jitter",
    ),
    # 3DDFA divides by sqrt(w * h) of the box around 68 fitted points, in a file that was never
    # published. Its crops were made sqrt(2) times as wide as the longer side of that box, so 120
    # pixels stand for a box of 120 / sqrt(2) = 84.9, which is the sample's box: the headline
    # figure, as others who lack the file report it; on AFLW2000-3D it is 2 to 5 % longer than
    # the true one. The tight box around the visible points alone is beside it: it is shorter,
    # most of all for faces of which little is seen, and its figures are about a fifth higher.
    "aflw21-val": Protocol(
        title="AFLW crops, evenly over yaw: visible points of 21, by the crop's own box",
        folder="aflw21",
        read=partial(tables.read, split="val"),
        normalizer="given_box_size",
        threshold=0.08,
        beside=("box_size",),
        boxes="jitter",
        bins=YAW,
        subsets=_yaw_bin,
    ),
}
