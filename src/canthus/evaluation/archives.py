"""Predictions as arrays in an `.npz` file, which may carry their own truth.

| array | shape | meaning |
| --- | --- | --- |
| image | (N,) | the picture of each face, by name or number |
| prediction | (N, L, 2 or 3) | pixels; a row of NaN is a point that was not found |
| truth | (N, L, 2 or 3) | pixels; a row of NaN is a point that is not known |
| subset | (N,) or (N, S) | names; several in one text stand between `;`, `,` or a bar |
| box_xywh | (N, 4) | the box that came with each face: corner, width, height; NaN or 0 for none |
| visible | (N, L) | flags, 0 or 1: which landmarks are to be seen |
| yaw_deg | (N,) | how far the head is turned; NaN where it is not known |
| length | (N,) | what divides the errors of a face with normalizer `given`, in pixels |
| group | (N,) | whose face it is, by name or number; intervals are then made over people |
| scores | (N, L) | of the predicted points, in [0, 1] |
| pose_deg | (N, 3) | predicted pitch, yaw and roll; NaN where there is none |
| pose_truth_deg | (N, 3) | the true ones; also `yaw_deg`, if that is not there |

`prediction` must be there, and `image` unless the truth is: such faces are called by their
number. A prediction is of the face whose truth is in the same row. The error is taken in the
plane of the picture: a third coordinate is left out, and the report says so.
"""

import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import Benchmark, subsets_of
from canthus.evaluation.predictions import Predictions
from canthus.faces import Landmarks, LandmarkScheme, Pose
from canthus.geometry import Box
from canthus.metrics import yaw_bins

Array = NDArray[np.float64]
Text = NDArray[np.str_]

TEXTS = ("image", "subset", "group")
NUMBERS = (
    "prediction",
    "truth",
    "box_xywh",
    "visible",
    "yaw_deg",
    "length",
    "scores",
    "pose_deg",
    "pose_truth_deg",
)
SEPARATORS = re.compile("[;,|]")  # between the names of several subsets
UNKNOWN_IS_FINE = (
    "prediction",
    "truth",
    "box_xywh",
    "yaw_deg",
    "scores",
    "pose_deg",
    "pose_truth_deg",
)
BLANKS = (0.0, -1.0)  # both coordinates of a landmark that nobody marked, in many files
SEEN = 0.5  # a flag above is set
MOST_BYTES = 8 << 30  # an archive that claims more is not unpacked
# What 300-W calls the parts of its public test set; printed where a file names the parts.
UNIONS = {"common": ("helen", "lfpw"), "challenging": ("ibug",)}
YAW = ("yaw 0-30", "yaw 30-60", "yaw 60-90")


@dataclass(frozen=True, eq=False)
class Archive:
    """The arrays of a file, checked against each other.

    Attributes:
        where: the file.
        texts: those of words.
        numbers: those of numbers, in float64.
        unknown: names of arrays that mean nothing here, and were not read.
        blanks: how many true landmarks stand where files put those that nobody marked.
    """

    where: Path
    texts: Mapping[str, Text]
    numbers: Mapping[str, Array]
    unknown: tuple[str, ...]
    blanks: int = 0

    @property
    def has_truth(self) -> bool:
        """Whether it can be scored without a data set."""
        return "truth" in self.numbers

    def predictions(self, scheme: str = "") -> Predictions:
        """What was found, as a benchmark can be asked for it."""
        return Predictions(
            where=self.where,
            images=tuple(self.texts["image"].tolist()),
            points=self.numbers["prediction"][:, :, :2],
            scheme=scheme,
            scores=self.numbers.get("scores"),
            poses=self.numbers.get("pose_deg"),
        )


@dataclass(frozen=True)
class Measure:
    """What divides errors, above which a face has failed, and which landmarks count."""

    normalizer: str
    threshold: float
    beside: tuple[str, ...] = ()
    visible_only: bool = False


def read(path: Path) -> Archive:
    """Read an archive; nothing in it is executed.

    Raises:
        DatasetError: naming the array that is missing, not of its shape, or holds what it must
            not.
    """
    arrays, unknown = _arrays(path)
    if "truth" in arrays and "image" not in arrays:
        arrays["image"] = np.array(
            [f"face {i}" for i in range(len(np.atleast_1d(arrays["truth"])))]
        )
    for name in ("image", "prediction"):
        if name not in arrays:
            raise DatasetError(
                f"{path}: expected an array {name!r}, found "
                f"{', '.join(sorted([*arrays, *unknown])) or 'none'}"
            )
    texts = {name: _words(arrays[name], name, path) for name in TEXTS if name in arrays}
    numbers = {name: _floats(arrays[name], name, path) for name in NUMBERS if name in arrays}
    pose = numbers.get("pose_truth_deg", np.empty(0))
    if pose.ndim == 2 and pose.shape[1] == 3:
        numbers.setdefault("yaw_deg", pose[:, 1])
    archive = Archive(path, texts, numbers, unknown)
    _check(archive)
    return archive if not archive.has_truth else _without_blanks(archive)


def benchmark_of(
    archive: Archive, scheme: LandmarkScheme, measure: Measure, *, name: str = "", title: str = ""
) -> Benchmark:
    """The benchmark that a file is by itself: its own truth, subsets and boxes.

    Args:
        archive: with a truth.
        scheme: of truth and prediction.
        measure: how errors are scored.
        name: what to call it; the file's name by default.
        title: what is scored, in words.

    Raises:
        DatasetError: if the truth is not of that scheme, a face has not two known points, or the
            file lacks what the normalizer divides by.
    """
    truth, where = archive.numbers["truth"], archive.where
    if truth.shape[1] != scheme.num_landmarks:
        raise DatasetError(
            f"{where}: expected truth of the {scheme.num_landmarks} points of scheme "
            f"{scheme.name}, found {truth.shape[1]}"
        )
    if lacking := _lacking(archive, measure.normalizer):
        raise DatasetError(f"{where}: expected {lacking}")
    not_beside = {name: why for name in measure.beside if (why := _lacking(archive, name))}
    names = _subset_names(archive)
    bins = YAW if "yaw_deg" in archive.numbers else ()
    return Benchmark(
        name=name or where.stem,
        title=title or f"the faces of {where.name}, against its own truth",
        samples=tuple(_samples(archive, scheme)),
        normalizer=measure.normalizer,
        threshold=measure.threshold,
        beside=tuple(name for name in measure.beside if name not in not_beside),
        subsets={**subsets_of(names), **_unions(names)},
        bins=bins,
        points=truth[:, :, :2],
        given=archive.numbers.get("length"),
        visible_only=measure.visible_only,
        notes=(*_notes(archive), *(f"Not beside: expected {w}." for w in not_beside.values())),
    )


def _arrays(path: Path) -> tuple[dict[str, NDArray[np.generic]], tuple[str, ...]]:
    """The arrays that mean something here, and the names of the others."""
    arrays: dict[str, NDArray[np.generic]] = {}
    name = ""
    try:
        with zipfile.ZipFile(path) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > MOST_BYTES:
            raise DatasetError(f"{path}: expected {MOST_BYTES} bytes at most, found {size}")
        with np.load(path, allow_pickle=False) as file:
            unknown = tuple(sorted(set(file.files) - {*TEXTS, *NUMBERS}))
            for name in (*TEXTS, *NUMBERS):
                if name in file.files:
                    arrays[name] = np.asarray(file[name])
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(_unreadable(path, name, error)) from None
    return arrays, unknown


def _unreadable(path: Path, name: str, error: Exception) -> str:
    if "allow_pickle" in str(error) and name:
        kind = "texts, as of array.astype(str)" if name in TEXTS else "numbers"
        return f"{path}: {name}: expected {kind}, found pickled objects, which are not unpacked"
    return f"{path}: cannot be read as an .npz of plain arrays: {error}"


def _words(array: NDArray[np.generic], name: str, path: Path) -> Text:
    if array.dtype.kind == "S":
        return np.char.decode(array.astype(np.bytes_), "utf-8", "replace")
    if array.dtype.kind not in "Uiu":  # a number is a name too
        raise DatasetError(f"{path}: {name}: expected texts or integers, found {array.dtype}")
    return array.astype(np.str_)


def _floats(array: NDArray[np.generic], name: str, path: Path) -> Array:
    if array.dtype.kind not in "fiub":
        raise DatasetError(f"{path}: {name}: expected numbers, found {array.dtype}")
    return array.astype(np.float64, copy=False)


def _check(archive: Archive) -> None:
    """Every array is of the shape it should have, and holds what it may."""
    _check_shapes(archive)
    _check_finite(archive)
    flags = archive.numbers.get("visible", np.zeros(1))
    if flags.min() < 0 or flags.max() > 1:
        raise DatasetError(
            f"{archive.where}: visible: expected flags from 0 (hidden) to 1, found "
            f"{flags.min():g} to {flags.max():g}; say which mean visible, as with array == 2"
        )


def _check_shapes(archive: Archive) -> None:
    count, points = archive.texts["image"].size, archive.numbers["prediction"].shape
    if not count or len(points) != 3:
        raise DatasetError(
            f"{archive.where}: prediction: expected shape (N, L, 2) or (N, L, 3), for N faces of L "
            f"points, found {points} for {count} images; a flat one needs a reshape"
        )
    landmarks = points[1]
    wanted = {
        "image": ((count,),),
        "subset": ((count,), (count, *archive.texts.get("subset", np.empty((0, 0))).shape[1:2])),
        "group": ((count,),),
        "prediction": ((count, landmarks, 2), (count, landmarks, 3)),
        "truth": ((count, landmarks, 2), (count, landmarks, 3)),
        "box_xywh": ((count, 4),),
        "visible": ((count, landmarks),),
        "yaw_deg": ((count,),),
        "length": ((count,),),
        "scores": ((count, landmarks),),
        "pose_deg": ((count, 3),),
        "pose_truth_deg": ((count, 3),),
    }
    for name, array in {**archive.texts, **archive.numbers}.items():
        if array.shape not in wanted[name] or not array.size:
            raise DatasetError(
                f"{archive.where}: {name}: expected shape {_either(wanted[name])} for {count} "
                f"images, found {array.shape}"
            )


def _check_finite(archive: Archive) -> None:
    for name, numbers in archive.numbers.items():
        unknown_is_fine = name in UNKNOWN_IS_FINE
        bad = np.isinf(numbers) if unknown_is_fine else ~np.isfinite(numbers)
        if bad.any():
            row = int(np.argwhere(bad)[0][0])
            raise DatasetError(
                f"{archive.where}: {name}[{row}]: expected finite numbers"
                f"{' or NaN' if unknown_is_fine else ''}, found {numbers[row][bad[row]]!s:.60}"
            )


def _lacking(archive: Archive, normalizer: str) -> str:
    """What a normalizer of what came with the faces does not find in the file; empty if nothing."""
    if not normalizer.startswith("given"):
        return ""
    needed = "length" if normalizer == "given" else "box_xywh"
    if needed not in archive.numbers:
        there = ", ".join(sorted({*archive.texts, *archive.numbers}))
        return f"an array {needed!r} for normalizer {normalizer}, found {there}"
    if needed == "box_xywh" and (boxless := _boxless(archive)).any():
        return f"a box in {needed}[{boxless.argmax()}] for normalizer {normalizer}, found NaN or 0"
    return ""


def _boxless(archive: Archive) -> NDArray[np.bool_]:
    """Which faces came without a box, (N,): their row is of NaN or of zeros."""
    boxes = archive.numbers.get("box_xywh")
    if boxes is None:
        return np.ones(len(archive.texts["image"]), bool)
    return np.asarray(np.isnan(boxes).all(axis=1) | (boxes == 0).all(axis=1))


def _without_blanks(archive: Archive) -> Archive:
    """Hidden landmarks at (0, 0) or (-1, -1) are not known, whatever the file calls them."""
    truth, visible = archive.numbers["truth"], archive.numbers.get("visible")
    blank = np.isin(truth[:, :, 0], BLANKS) & (truth[:, :, 0] == truth[:, :, 1])
    if visible is not None:
        blank &= visible <= SEEN
    if not blank.any():
        return archive
    known = truth if visible is None else np.where(blank[:, :, None], np.nan, truth)
    return replace(archive, numbers={**archive.numbers, "truth": known}, blanks=int(blank.sum()))


def _either(shapes: Sequence[tuple[int, ...]]) -> str:
    return " or ".join(str(shape) for shape in dict.fromkeys(shapes))


def _samples(archive: Archive, scheme: LandmarkScheme) -> list[Sample]:
    numbers, texts = archive.numbers, archive.texts
    truth, boxless = numbers["truth"], _boxless(archive)
    boxes = numbers.get("box_xywh", np.empty((0, 4)))
    visible = numbers.get("visible")
    yaw, groups = numbers.get("yaw_deg"), texts.get("group")
    tags = _shared(_subset_names(archive))
    samples = []
    for i, image in enumerate(texts["image"].tolist()):
        try:
            box = Box.around(truth[i]) if boxless[i] else Box.from_xywh(*boxes[i].tolist())
            landmarks = Landmarks(truth[i], scheme)
        except ValueError as error:
            raise DatasetError(f"{archive.where}: face {i} ({image}): {error}") from None
        samples.append(
            Sample(
                image=_beside(archive.where, image),
                box=box,
                landmarks=landmarks,
                tags=tags[i],
                group="" if groups is None else str(groups[i]),
                yaw_deg=None if yaw is None or np.isnan(yaw[i]) else float(yaw[i]),
                visible=None if visible is None else visible[i] > SEEN,
                pose=_pose(numbers.get("pose_truth_deg"), i),
                name=image,
            )
        )
    return samples


def _shared(names: Sequence[tuple[str, ...]]) -> list[frozenset[str]]:
    """The names of each face as a set, one for all faces that have the same."""
    sets = {each: frozenset(each) for each in set(names)}
    return [sets[each] for each in names]


def _pose(angles: Array | None, row: int) -> Pose | None:
    if angles is None or not np.isfinite(angles[row]).all():
        return None
    pitch, yaw, roll = angles[row].tolist()
    return Pose(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)


def _beside(where: Path, name: str) -> Path:
    """Where a face's picture is shown from, if it is there: below the file's folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    away = not parts or ".." in parts or PurePosixPath(*parts).is_absolute() or ":" in parts[0]
    return where.parent / (parts[-1] if away and parts else PurePosixPath(*parts))


def _subset_names(archive: Archive) -> list[tuple[str, ...]]:
    """The subsets of each face: those that the file names, and the bin of its yaw."""
    count = len(archive.texts["image"])
    named = archive.texts.get("subset")
    rows = [[]] * count if named is None else named.reshape(count, -1).tolist()
    parts = [[part.strip() for text in row for part in SEPARATORS.split(text)] for row in rows]
    split = [tuple(dict.fromkeys(part for part in row if part)) for row in parts]
    yaw = archive.numbers.get("yaw_deg")
    if yaw is None:
        return split
    bins = yaw_bins(np.nan_to_num(yaw))
    known = np.isfinite(yaw).tolist()
    return [(*each, b) if k else each for each, b, k in zip(split, bins, known, strict=True)]


def _unions(names: Sequence[tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    """The sets that 300-W's protocol makes of its parts, where a file names these parts."""
    there = {name for each in names for name in each}
    return {
        union: tuple(i for i, each in enumerate(names) if set(parts) & set(each))
        for union, parts in UNIONS.items()
        if union not in there and set(parts) <= there
    }


def _notes(archive: Archive) -> tuple[str, ...]:
    notes = []
    if archive.unknown:
        notes.append(f"Arrays that were not used: {', '.join(archive.unknown)}.")
    if max(archive.numbers[name].shape[2] for name in ("truth", "prediction")) == 3:
        notes.append("Errors are in the plane of the picture; the third coordinate is left out.")
    if "box_xywh" in archive.numbers and (count := int(_boxless(archive).sum())):
        notes.append(
            f"{count} faces came without a box: the one around their true landmarks stands for it."
        )
    if archive.blanks:
        told = "visible" in archive.numbers
        what = "hidden and taken as not known" if told else "scored; write NaN for one not known"
        notes.append(f"{archive.blanks} true landmarks at (0, 0) or (-1, -1) are {what}.")
    return tuple(notes)
