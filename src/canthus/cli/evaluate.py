"""`canthus evaluate MODEL|PREDICTIONS BENCHMARK --root ROOT`: how wrong, and on which faces."""

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from canthus import __version__
from canthus.cli import outputs
from canthus.cli.options import Flip, Once, Parity, Reinitialize, asked_for, asked_mode
from canthus.cli.progress import track
from canthus.datasets.formats import FORMATS, detect
from canthus.errors import DatasetError
from canthus.evaluation import (
    BENCHMARKS,
    Benchmark,
    Report,
    answers,
    archives,
    evaluate_predictions,
    evaluate_rows,
    open_benchmark,
    to_text,
)
from canthus.evaluation import evaluate as score
from canthus.evaluation.comparison import on_same_faces, read_scored
from canthus.evaluation.conditions import with_blur
from canthus.evaluation.predictions import Predictions
from canthus.evaluation.protocols import Boxes
from canthus.evaluation.quitting import tradeoffs
from canthus.evaluation.scoring import weights_from
from canthus.faces import SCHEMES, LandmarkScheme
from canthus.faces.scheme_files import scheme_from
from canthus.metrics import NORMALIZERS
from canthus.runtime import Aligner, weights
from canthus.storage import write_whole

ARCHIVE = ".npz"
LINES = (".jsonl", ".ndjson", ".json")
REPORT, TEXT, PAGE = "report.json", "report.txt", "report.html"

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|PREDICTIONS",
        help="A model's name or weights file, or predictions: .npz, .jsonl, or the folder that "
        "`canthus align --out` wrote.",
    ),
]
Name = Annotated[
    str | None,
    typer.Argument(
        help="One of `canthus datasets --benchmarks`, or your own annotations, in a format that "
        "`canthus convert` reads; not needed for a file that has its truth."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option("--root", "--data", help="The data set's folder, or the one that holds it."),
]
Whose = Annotated[
    Boxes | None,
    typer.Option(help="Whose: the data set's, those moved at random, or the detector's."),
]
Scheme = Annotated[str | None, typer.Option(help="Of a file's points: a name or a scheme file.")]
Normalizer = Annotated[str | None, typer.Option(help="What divides the errors.")]
Threshold = Annotated[
    float | None, typer.Option(min=1e-6, max=10, help="Above it a face has failed, as 0.08.")
]
VisibleOnly = Annotated[
    bool, typer.Option("--visible-only", help="Take hidden landmarks as unknown.")
]
Worst = Annotated[int, typer.Option(min=0, help="Show so many worst faces on the page.")]
Pictures = Annotated[
    bool, typer.Option("--pictures/--no-pictures", help="Put pictures of faces on the page.")
]
Against = Annotated[
    list[Path] | None, typer.Option(help="Another report.json, whose curve is drawn too.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for report.json, .txt and .html.")]


@dataclass(frozen=True)
class _Asked:
    """What the command line says of the faces, and how they are scored."""

    benchmark: str | None
    root: Path | None
    scheme: str | None
    normalizer: str | None
    threshold: float | None
    visible_only: bool


def evaluate(
    model: Model,
    benchmark: Name = None,
    root: Root = None,
    boxes: Whose = None,
    scheme: Scheme = None,
    normalizer: Normalizer = None,
    threshold: Threshold = None,
    visible_only: VisibleOnly = False,
    out: Out = None,
    worst: Worst = 20,
    pictures: Pictures = True,
    against: Against = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    once: Once = False,
    reinitialize: Reinitialize = False,
    parity: Parity = False,
    flip: Flip = False,
    seed: Annotated[int, typer.Option(help="Of the random boxes.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Cores for the network.")] = 1,
) -> None:
    """Measure how wrong a model, or a file of predictions, is on annotated faces."""
    asked = _Asked(benchmark, root, scheme, normalizer, threshold, visible_only)
    _check(asked)
    mode = asked_mode(once=once, reinitialize=reinitialize, parity=parity)
    from_file = _is_predictions(model)  # before `out` is made, which may have that name
    if from_file:
        _refuse_idle({"--boxes": boxes, f"--{mode}": mode, "--flip": flip})
    page = None if out is None else _Page(out, worst, pictures, against or [])
    if from_file:
        report = _of_predictions(Path(model), asked)
    else:
        faces = _benchmark(asked)
        aligner = asked_for(model, mode, device=device, threads=threads, flip=flip)
        report = _of_model(aligner, faces, boxes, seed)
    report = replace(report, command=shlex.join(["canthus", *sys.argv[1:]]), version=__version__)
    print(report.to_json() if json else to_text(report))
    if page is not None:
        page.write(report)


def _refuse_idle(given: Mapping[str, object]) -> None:
    """Refuse options that predictions have no use for."""
    for hint, value in given.items():
        if value:
            raise typer.BadParameter("only a model looks at faces", param_hint=hint)


class _Page:
    """The folder of a report, checked before the work."""

    def __init__(self, out: Path, worst: int, pictures: bool, against: list[Path]) -> None:
        from canthus.evaluation import page, pages  # what they need comes with an extra

        self._render, self._curve_of = page.render, pages.curve_of
        self._out, self._worst, self._pictures = out, worst, pictures
        self._others = [read_scored(path) for path in against]
        outputs.prepare(out)

    def write(self, report: Report) -> None:
        """Write the report as JSON, as text and as a page."""
        outputs.write_json(self._out / REPORT, report.to_plain())
        write_whole(self._out / TEXT, f"{to_text(report)}\n".encode())
        on_same_faces(report, self._others)
        curves = [self._curve_of(other) for other in self._others]
        known = with_blur(report)
        html = self._render(known, against=curves, worst=self._worst, pictures=self._pictures)
        write_whole(self._out / PAGE, html.encode())
        print(f"wrote {REPORT}, {TEXT}, {PAGE} into {self._out}", file=sys.stderr)


def _check(asked: _Asked) -> None:
    """Refuse names that are not known, before any work."""
    theirs = scheme_from(asked.scheme).normalizers if asked.scheme else ()
    known = {
        "BENCHMARK": (asked.benchmark, BENCHMARKS),
        "--normalizer": (asked.normalizer, tuple(dict.fromkeys((*NORMALIZERS, *theirs)))),
    }
    for hint, (name, names) in known.items():
        own = hint == "BENCHMARK" and name is not None and Path(name).exists()
        if name is not None and name not in names and not own:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(names)}", param_hint=hint)


def _is_predictions(model: str) -> bool:
    """Whether a file or folder is meant; the name of a model inside never is one."""
    if model in (*weights.names(), *weights.ALIASES):
        return False
    return Path(model).suffix.lower() in (ARCHIVE, *LINES) or Path(model).is_dir()


def _benchmark(asked: _Asked) -> Benchmark:
    """The benchmark asked for, from disk, scored as asked."""
    if asked.benchmark is None:
        raise typer.BadParameter(f"needed; one of {', '.join(BENCHMARKS)}", param_hint="BENCHMARK")
    if asked.benchmark not in BENCHMARKS:
        return _own(Path(asked.benchmark), asked)
    if asked.root is None:
        raise typer.BadParameter("needed: the folder of the data set", param_hint="--root")
    faces = open_benchmark(asked.benchmark, asked.root)
    changes = {"normalizer": asked.normalizer, "threshold": asked.threshold}
    wanted: dict[str, object] = {name: v for name, v in changes.items() if v is not None}
    wanted |= {"visible_only": True} if asked.visible_only else {}
    if all(getattr(faces, name) == value for name, value in wanted.items()):
        return faces
    note = f"Not the benchmark's own measure: {faces.normalizer}, failed above {faces.threshold:g}."
    return replace(faces, **wanted, notes=(*faces.notes, note))  # type: ignore[arg-type]


def _of_model(aligner: Aligner, faces: Benchmark, boxes: Boxes | None, seed: int) -> Report:
    """The report of a model, in the boxes asked for or else the benchmark's own."""
    manifest = aligner.manifest
    try:
        weights_from(manifest.scheme, faces.scheme)
    except ValueError as error:
        raise DatasetError(f"{manifest.name} on {faces.name}: {error}") from None
    whose = boxes or (BENCHMARKS[faces.name].boxes if faces.name in BENCHMARKS else "jitter")
    shown = partial(track, what="faces")
    report = score(aligner, faces, boxes=whose, seed=seed, track=shown)
    quitting = tradeoffs(aligner, faces, boxes=whose, seed=seed, track=shown)
    return replace(report, model=manifest.name, quitting=quitting)


def _own(path: Path, asked: _Asked) -> Benchmark:
    """Somebody's own annotations, scored as asked."""
    if asked.scheme is None:
        raise typer.BadParameter("needed: what the annotated points are", param_hint="--scheme")
    samples = FORMATS[detect(path)].read(path, scheme_from(asked.scheme))
    measure = _measure(replace(asked, benchmark=None))
    return Benchmark(
        name=path.stem,
        title=f"the faces of {path.name}",
        samples=tuple(samples),
        normalizer=measure.normalizer,
        threshold=measure.threshold,
        visible_only=measure.visible_only,
    )


def _of_predictions(path: Path, asked: _Asked) -> Report:
    """The report of a file's predictions, against a data set's truth or its own."""
    if path.suffix.lower() != ARCHIVE:
        predictions = answers.read(path)
        return _scored(evaluate_predictions, predictions, _benchmark(asked))
    archive = archives.read(path)
    if asked.benchmark is None and not archive.has_truth:
        raise DatasetError(
            f"{path}: expected an array 'truth', or the BENCHMARK whose faces these are; found "
            "neither"
        )
    elsewhere = asked.benchmark is not None and asked.benchmark not in BENCHMARKS
    if asked.root is not None or elsewhere or not archive.has_truth:
        faces = _benchmark(asked)
        scheme = _scheme(asked, archive) if asked.scheme else faces.scheme
        return _scored(evaluate_predictions, archive.predictions(scheme.name), faces)
    scheme, measure = _scheme(asked, archive), _measure(asked)
    faces = archives.benchmark_of(archive, scheme, measure)
    return _scored(evaluate_rows, archive.predictions(scheme.name), faces)


def _scored(
    how: Callable[[Predictions, Benchmark], Report], predictions: Predictions, faces: Benchmark
) -> Report:
    try:
        report = how(predictions, faces)
    except ValueError as error:  # no way between the schemes
        raise DatasetError(f"{predictions.where}: {error}") from None
    return replace(report, model=predictions.model or predictions.where.stem)


def _scheme(asked: _Asked, archive: archives.Archive) -> LandmarkScheme:
    """The scheme of a file's points: as asked, or the only known one of so many points."""
    count = archive.numbers["prediction"].shape[1]
    if asked.scheme is not None:
        return scheme_from(asked.scheme)
    fitting = [scheme for scheme in SCHEMES.values() if scheme.num_landmarks == count]
    if len(fitting) == 1:
        return fitting[0]
    raise typer.BadParameter(f"needed: of which scheme are {count} points?", param_hint="--scheme")


def _measure(asked: _Asked) -> archives.Measure:
    """How to score a file that has its own truth: as asked, or as the benchmark named does."""
    protocol = BENCHMARKS[asked.benchmark] if asked.benchmark else None
    normalizer = asked.normalizer or (protocol.normalizer if protocol else None)
    threshold = asked.threshold or (protocol.threshold if protocol else None)
    if normalizer is None or threshold is None:
        raise typer.BadParameter(
            "a figure means nothing without: give --normalizer and --threshold, or a BENCHMARK "
            "that names them",
            param_hint="--normalizer, --threshold",
        )
    beside = protocol.beside if protocol else ()
    return archives.Measure(normalizer, threshold, beside, asked.visible_only)
