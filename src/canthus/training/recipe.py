"""A training, written down: what to learn, from which faces, how."""

from dataclasses import field
from itertools import pairwise
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval

from canthus.config import config
from canthus.faces.scheme_files import scheme_from
from canthus.models import ModelConfig

Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Interval(ge=0, le=1)]
Count = Annotated[int, Gt(0)]
Factor = Annotated[float, Interval(gt=0, le=1)]


@config
class DataConfig:
    """One data set of a training.

    Attributes:
        layout: how it lies on disk: "ibug" (pictures and `.pts`), "table" (a CSV), "records" (a
            `.rec`), or 300W-LP as published, with the outline that is seen ("300w-lp") or the
            model's projected points ("300w-lp-3d"); or WFLW as published ("wflw"). Or a file or
            folder that `canthus convert` reads, in the recipe's scheme ("annotations").
        root: its folder, or such a file, below the folder that the training is given.
        group: of "annotations": a regular expression that finds in a picture's name whose face it
            is, or which photo: one group is never both learned and tested on. By default each
            picture is its own.
        repeat: how often an epoch shows each of its faces; 0.5 shows every second, in turn.
        balance: how often an epoch shows faces of rare shapes at most, such as profiles, instead
            of once; 1: all alike.
        labels: a table that `canthus teach` wrote about its training faces, whose landmarks are
            learned in place of its own. Nothing is measured or calibrated on such faces.
        fits: a table that `canthus fit` wrote about its training faces: a face model's pose and
            shape in each, and its landmarks in place of the faces' own. A path, or `inside`: the
            data set's own folder has it, as `fits.csv`.
    """

    layout: Literal["300w-lp", "300w-lp-3d", "annotations", "ibug", "records", "table", "wflw"]
    root: str
    group: str | None = None
    split: Literal["train", "all"] = "train"
    repeat: Positive = 1.0
    balance: Count = 1
    labels: str | None = None
    fits: str | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and self.fits is not None:
            raise ValueError("labels and fits: expected one of them")
        if self.group is not None and self.layout != "annotations":
            raise ValueError(f"group: expected layout annotations with it, found {self.layout}")


@config
class CropConfig:
    """The square that the network sees.

    Attributes:
        size: of its side, in pixels.
        scale: its side over the longer side of the tight landmark box.
    """

    size: Count = 128
    scale: Positive = 1.3


@config
class AugmentConfig:
    """How much a training face is changed before each look; 0 switches a change off.

    Attributes:
        roll_deg: standard deviation of the turn.
        wild_roll_deg: limit of the turn of the faces that are cut wildly.
        shift: standard deviation of the crop's center, in longer sides of the tight box.
        scale: standard deviation of the logarithm of the crop's side.
        wild: share of faces cut wildly, as a poor detector would.
        mirror: share of mirrored faces.
        bend: how far a face is bent, as if it were somebody else's: by up to this standard
            deviation, in sides of the crop, of the places of a coarse grid.
        light: share of faces of which a half lies in shadow, more or less.
        color: strength of the changes of tone and color.
        gray: share of gray faces.
        degrade: share of faces each of blur, motion, low resolution, JPEG and noise touches.
        occlude: share of faces with patches over them.
        cut: share of faces of which the picture ends within the face.
        reflect: share of faces around which the picture goes on as in a mirror where it ends, so
            that a wide crop's black edges do not say where the face is.
    """

    roll_deg: NotNegative = 14.0
    wild_roll_deg: NotNegative = 50.0
    shift: NotNegative = 0.05
    scale: NotNegative = 0.08
    wild: Share = 0.15
    mirror: Share = 0.5
    bend: Annotated[float, Interval(ge=0, le=0.04)] = 0.0  # beyond that pictures would fold
    light: Share = 0.0
    color: NotNegative = 1.0
    gray: Share = 0.1
    degrade: Share = 0.12
    occlude: Share = 0.3
    cut: Share = 0.05
    reflect: Share = 0.0


@config
class ScheduleConfig:
    """The optimizer and how long it runs.

    Attributes:
        optimizer: "adamw", or "sgd" with a momentum of 0.9.
        learning_rate: at its highest, after `warmup` steps.
        decay: how it falls then. "cosine": to a hundredth, having risen in a line before. "steps":
            to `factor` of itself at each milestone, having been that part of its highest before.
        milestones: with "steps" alone: shares of `steps`, such as 0.6 and 0.8.
        factor: with "steps" alone.
        ema: decay of the moving average of the weights, which is what is kept.
        accumulate: parts that a batch goes through the network in, so that it needs less memory.
        hold_out: share of the training groups kept apart, to choose and to calibrate on.
        log_every: steps between two lines of the log; checkpoints and tests fall on such steps.
    """

    steps: Count
    optimizer: Literal["adamw", "sgd"] = "adamw"
    batch_size: Count = 32
    accumulate: Count = 1
    learning_rate: Positive = 1.5e-3
    warmup: Annotated[int, Ge(0)] = 500
    decay: Literal["cosine", "steps"] = "cosine"
    milestones: tuple[float, ...] = ()
    factor: Factor = 0.2
    weight_decay: NotNegative = 0.02
    clip: Positive = 5.0
    ema: Share = 0.999
    precision: Literal["bf16", "fp32"] = "bf16"
    seed: Annotated[int, Ge(0)] = 0
    hold_out: Share = 0.03
    log_every: Count = 100
    save_every: Count = 1000
    test_every: Count = 2000

    def __post_init__(self) -> None:
        if (self.decay == "steps") != bool(self.milestones):
            raise ValueError(
                "milestones: expected some for decay steps and none for cosine, found "
                f"{list(self.milestones)} for {self.decay}"
            )
        places = (0.0, *self.milestones, 1.0)
        if not all(before < after for before, after in pairwise(places)):
            raise ValueError(
                "milestones: expected shares of the steps between 0 and 1, each larger "
                f"than the one before, found {list(self.milestones)}"
            )


@config
class Recipe:
    """A training: model, faces, crop, changes, schedule; and the terms of what comes out.

    Attributes:
        scheme: of the landmarks that the model answers, a name or a scheme file; the data may be
            in others.
        start: the weights to go on from: a file of an earlier training of the same model, or a
            model inside the package, by its name. Of several, the mean of their weights.
        fresh: the parts of the model that begin anew all the same, by their names.
        graft: the parts of the model that begin as a whole model of another family, by their
            names, and which: as in `start`.
    """

    name: str
    scheme: str = "68"
    model: ModelConfig
    data: tuple[DataConfig, ...]
    schedule: ScheduleConfig
    crop: CropConfig = CropConfig()
    augment: AugmentConfig = AugmentConfig()
    license: str = "as the terms of the training data allow"
    start: str | tuple[str, ...] | None = None
    fresh: tuple[str, ...] = ()
    graft: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted = scheme_from(self.scheme).num_landmarks
        if self.model.num_landmarks != wanted:
            raise ValueError(
                f"scheme {self.scheme} has {wanted} landmarks, the model "
                f"{self.model.num_landmarks}; set both alike"
            )
        if self.crop.size % (smallest := self.model.granularity):
            raise ValueError(
                f"crop.size should be a multiple of {smallest} for this model, "
                f"found {self.crop.size}"
            )
