"""Everything that `canthus benchmark` measures, each as a list of figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, TypeVar

from canthus.errors import DatasetError
from canthus.evaluation import (
    clips,
    complexity,
    occlusion,
    peers,
    recall,
    speed,
    stability,
    sweep,
)
from canthus.evaluation.benchmarks import Benchmark, open_benchmark
from canthus.evaluation.evaluate import Aligns, evaluate
from canthus.evaluation.figures import figures_of
from canthus.evaluation.occlusion import Occlusion
from canthus.evaluation.protocols import BENCHMARKS, VALIDATION
from canthus.evaluation.report import ALL
from canthus.faces import scheme_of
from canthus.images.files import list_images, read_image
from canthus.images.video import read_frames
from canthus.runtime import load, weights
from canthus.runtime.manifest import Figure

if TYPE_CHECKING:
    from canthus.detection import Detector
    from canthus.runtime import Aligner

T = TypeVar("T")

PHOTOS = "300w-val"  # where the photos come from that speed and stability are measured on
PEERED = ("300w-val", "ytf68-val")  # whose 68 points other tools have too
CENTERED = "aflw2000-sample"  # its pictures show one face each, in their middle
BATCHES = (1, 32)
SWEPT: Mapping[sweep.Kind, str] = {
    "scale": "box scaled by {:g}",
    "shift": "box shifted by {:g} of its side",
    "roll": "face turned by {:g} degrees",
}
CHANGES: Mapping[str, stability.Change] = {
    **{f"noise of {sigma} gray levels": stability.noisy(sigma) for sigma in (2, 5, 10)},
    **{f"JPEG of quality {q}": stability.compressed(q) for q in (90, 70, 50, 30)},
}
TORCH = ".safetensors"  # of weights that torch runs
TRAINED, STORED = "all that is trained", "layers as the file has them"


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

    def speed(self, model: str, photo: Path | None = None) -> list[Figure]:
        """How large a model is, how long it takes for a face, and a whole start with it.

        Args:
            model: a name or a weights file.
            photo: to start with; a drawn one by default.
        """
        path = weights.find(model)
        return [*self.size(path), *self._face_times(path), *self.start(model, photo)]

    def size(self, path: Path) -> list[Figure]:
        """How many numbers a weights file holds, and how often a face makes it multiply."""
        found = complexity.count(path)
        held = TRAINED if path.suffix.lower() == TORCH else STORED
        return [
            self._figure("parameters_count", held, found.parameters),
            self._figure("multiply_adds_count", "one face, network only", found.multiply_adds),
        ]

    def start(self, model: str, photo: Path | None = None) -> list[Figure]:
        """A whole `canthus align` of one picture, and an import.

        Args:
            model: a name or a weights file.
            photo: the picture; a drawn one by default.
        """
        runs = max(1, self.runs // 10)
        with TemporaryDirectory() as folder:
            picture = speed.drawn_photo(Path(folder)) if photo is None else photo
            whole = speed.time_start(picture, model=model, runs=runs)
        imported = speed.time_import(runs=runs)
        seen = "one drawn picture" if photo is None else "one picture"
        on = f"canthus align, {seen}, whole process"
        return [
            self._figure("start_ms", on, whole.wall.median_ms),
            self._figure("start_peak_mb", on, whole.peak_mb),
            self._figure("import_ms", "import canthus", imported.wall.median_ms),
            self._figure("import_torch_count", "import canthus", float(imported.torch)),
        ]

    def boxes(self, aligner: "Aligner", name: str = PHOTOS, faces: int = 100) -> sweep.Sweep:
        """How much wrong boxes cost on a benchmark's faces, evenly chosen.

        Args:
            aligner: what to measure.
            name: of the benchmark.
            faces: how many.
        """
        told = partial(self.track, what=f"{name}, boxes")
        benchmark = open_benchmark(name, self.root)
        found = sweep.measure(aligner, benchmark, faces=faces, track=told)
        return replace(found, model=aligner.manifest.name)

    def sweep_figures(self, found: sweep.Sweep) -> list[Figure]:
        """The figures of a sweep: error and failures at each setting."""
        return [
            self._figure(metric, f"{found.faces} faces of {found.benchmark}, {where}", value)
            for kind, series in found.series.items()
            for i, setting in enumerate(series.settings)
            for where in (SWEPT[kind].format(setting),)
            for metric, value in (
                (f"nme {found.normalizer}", series.nme[i]),
                (f"failure_rate at {found.threshold:g}", series.failure_rate[i]),
            )
        ]

    def occlusion(
        self, aligner: "Aligner", name: str = PHOTOS, faces: int | None = None
    ) -> Occlusion:
        """How much patches before the faces of a benchmark cost.

        Args:
            aligner: what to measure.
            name: of the benchmark.
            faces: how many, evenly chosen; all by default.
        """
        told = partial(self.track, what=f"{name}, covered")
        benchmark = open_benchmark(name, self.root)
        found = occlusion.measure(aligner, benchmark, faces=faces, track=told)
        return replace(found, model=aligner.manifest.name)

    def occlusion_figures(self, found: Occlusion) -> list[Figure]:
        """The figures of covered faces: error, failures and area at each share that is covered."""
        metric, threshold = f"nme {found.normalizer}", found.threshold
        figures = []
        for i, share in enumerate(found.shares):
            on = f"{found.faces} faces of {found.benchmark}, {100 * share:g} % of the face covered"
            values = [
                (metric, on, found.nme[i]),
                (f"failure_rate at {threshold:g}", on, found.failure_rate[i]),
                (f"auc at {threshold:g}", on, found.auc[i]),
            ]
            if share:
                values += [
                    (metric, f"{on}, hidden landmarks", found.hidden[i]),
                    (metric, f"{on}, seen landmarks", found.seen[i]),
                ]
            figures += [self._figure(*each) for each in values]
        return figures

    def clip(
        self, aligner: "Aligner", path: Path, truth: Path | None = None, scheme: str = "68"
    ) -> list[Figure]:
        """How one face's landmarks tremble in a clip.

        Args:
            aligner: finds the face in each frame anew.
            path: a video file, or a folder of frames.
            truth: an `.npy` or a folder of `.pts` (see `clips.read_truth`).
            scheme: of the truth.
        """
        known = None if truth is None else clips.read_truth(truth)
        found = clips.measure_clip(
            aligner, read_frames(path), truth=known, scheme=scheme_of(scheme)
        )
        on = f"{path.name}, {found.frames} frames, detector's box"
        values = {
            "missed_count": float(found.missed),
            "motion_rms box_size": found.motion,
            "shake_rms box_size": found.shake,
            "nme inter_ocular": found.nme,
            "nmj box_size": found.nmj,
        }
        return [self._figure(name, on, v) for name, v in values.items() if v is not None]

    def stability(self, aligner: "Aligner") -> list[Figure]:
        """How far landmarks stray when a still photo is shifted, gets noise, or is compressed."""
        benchmark = self._open(PHOTOS)
        found = []
        for detect, how in ((False, "box follows"), (True, "detector's box")):
            steady = stability.measure(aligner, benchmark, detect=detect)
            on = f"{steady.photos - steady.missed} photos of {PHOTOS} shifted to 4 px, {how}"
            found.append(self._figure(f"stray_rms {benchmark.normalizer}", on, steady.rms))
        for how, change in CHANGES.items():
            steady = stability.measure_changed(aligner, benchmark, change)
            on = f"{steady.photos - steady.missed} photos of {PHOTOS}, {how}"
            found.append(self._figure(f"stray_rms {benchmark.normalizer}", on, steady.rms))
        return found

    def peers(self, aligner: Aligns) -> list[Figure]:
        """How anybody does on faces of 68 points, as it is and without its offset of conventions.

        Raises:
            DatasetError: if a data set is not below the root.
        """
        found = []
        for name in PEERED:
            benchmark = self._open(name)
            both = peers.measure(aligner, benchmark, track=partial(self.track, what=name))
            where = f"{name}, {both.as_it_is.boxes} boxes"
            for report, on in ((both.as_it_is, where), (both.removed, f"{where}, offset removed")):
                every = report.subsets[ALL]
                found += [
                    self._figure(f"nme {report.normalizer}", on, every.nme),
                    self._figure(f"failure_rate at {report.threshold:g}", on, every.failure_rate),
                ]
            found.append(self._figure("missed_count", where, both.as_it_is.subsets[ALL].missed))
            if both.as_it_is.ms_per_face is not None:
                found.append(self._figure("face_ms", where, both.as_it_is.ms_per_face))
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

    def _face_times(self, path: Path) -> list[Figure]:
        """What the network takes for a face, alone and in a batch, on one core and on all."""
        found = []
        for threads, cores in _cores(path).items():
            aligner = load(path, threads=threads)
            backend, size = aligner.backend, aligner.manifest.crop_size
            for batch in BATCHES:
                timing = speed.time_network(backend, size, batch=batch, runs=self.runs)
                on = f"network only, batch of {batch}, {cores}"
                found.append(self._figure("face_ms", on, timing.median_ms / batch))
        return found

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


def _cores(path: Path) -> dict[int, str]:
    """On how many cores a network is timed, and what a figure calls them.

    Torch takes its number of cores for the whole process, so it is left to it.
    """
    if path.suffix.lower() == TORCH:
        return {1: "cores of torch's choice"}
    every = speed.num_cores()
    return {1: "one core", **({every: f"all {every} cores"} if every > 1 else {})}
