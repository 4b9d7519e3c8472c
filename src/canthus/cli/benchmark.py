"""`canthus benchmark`: how wrong, how fast and how steady the models are on this machine."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from canthus import __version__
from canthus.cli import outputs
from canthus.cli.options import Once, Parity, Reinitialize, asked_for, asked_mode
from canthus.cli.outputs import to_line
from canthus.cli.progress import track
from canthus.detection import Mtcnn
from canthus.errors import WeightsError
from canthus.evaluation.figures import Result, results_to_plain, results_to_text
from canthus.evaluation.protocols import BENCHMARKS
from canthus.evaluation.speed import machine
from canthus.evaluation.suite import PHOTOS, Suite
from canthus.evaluation.sweep import SCHEMA, Sweep
from canthus.faces import SCHEMES
from canthus.runtime import Aligner, weights
from canthus.runtime.manifest import Figure
from canthus.storage import write_whole

Part = Literal["speed", "start", "accuracy", "boxes", "stability", "detector", "all"]
Measure = Callable[[str], list[Figure]]  # of a model, by its name or file

# speed has the start
EVERY: tuple[Part, ...] = ("speed", "accuracy", "boxes", "stability", "detector")
LOOKS: tuple[Part, ...] = ("accuracy", "boxes", "stability")  # at faces in boxes
USES: Mapping[str, tuple[Part, ...]] = {
    "--photo": ("speed", "start", "all"),
    "--clip": ("stability", "all"),
    "--truth": ("stability", "all"),
    "--out": ("boxes", "all"),
    "--once": LOOKS,
    "--reinitialize": LOOKS,
    "--parity": LOOKS,
}
SWEEPS, PAGE = "boxes.json", "boxes.html"

Models = Annotated[
    list[str] | None, typer.Option(help="A name or a file; all models inside by default.")
]
Photo = Annotated[Path | None, typer.Option(help="For the cold start; a drawn face by default.")]
On = Annotated[str, typer.Option(help="Boxes: the benchmark whose faces they are drawn about.")]
Faces = Annotated[int, typer.Option(min=1, help="Boxes: how many of its faces.")]
Clip = Annotated[Path | None, typer.Option(help="Stability: a video, or a folder of frames.")]
Truth = Annotated[
    Path | None, typer.Option(help="Of the clip: an .npy (T, L, 2), or a folder of .pts.")
]
Scheme = Annotated[str, typer.Option(help="Of the clip's truth.")]
Out = Annotated[Path | None, typer.Option(help=f"Boxes: folder for {SWEEPS} and {PAGE}.")]


def benchmark(
    part: Annotated[
        Part, typer.Argument(help="What to measure; speed, with a start, needs no data.")
    ] = "all",
    root: Annotated[
        Path, typer.Option("--root", "--data", help="The folder that holds the data sets.")
    ] = Path(),
    model: Models = None,
    photo: Photo = None,
    on: On = PHOTOS,
    faces: Faces = 100,
    clip: Clip = None,
    truth: Truth = None,
    scheme: Scheme = "68",
    out: Out = None,
    once: Once = False,
    reinitialize: Reinitialize = False,
    parity: Parity = False,
    runs: Annotated[int, typer.Option(min=1, help="Of whatever is timed.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure speed, cold start, accuracy and steadiness on this machine."""
    _check(on, scheme)
    given = {"--photo": photo, "--clip": clip, "--truth": truth, "--out": out}
    mode = asked_mode(once=once, reinitialize=reinitialize, parity=parity)
    _refuse_idle(part, given if mode is None else {**given, f"--{mode}": True})
    opened = partial(asked_for, mode=mode)
    command = shlex.join(["canthus", *sys.argv[1:]])
    suite = Suite(root=root, command=command, runs=runs, track=track)
    sweeps = _Sweeps(suite, on, faces, out)
    measures = _measures(suite, photo, sweeps, opened)
    if clip is not None:
        measures["stability"] = lambda name: suite.clip(opened(name), clip, truth, scheme)
    parts = EVERY if part == "all" else (part,)
    results = list(_measured(suite, parts, model or weights.names(), measures, opened))
    if json:
        print(to_line(results_to_plain(results, command=command, machine=machine())))
    else:
        print(results_to_text(results))
        print("\n" + ", ".join(f"{name} {value}" for name, value in machine().items()))
    sweeps.write()


def _check(on: str, scheme: str) -> None:
    """Refuse names that are not known, before any work."""
    for hint, name, names in (("--on", on, BENCHMARKS), ("--scheme", scheme, SCHEMES)):
        if name not in names:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(names)}", param_hint=hint)


def _refuse_idle(part: Part, given: Mapping[str, Path | bool | None]) -> None:
    """Refuse options that nothing would be done with."""
    for hint, value in given.items():
        if value and part not in USES[hint]:
            users = " and ".join(user for user in USES[hint] if user != "all")
            raise typer.BadParameter(f"used by {users} only", param_hint=hint)
    if given["--truth"] is not None and given["--clip"] is None:
        raise typer.BadParameter("needed: the clip of the truth", param_hint="--clip")


class _Sweeps:
    """The sweeps of boxes, a model each, and the folder they are written to."""

    def __init__(self, suite: Suite, on: str, faces: int, out: Path | None) -> None:
        self._suite, self._on, self._faces, self._out = suite, on, faces, out
        self._found: list[Sweep] = []
        if out is not None:
            from canthus.evaluation import pages  # what it needs comes with an extra

            self._page = pages.of_sweeps
            outputs.prepare(out)

    def figures(self, aligner: Aligner) -> list[Figure]:
        """Sweep the boxes of a model."""
        self._found.append(self._suite.boxes(aligner, self._on, self._faces))
        return self._suite.sweep_figures(self._found[-1])

    def write(self) -> None:
        """Write what was swept, if somebody has asked for it."""
        if self._out is None or not self._found:
            return
        command = self._suite.command
        values = {"schema": SCHEMA, "kind": "sweeps", "command": command, "version": __version__}
        sweeps = [sweep.to_plain() for sweep in self._found]
        outputs.write_json(self._out / SWEEPS, {**values, "sweeps": sweeps})
        write_whole(self._out / PAGE, self._page(self._found, command, __version__).encode())
        print(f"wrote {SWEEPS}, {PAGE} into {self._out}", file=sys.stderr)


def _measures(
    suite: Suite, photo: Path | None, sweeps: _Sweeps, opened: Callable[[str], Aligner]
) -> dict[Part, Measure]:
    """How each part measures a model; the detector needs none, so it is not among them."""

    def loaded(measure: Callable[[Aligner], list[Figure]], model: str) -> list[Figure]:
        return measure(opened(model))

    return {
        "speed": partial(suite.speed, photo=photo),
        "start": partial(suite.start, photo=photo),
        "accuracy": partial(loaded, suite.accuracy),
        "boxes": partial(loaded, sweeps.figures),
        "stability": partial(loaded, suite.stability),
    }


def _measured(
    suite: Suite,
    parts: Iterable[Part],
    models: list[str],
    measures: Mapping[Part, Measure],
    opened: Callable[[str], Aligner],
) -> Iterable[Result]:
    """The results of the parts, model by model."""
    asked = [part for part in parts if part in measures]
    if asked and not models:
        raise WeightsError("there is no model inside this package; name one with --model")
    for model in models if asked else ():
        name = opened(model).manifest.name
        for part in asked:
            print(f"{name}: {part}", file=sys.stderr)
            yield Result(name, tuple(measures[part](model)))
    if "detector" in parts:
        yield Result("", tuple(suite.detector(Mtcnn())))
