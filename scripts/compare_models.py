"""Measure the models inside and write the pages about them: python THIS [DATA] [--model NAME ...].

With DATA, the folder of the data sets, what `reports/models.json` lacks is measured first: model by
model, kept after each, so that a run that was stopped goes on. A model whose file has changed is
measured anew. Times are taken last, of all models by turns, in rounds, so that a busy machine is
fair to all; they are taken anew if one model's are missing. Then, and without DATA at once,
`docs/models.md`, its pictures and a card per model in `docs/models` are written, with the words of
`scripts/models.yaml`.

    python scripts/compare_models.py data
    python scripts/compare_models.py data --model hourglass-fast --out pages --measured fast.json
    python scripts/compare_models.py
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import model_pages as pages
from model_figures import BOXES, COVERED, DATA, Measured, Taken, Times, read

import canthus
from canthus.cli.progress import track
from canthus.errors import CanthusError, WeightsError
from canthus.evaluation import evaluate, open_benchmark, speed
from canthus.evaluation.figures import figures_of
from canthus.evaluation.protocols import VALIDATION
from canthus.evaluation.scoring import weights_from
from canthus.evaluation.suite import BATCHES, PEERED, PHOTOS, Suite
from canthus.export.int8 import export_int8
from canthus.runtime import Aligner, weights
from canthus.runtime.manifest import FLOAT32, INT8, Figure

ROOT = Path(__file__).parents[1]
CALIBRATED = "300w"  # whose training faces choose the ranges of integers
RUNS = {1: 30, 32: 4}  # of a batch, in each round
DIGITS = 6  # of a face's error


def main() -> None:
    """Measure what is missing, then write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", metavar="DATA")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--model", action="append", choices=weights.names())
    parser.add_argument("--measured", type=Path, default=ROOT / "reports" / "models.json")
    parser.add_argument("--peers", type=Path, default=ROOT / "reports/benchmark/peers.json")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    names = asked.model or weights.names()
    try:
        words = pages.read_words(names)
        if asked.root is not None:
            with TemporaryDirectory() as folder:
                bench = Bench(asked.root, Path(folder), asked.measured, asked.rounds)
                bench.measure(names)
        store = read(asked.measured)
        for line in pages.write(store, words, asked.out, peers=asked.peers, where=asked.measured):
            _tell(line)
    except CanthusError as error:
        sys.exit(str(error))


@dataclass(frozen=True)
class Bench:
    """Where data sets are, files on integers go, and figures are kept; and rounds of times."""

    root: Path
    folder: Path
    kept: Path
    rounds: int

    def measure(self, names: Sequence[str]) -> None:
        """Measure what is not yet known of some models, and keep it."""
        store = read(self.kept)
        for name in names:
            known = store.models.get(name)
            if known is None or known.digest != digest(name):
                _tell(name)
                store = replace(store, models={**store.models, name: self.figures(name)})
                store.write(self.kept)
        if any(store.times.digests.get(name) != digest(name) for name in names):
            store = replace(store, times=self.times({name: store.models[name] for name in names}))
            store.write(self.kept)

    def figures(self, name: str) -> Measured:
        """Everything about a model but its times."""
        aligner, found = canthus.load(name), Measured(digest(name), speed.machine())
        self._accuracy(found, name, aligner)
        for on in PEERED:
            _tell(f"{name}: {on}, covered")
            found.figures[f"occlusion {on}"] = self._covered(name, aligner, on)
        _tell(f"{name}: boxes, stability, size")
        found.figures["boxes"] = self._boxes(name, aligner)
        steady = self._suite(f"canthus benchmark stability --root {DATA} --model {name}")
        found.figures["stability"] = tuple(steady.stability(aligner))
        path = weights.find(name)
        file = Figure("file_mb", f"file, {FLOAT32}", path.stat().st_size / 1e6, "canthus models")
        inside = self._suite(f"canthus benchmark speed --model {name}").size(path)
        found.figures["size"] = (file, *inside)
        self._integers(found, name)
        return found

    def _accuracy(self, found: Measured, name: str, aligner: Aligner) -> None:
        """Errors on faces that no training has seen, from jittered boxes."""
        for on in VALIDATION:
            benchmark = open_benchmark(on, self.root)
            try:
                weights_from(aligner.manifest.scheme, benchmark.scheme)
            except ValueError as error:
                found.notes[f"accuracy {on}"] = str(error)
                continue
            report = evaluate(aligner, benchmark, track=partial(track, what=f"{name}, {on}"))
            report = replace(report, command=f"canthus evaluate {name} {on} --root {DATA}")
            found.figures[f"accuracy {on}"] = tuple(figures_of(report))
            found.errors[on] = tuple(round(face.error, DIGITS) for face in report.faces)
            found.threshold[on] = report.threshold

    def _covered(self, name: str, aligner: Aligner, on: str) -> tuple[Figure, ...]:
        """Errors behind patches at each share, and their mean over all shares above 0."""
        command = f"canthus benchmark occlusion --on {on} --root {DATA} --model {name}"
        suite = self._suite(command)
        covered = suite.occlusion(aligner, on)
        mean = sum(covered.nme[1:]) / len(covered.nme[1:])
        where = f"{covered.faces} faces of {on}, {COVERED}"
        every = Figure(f"nme {covered.normalizer}", where, mean, command)
        return (*suite.occlusion_figures(covered), every)

    def _boxes(self, name: str, aligner: Aligner) -> tuple[Figure, ...]:
        """Errors in some of the boxes of a sweep."""
        faces = len(open_benchmark(PHOTOS, self.root).samples)
        suite = self._suite(f"canthus benchmark boxes --faces {faces} --root {DATA} --model {name}")
        figures = suite.sweep_figures(suite.boxes(aligner, PHOTOS, faces))
        return tuple(figure for figure in figures if figure.benchmark.endswith(BOXES))

    def _integers(self, found: Measured, name: str) -> None:
        """Errors and size of the model on 8-bit integers, or why it has none."""
        try:
            small = self.small(name)
        except WeightsError as error:
            found.notes["int8"] = str(error).partition(": ")[2]
            return
        export = f"canthus export {name} --int8 {DATA}/{CALIBRATED} --out {small.name}"
        aligner = canthus.load(small)
        for on in PEERED:
            told = partial(track, what=f"{name} on integers, {on}")
            report = evaluate(aligner, open_benchmark(on, self.root), track=told)
            command = f"{export} && canthus evaluate {small.name} {on} --root {DATA}"
            figures = figures_of(replace(report, command=command))
            found.figures[f"int8 {on}"] = tuple(
                replace(figure, benchmark=f"{figure.benchmark}, {INT8}") for figure in figures
            )
        megabytes = small.stat().st_size / 1e6
        found.figures["int8 size"] = (Figure("file_mb", "file, int8", megabytes, export),)

    def small(self, name: str) -> Path:
        """The model's file on 8-bit integers, made once.

        Raises:
            WeightsError: if the model cannot be put on integers.
        """
        path = self.folder / f"{name}-int8.onnx"
        if not path.exists():
            told = partial(track, what=f"{name}, pictures")
            export_int8(weights.find(name), path, self.root / CALIBRATED, track=told)
        return path

    def times(self, models: Mapping[str, Measured]) -> Times:
        """Times of models that take turns."""
        smalls = {name: self.small(name) for name, m in models.items() if not m.note("int8")}
        photo = speed.drawn_photo(self.folder)
        rounds = []
        for number in range(self.rounds):
            _tell(f"times, round {number + 1} of {self.rounds}")
            rounds.append({name: turn(name, smalls.get(name), photo) for name in models})
        digests = {name: found.digest for name, found in models.items()}
        return Times(digests, speed.machine(), tuple(rounds))

    def _suite(self, command: str) -> Suite:
        return Suite(root=self.root, command=command, track=track)


def digest(name: str) -> str:
    """Of a model's file."""
    return hashlib.sha256(weights.find(name).read_bytes()).hexdigest()


def turn(name: str, small: Path | None, photo: Path) -> dict[str, tuple[Taken, ...]]:
    """The times of one model in one round, by part."""
    path, command = weights.find(name), f"canthus benchmark speed --model {name}"
    found = {"times": network_times(path, FLOAT32, command)}
    if small is not None:
        command = f"canthus benchmark speed --model {small.name}"
        found["int8 times"] = network_times(small, INT8, command)
    start = speed.time_start(photo, model=str(path), runs=1).wall
    on, command = "canthus align, whole process", f"canthus benchmark start --model {name}"
    found["start"] = (Taken("start_ms", on, command, start.median_ms, start.best_ms),)
    return found


def network_times(path: Path, precision: str, command: str) -> tuple[Taken, ...]:
    """Times of a network for a face, on one core, at each size of batch."""
    aligner, found = canthus.load(path, threads=1), []
    for batch in BATCHES:
        side, runs = aligner.manifest.crop_size, RUNS[batch]
        timing = speed.time_network(aligner.backend, side, batch=batch, runs=runs)
        on = f"network only, {precision}, one core, batch of {batch}"
        both = timing.median_ms / batch, timing.best_ms / batch
        found.append(Taken("face_ms", on, command, *both))
    return tuple(found)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
