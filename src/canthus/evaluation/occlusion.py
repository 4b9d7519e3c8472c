"""How much it costs when something is before the face: the error as a patch covers more of it.

A patch is painted over a part of each face, and the landmarks under it are scored apart from the
others: those can only be told from the rest of the face, these show how far the patch misleads.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import Benchmark, evenly, given_boxes
from canthus.evaluation.evaluate import Aligns, Track, collected
from canthus.evaluation.report import Json, plain
from canthus.evaluation.scoring import errors_of, mean_of_found
from canthus.faces import Face
from canthus.geometry import Box, Similarity
from canthus.images.warp import crop
from canthus.metrics import auc, failure_rate, nme, nme_by_visibility

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Picture = NDArray[np.uint8]
Fill = Callable[[int], Picture]

SCHEMA = 1
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4)  # of the tight box's area
LABEL = "part of the face that is covered, %"
LEAST_PIECE = 0.25  # of another picture's shorter side


@dataclass(frozen=True)
class Chance:
    """How often each face is covered anew, and what the draws come from.

    Raises:
        ValueError: if there is no draw, or the seed is below 0.
    """

    draws: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.draws < 1 or self.seed < 0:
            raise ValueError(
                f"expected one draw at least and a seed from 0, found {self.draws} and {self.seed}"
            )


USUAL = Chance()


@dataclass(frozen=True)
class Occlusion:
    """The errors of a model at each covered share, over faces and draws.

    Attributes:
        benchmark: where the faces come from.
        faces: how many of them, evenly chosen.
        draws: how often each was covered anew.
        seed: of the draws, and of the boxes' jitter.
        normalizer: of the errors.
        threshold: of failure rate and area.
        shares: of the face's tight box that is covered.
        nme: mean error over all landmarks of the faces found; NaN if none was.
        hidden: the same of the landmarks under the patch; NaN where there are none.
        seen: the same of the others.
        failure_rate: share above the threshold.
        auc: exact area under the curve up to it.
        model: its name.
    """

    benchmark: str
    faces: int
    draws: int
    seed: int
    normalizer: str
    threshold: float
    shares: tuple[float, ...]
    nme: tuple[float, ...]
    hidden: tuple[float, ...]
    seen: tuple[float, ...]
    failure_rate: tuple[float, ...]
    auc: tuple[float, ...]
    model: str = ""

    def to_plain(self) -> dict[str, Json]:
        """The errors as JSON holds them, with a versioned schema."""
        values = {"schema": SCHEMA, "kind": "occlusion", **asdict(self)}
        return {name: plain(value) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class Patch:
    """What covers a part of a face.

    Attributes:
        share: of the tight box's area that it is made for.
        left: its first column in the picture.
        top: its first row.
        pixels: uint8 RGB (h, w, 3).
    """

    share: float
    left: int
    top: int
    pixels: Picture

    def over(self, image: Picture) -> Picture:
        """The picture (H, W, 3) with the patch on it, as far as it reaches."""
        height, width = self.pixels.shape[:2]
        y0, y1 = np.clip((self.top, self.top + height), 0, image.shape[0]).tolist()
        x0, x1 = np.clip((self.left, self.left + width), 0, image.shape[1]).tolist()
        covered = image.copy()
        there = self.pixels[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
        covered[y0:y1, x0:x1] = there
        return covered

    def hides(self, points: Array) -> Flags:
        """Which points (L, 2) lie under its pixels, (L,)."""
        low = np.array([self.left, self.top]) - 0.5
        high = low + self.pixels.shape[1::-1]
        return np.asarray(((points >= low) & (points < high)).all(axis=1))


def measure(
    aligner: Aligns,
    benchmark: Benchmark,
    *,
    faces: int | None = None,
    chance: Chance = USUAL,
    track: Track = iter,
) -> Occlusion:
    """Cover ever more of some faces.

    A model is given the samples' boxes, jittered as an evaluation does.

    Args:
        aligner: what to measure.
        benchmark: where the faces come from, evenly chosen.
        faces: how many; all by default, or if there are no more.
        chance: of the patches, and of the boxes.
        track: yields the samples it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if a face has no length to divide by, its landmarks span no box, or all faces
            are in one picture.
        ImageError: if a picture cannot be read.
        ValueError: if no face is asked for, or there is no way from the aligner's scheme to the
            benchmark's.
    """
    benchmark.lengths(benchmark.normalizer)  # before the work, so that it fails early
    rows = evenly(benchmark, faces)
    _check(benchmark, rows)
    boxes = given_boxes(benchmark, "jitter", seed=chance.seed) or []
    found: list[list[Face | None]] = []
    hidden: list[list[Flags]] = []
    samples = track([benchmark.samples[row] for row in rows])
    for row, sample in zip(rows, samples, strict=True):
        image, patches = read_picture(sample), list(patches_of(benchmark, row, chance))
        truth = benchmark.truth[row]
        shown = [image, *(patch.over(image) for patch in patches)]
        answered = aligner.many(shown, [[boxes[row]]] * len(shown))
        found.append([next(iter(some), None) for some in answered])
        hidden.append([np.zeros(len(truth), bool), *(patch.hides(truth) for patch in patches)])
    errors = _errors(benchmark, rows, found)
    return _figures(benchmark, rows, chance, (errors, np.array(hidden)))


def patches_of(benchmark: Benchmark, row: int, chance: Chance) -> Iterator[Patch]:
    """The patches of a face: draw by draw, one for each share above 0.

    A patch lies wholly within the tight box where it fits, else as far as it can, to half a pixel.
    The patches of one draw have the same form, lie in the same corner, and show the same: one
    color, a piece of another picture, or noise, which take turns from draw to draw.

    Args:
        benchmark: where the face and the other pictures come from.
        row: of the face; with the seed it is all that the draws depend on.
        chance: how many draws, and their seed.

    Raises:
        DatasetError: if the face's landmarks span no box.
        ImageError: if another picture cannot be read.
    """
    tight = _tight(benchmark, row)
    # the third word keeps it apart from the jitter of the boxes
    generator = np.random.default_rng([chance.seed, row, 1])
    kinds = generator.permutation(3)
    for draw in range(chance.draws):
        ratio = 2 ** generator.uniform(-1, 1)  # of width to height
        right, down = generator.uniform(size=2).tolist()
        fill = (_plain, _piece, _noise)[kinds[draw % 3]](generator, benchmark, row)
        for share in SHARES[1:]:
            area = share * tight.width * tight.height
            width = max(1, round(math.sqrt(area * ratio)))
            height = max(1, round(area / width))
            left = _first(tight.x0, tight.x1, width, right)
            top = _first(tight.y0, tight.y1, height, down)
            yield Patch(share, left, top, fill(max(width, height))[:height, :width])


def _check(benchmark: Benchmark, rows: Sequence[int]) -> None:
    """Make sure that all faces can be covered."""
    for row in rows:
        _tight(benchmark, row)
    if len({_place(sample) for sample in benchmark.samples}) < 2:
        raise DatasetError(
            f"benchmark {benchmark.name}: expected two pictures at least, since pieces of others "
            "cover a face, found one"
        )


def _tight(benchmark: Benchmark, row: int) -> Box:
    """The box around the true landmarks."""
    try:
        return Box.around(benchmark.truth[row])
    except ValueError as error:
        where = f"benchmark {benchmark.name}: {benchmark.picture_names[row]}"
        raise DatasetError(f"{where}: cannot be covered: {error}") from None


def _place(sample: Sample) -> tuple[str, int | None]:
    """Where the picture of a sample is kept."""
    return str(sample.image), sample.entry


def _first(low: float, high: float, length: int, part: float) -> int:
    """The first of so many pixels between two edges, a part of the way that they can go."""
    first, last = sorted((low, high - length))
    return round(first + part * (last - first) + 0.5)


def _plain(generator: np.random.Generator, benchmark: Benchmark, row: int) -> Fill:
    """One color."""
    color = generator.integers(0, 256, 3, np.uint8)
    return lambda size: np.tile(color, (size, size, 1))


def _piece(generator: np.random.Generator, benchmark: Benchmark, row: int) -> Fill:
    """A square piece of another picture."""
    own = _place(benchmark.samples[row])
    others = [sample for sample in benchmark.samples if _place(sample) != own]
    image = read_picture(others[generator.integers(len(others))])
    height, width = image.shape[:2]
    side = generator.uniform(LEAST_PIECE, 1) * min(height, width)
    right, down = (generator.uniform(size=2) * (width - side, height - side) - 0.5).tolist()
    piece = Box.from_xywh(right, down, side, side)
    return lambda size: crop(image, Similarity.crop(piece, size), size)


def _noise(generator: np.random.Generator, benchmark: Benchmark, row: int) -> Fill:
    """A color of its own for each pixel."""
    seed = int(generator.integers(2**32))
    return lambda size: np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def _errors(
    benchmark: Benchmark, rows: Sequence[int], found: Sequence[Sequence[Face | None]]
) -> Array:
    """The errors of the landmarks (faces, cases, L) in pixels, from the answer to each case."""
    samples = tuple(benchmark.samples[row] for row in rows)
    points = benchmark.marked[list(rows)]
    chosen = replace(benchmark, samples=samples, points=points, subsets={}, given=None)
    cases = [errors_of(chosen, collected(case, chosen)) for case in zip(*found, strict=True)]
    return np.stack(cases, axis=1)


def _figures(
    benchmark: Benchmark, rows: Sequence[int], chance: Chance, cases: tuple[Array, Flags]
) -> Occlusion:
    """The figures, from the errors of the landmarks (faces, cases, L) and which are hidden."""
    lengths = benchmark.lengths(benchmark.normalizer)[list(rows)]
    threshold, shares = benchmark.threshold, (0.0, *chance.draws * SHARES[1:])
    faces, apart = [], []
    for share in SHARES:
        held = np.array(shares) == share
        errors, hidden = np.concatenate(cases[0][:, held]), np.concatenate(cases[1][:, held])
        sizes = lengths.repeat(held.sum())
        faces.append(nme(errors, sizes))
        apart.append(nme_by_visibility(errors, sizes, ~hidden))
    return Occlusion(
        benchmark=benchmark.name,
        faces=len(rows),
        draws=chance.draws,
        seed=chance.seed,
        normalizer=benchmark.normalizer,
        threshold=threshold,
        shares=SHARES,
        nme=tuple(mean_of_found(errors) for errors in faces),
        hidden=tuple(each.hidden for each in apart),
        seen=tuple(each.visible for each in apart),
        failure_rate=tuple(failure_rate(errors, threshold) for errors in faces),
        auc=tuple(auc(errors, threshold) for errors in faces),
    )
