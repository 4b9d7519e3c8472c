"""Whether a copy of a data set is whole: counts, pictures, points. Nothing is repaired."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.catalog import NO_COUNTS
from canthus.datasets.pictures import read_picture
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError, ImageError
from canthus.geometry import Similarity
from canthus.images.drawing import draw_landmarks
from canthus.images.sheets import contact_sheet
from canthus.images.warp import crop

TILE = 240  # pixels of a face on the sheet
VIEW = 1.6  # sides of the face's box that it shows
AWAY = 0.5  # sides of its box that a point may lie outside of the picture, cut off with the face

Place = tuple[Path, int | None]
Track = Callable[[Sequence[Sample]], Iterable[Sample]]


@dataclass(frozen=True)
class SplitReport:
    """What a copy holds of a split.

    Attributes:
        split: its name.
        faces: how many were read.
        official: how many there should be; 0 if nobody says.
        problem: why it cannot be read; empty if it can.
        subsets: by tag, how many of its faces have it, and how many should.
    """

    split: str
    faces: int
    official: int
    problem: str = ""
    subsets: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether it was read, and as many faces as there should be, subsets included."""
        right = all(found == official for found, official in self.subsets.values())
        return not self.problem and self.official in (0, self.faces) and right


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a copy of a data set holds.

    Attributes:
        splits: of each, how many faces.
        pictures: how many pictures were opened.
        unreadable: pictures that cannot be read, and why.
        outside: faces with points far outside of their picture, by name.
        samples: all faces whose picture can be read.
    """

    splits: tuple[SplitReport, ...]
    pictures: int
    unreadable: Mapping[str, str]
    outside: tuple[str, ...]
    samples: tuple[Sample, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is missing or doubtful."""
        return all(s.whole for s in self.splits) and not self.unreadable and not self.outside


def inspect(
    read: Callable[[Path, str], list[Sample]],
    root: Path,
    splits: Mapping[str, int],
    *,
    counts: Mapping[str, Mapping[str, int]] = NO_COUNTS,
    track: Track = iter,
) -> Inspection:
    """Read every split of a copy, and open every picture once.

    Args:
        read: the reader.
        root: the copy.
        splits: their names, and how many faces each should have; 0 if nobody says.
        counts: by split, how many of its faces should have a tag.
        track: yields the samples it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if no split can be read.
    """
    reports, faces = [], dict[tuple[Place, bytes], Sample]()
    for split, official in splits.items():
        try:
            samples = read(root, split)
        except DatasetError as error:
            reports.append(SplitReport(split, 0, official, str(error)))
            continue
        subsets = {
            tag: (sum(tag in sample.tags for sample in samples), wanted)
            for tag, wanted in counts.get(split, {}).items()
        }
        reports.append(SplitReport(split, len(samples), official, subsets=subsets))
        for sample in samples:  # splits may overlap
            faces.setdefault((_place(sample), sample.landmarks.points.tobytes()), sample)
    if all(report.problem for report in reports):
        raise DatasetError(
            reports[0].problem if reports else f"{root}: expected splits, found none"
        )
    return _opened(tuple(reports), sorted(faces.values(), key=_order), track)


def sheet(samples: Sequence[Sample], count: int = 30) -> NDArray[np.uint8]:
    """Faces chosen evenly, with their points drawn, side by side.

    Raises:
        ImageError: if a picture cannot be read.
        ValueError: if there is no sample.
    """
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(count, len(samples))).round())
    picked = [samples[int(i)] for i in chosen]
    names = [(sample.name or sample.image.name)[-36:] for sample in picked]
    return contact_sheet([_tile(sample) for sample in picked], 6, names)


def _opened(reports: tuple[SplitReport, ...], samples: list[Sample], track: Track) -> Inspection:
    unreadable, outside, good = dict[str, str](), list[str](), list[Sample]()
    pictures, last, size = 0, None, (0, 0)
    for sample in track(samples):
        if (place := _place(sample)) != last:  # samples stand in the order of their pictures
            pictures, last, size = pictures + 1, place, _size(sample, unreadable)
        if size == (0, 0):
            continue
        good.append(sample)
        if _leaves(sample, size):
            outside.append(_name(sample))
    return Inspection(reports, pictures, unreadable, tuple(outside), tuple(good))


def _size(sample: Sample, unreadable: dict[str, str]) -> tuple[int, int]:
    """Width and height of a sample's picture; (0, 0), and a line why, if it cannot be read."""
    try:
        height, width = read_picture(sample).shape[:2]
    except (ImageError, DatasetError) as error:
        name = _name(sample)  # another split may have a picture of the same name
        unreadable[str(sample.image) if name in unreadable else name] = str(error)
        return 0, 0
    return width, height


def _leaves(sample: Sample, size: tuple[int, int]) -> bool:
    """Whether a point lies so far outside that it cannot be a part of the face cut off."""
    points = sample.landmarks.points[sample.landmarks.known][:, :2]
    away = AWAY * sample.box.side
    return bool(((points < -away) | (points > np.array(size) - 1 + away)).any())


def _tile(sample: Sample) -> NDArray[np.uint8]:
    to_tile = Similarity.crop(sample.box.scaled(VIEW), TILE)
    tile = crop(read_picture(sample), to_tile, TILE)
    draw_landmarks(tile, sample.landmarks, similarity=to_tile)
    return tile


def _place(sample: Sample) -> Place:
    return sample.image, sample.entry


def _order(sample: Sample) -> tuple[str, int]:
    return str(sample.image), -1 if sample.entry is None else sample.entry


def _name(sample: Sample) -> str:
    return sample.name or str(sample.image)
