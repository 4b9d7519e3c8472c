"""Everything that `canthus benchmark` measures, each as a list of figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from canthus.errors import DatasetError
from canthus.evaluation import recall, speed, stability
from canthus.evaluation.benchmarks import Benchmark, open_benchmark
from canthus.evaluation.evaluate import evaluate
from canthus.evaluation.figures import figures_of
from canthus.evaluation.protocols import BENCHMARKS, VALIDATION
from canthus.images.files import list_images, read_image
from canthus.runtime.manifest import Figure

if TYPE_CHECKING:
    from canthus.detection import Detector
    from canthus.runtime import Aligner

T = TypeVar("T")

PHOTOS = "300w-val"  # where the photos come from that speed and stability are measured on
CENTERED = "aflw2000-sample"  # its pictures show one face each, in their middle
BATCHES = (1, 32)


class Track(Protocol):
    """Yields what it is given, and may tell somebody how far that has come."""

    def __call__(self, items: Sequence[T], what: str) -> Iterable[T]:
        """Yield the items; `what` says in a word what they are."""
        ...


def untracked(items: Sequence[T], what: str) -> Iterable[T]:
    """The items as they are; nobody is told how far they have come."""
    return items


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What to measure with.

    Attributes:
        root: the folder that holds the data sets under their usual names.
        command: that every figure names as its own.
        runs: of whatever is timed.
        track: told of every list of faces that is gone through.
    """

    root: Path
    command: str
    runs: int = 100
    track: Track = untracked

    def accuracy(self, aligner: "Aligner") -> list[Figure]:
        """Errors on each known benchmark, from jittered boxes.

        Raises:
            DatasetError: if a data set is not below the root.
        """
        found = []
        for name in VALIDATION:
            benchmark = self._open(name)
            report = evaluate(aligner, benchmark, track=partial(self.track, what=name))
            found += figures_of(report)
        return [self._figure(f.metric, f.benchmark, f.value) for f in found]

    def speed(self, aligner: "Aligner") -> list[Figure]:
        """What the network takes for a face, alone and in a batch, on one core."""
        size = aligner.manifest.crop_size
        found = []
        for batch in BATCHES:
            timing = speed.time_network(aligner.backend, size, batch=batch, runs=self.runs)
            on = f"network only, batch of {batch}, one core"
            found.append(self._figure("face_ms", on, timing.median_ms / batch))
        return found

    def start(self, photo: Path, model: str = "") -> list[Figure]:
        """A whole `canthus align` of one picture, and an import."""
        runs = max(1, self.runs // 10)
        whole = speed.time_start(photo, model=model, runs=runs)
        imported = speed.time_import(runs=runs)
        on = "canthus align, one picture, whole process"
        return [
            self._figure("start_ms", on, whole.wall.median_ms),
            self._figure("start_peak_mb", on, whole.peak_mb),
            self._figure("import_ms", "import canthus", imported.wall.median_ms),
            self._figure("import_torch_count", "import canthus", float(imported.torch)),
        ]

    def stability(self, aligner: "Aligner") -> list[Figure]:
        """How far landmarks stray when a still photo is shifted."""
        benchmark = self._open(PHOTOS)
        found = []
        for detect, how in ((False, "box follows"), (True, "detector's box")):
            steady = stability.measure(aligner, benchmark, detect=detect)
            on = f"{steady.photos - steady.missed} photos of {PHOTOS} shifted to 4 px, {how}"
            found.append(self._figure(f"stray_rms {benchmark.normalizer}", on, steady.rms))
        return found

    def detector(self, detector: "Detector") -> list[Figure]:
        """What the detector finds, and how long it looks."""
        found = []
        for name in VALIDATION:
            if name.startswith("aflw"):
                continue  # crops around the face leave a detector no room
            benchmark = self._open(name)
            seen = recall.measure(detector, benchmark, partial(self.track, what=name))
            on = f"{name}, {detector.name}"
            found += [
                *(self._figure(f"recall iou {k:g}", on, v) for k, v in seen.recall.items()),
                self._figure("extra_count boxes a picture", on, seen.extra),
                self._figure("center_rms box side", on, seen.center),
                self._figure("scale_std", on, seen.scale),
            ]
        return [*found, *self._centered(detector), self._pace(detector)]

    def photo(self) -> Path:
        """A photo to start with."""
        return self._open(PHOTOS).samples[0].image

    def _centered(self, detector: "Detector") -> list[Figure]:
        folder = self.root / CENTERED
        if not folder.is_dir():
            return []
        pictures = list_images([folder])
        share = recall.share_found(detector, pictures, partial(self.track, what=CENTERED))
        return [self._figure("recall middle", f"{CENTERED}, {detector.name}", share)]

    def _pace(self, detector: "Detector") -> Figure:
        samples = islice(self._open(PHOTOS).samples, 20)
        images = [read_image(sample.image) for sample in samples]
        height = sum(image.shape[0] for image in images) // len(images)
        width = sum(image.shape[1] for image in images) // len(images)
        timing = speed.time_detector(detector, images, runs=self.runs)
        on = f"{detector.name}, pictures of {width} x {height}, one core"
        return self._figure("detector_ms", on, timing.median_ms)

    def _open(self, name: str) -> Benchmark:
        if not (self.root / BENCHMARKS[name].folder).is_dir():
            raise DatasetError(
                f"{self.root}: expected a folder {BENCHMARKS[name].folder} in it, for {name}"
            )
        return open_benchmark(name, self.root)

    def _figure(self, metric: str, on: str, value: float) -> Figure:
        return Figure(metric=metric, benchmark=on, value=value, command=self.command)
