"""`canthus benchmark`: how wrong, how fast and how steady the models are on this machine."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from canthus import __version__
from canthus.cli import outputs
from canthus.cli.options import Flip, Once, Parity, Reinitialize, asked_for, asked_mode
from canthus.cli.outputs import to_line
from canthus.cli.progress import track
from canthus.detection import Mtcnn
from canthus.errors import WeightsError
from canthus.evaluation.figures import Result, results_to_plain, results_to_text
from canthus.evaluation.occlusion import Occlusion
from canthus.evaluation.peers import PREDICTOR, TASK, Dlib, MediaPipe, Peer
from canthus.evaluation.protocols import BENCHMARKS
from canthus.evaluation.speed import machine
from canthus.evaluation.suite import PHOTOS, Suite
from canthus.evaluation.sweep import SCHEMA, Sweep
from canthus.faces import SCHEMES
from canthus.runtime import Aligner, weights
from canthus.runtime.manifest import Figure
from canthus.storage import write_whole

Part = Literal[
    "speed", "start", "accuracy", "boxes", "occlusion", "stability", "detector", "peers", "all"
]
Measure = Callable[[str], list[Figure]]  # of a model, by its name or file

# speed has the start
EVERY: tuple[Part, ...] = ("speed", "accuracy", "boxes", "occlusion", "stability", "detector")
LOOKS: tuple[Part, ...] = ("accuracy", "boxes", "occlusion", "stability")  # at faces in boxes
USES: Mapping[str, tuple[Part, ...]] = {
    "--photo": ("speed", "start", "all"),
    "--clip": ("stability", "all"),
    "--truth": ("stability", "all"),
    "--out": ("boxes", "occlusion", "all"),
    "--dlib": ("peers",),
    "--mediapipe": ("peers",),
    "--once": LOOKS,
    "--reinitialize": LOOKS,
    "--parity": LOOKS,
    "--flip": LOOKS,
}
FACES = 100  # whose boxes depart
WHEEL = "wheel"  # stands for the models that MediaPipe itself carries

Models = Annotated[
    list[str] | None, typer.Option(help="A name or a file; all models inside by default.")
]
Photo = Annotated[Path | None, typer.Option(help="For the cold start; a drawn face by default.")]
On = Annotated[str, typer.Option(help="Boxes, occlusion: the benchmark of the faces.")]
Faces = Annotated[
    int | None,
    typer.Option(min=1, help=f"How many of its faces; {FACES} for boxes, all for occlusion."),
]
Clip = Annotated[Path | None, typer.Option(help="Stability: a video, or a folder of frames.")]
Truth = Annotated[
    Path | None, typer.Option(help="Of the clip: an .npy (T, L, 2), or a folder of .pts.")
]
Scheme = Annotated[str, typer.Option(help="Of the clip's truth.")]
DlibFile = Annotated[
    Path | None, typer.Option("--dlib", help=f"Peers: dlib's {PREDICTOR}.", metavar="FILE")
]
MediaPipeFile = Annotated[
    Path | None,
    typer.Option(
        "--mediapipe",
        help=f"Peers: MediaPipe's {TASK}; or the word {WHEEL}, for the models in an older one's.",
        metavar="FILE",
    ),
]
Out = Annotated[Path | None, typer.Option(help="Boxes, occlusion: folder for JSON and a page.")]


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
    faces: Faces = None,
    clip: Clip = None,
    truth: Truth = None,
    scheme: Scheme = "68",
    dlib: DlibFile = None,
    mediapipe: MediaPipeFile = None,
    out: Out = None,
    once: Once = False,
    reinitialize: Reinitialize = False,
    parity: Parity = False,
    flip: Flip = False,
    runs: Annotated[int, typer.Option(min=1, help="Of whatever is timed.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure speed, cold start, accuracy and steadiness on this machine."""
    _check(on, scheme)
    given = {"--photo": photo, "--clip": clip, "--truth": truth, "--out": out}
    given |= {"--dlib": dlib, "--mediapipe": mediapipe}
    mode = asked_mode(once=once, reinitialize=reinitialize, parity=parity)
    _refuse_idle(part, {**given, f"--{mode}": mode is not None, "--flip": flip})
    opened = partial(asked_for, mode=mode, flip=flip)
    suite = Suite(root=root, command=shlex.join(["canthus", *sys.argv[1:]]), runs=runs, track=track)
    sweeps = _Sweeps(suite, on, faces, out)
    measures = _measures(suite, photo, sweeps, opened)
    if clip is not None:
        measures["stability"] = lambda name: suite.clip(opened(name), clip, truth, scheme)
    peers = _peers(part, dlib, mediapipe)
    results = list(_measured(suite, part, model or weights.names(), measures, opened))
    results += [Result(peer.name, tuple(suite.peers(peer))) for peer in peers]
    _print(results, suite.command, json=json)
    sweeps.write()


def _print(results: Sequence[Result], command: str, *, json: bool) -> None:
    """Print the results, and on what machine they were had."""
    if json:
        print(to_line(results_to_plain(results, command=command, machine=machine())))
    else:
        print(results_to_text(results))
        print("\n" + ", ".join(f"{name} {value}" for name, value in machine().items()))


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


def _peers(part: Part, dlib: Path | None, mediapipe: Path | None) -> list[Peer]:
    """The tools of others that are asked for, opened before any work."""
    if part != "peers":
        return []
    if dlib is None and mediapipe is None:
        raise typer.BadParameter("needed: whom to measure beside our models", param_hint="--dlib")
    found: list[Peer] = [] if dlib is None else [Dlib(dlib)]
    if mediapipe is not None:
        found.append(MediaPipe(None if mediapipe == Path(WHEEL) else mediapipe))
    return found


class _Sweeps:
    """What was swept, a model each, and the folder that it is written to."""

    def __init__(self, suite: Suite, on: str, faces: int | None, out: Path | None) -> None:
        self._suite, self._on, self._faces, self._out = suite, on, faces, out
        self._boxes: list[Sweep] = []
        self._covered: list[Occlusion] = []
        if out is not None:
            from canthus.evaluation import pages  # what it needs comes with an extra

            self._pages = pages
            outputs.prepare(out)

    def boxes(self, aligner: Aligner) -> list[Figure]:
        """Sweep the boxes of a model."""
        faces = FACES if self._faces is None else self._faces
        self._boxes.append(self._suite.boxes(aligner, self._on, faces))
        return self._suite.sweep_figures(self._boxes[-1])

    def occlusion(self, aligner: Aligner) -> list[Figure]:
        """Cover the faces that a model is shown."""
        self._covered.append(self._suite.occlusion(aligner, self._on, self._faces))
        return self._suite.occlusion_figures(self._covered[-1])

    def write(self) -> None:
        """Write what was swept, if somebody has asked for it."""
        if self._out is None:
            return
        made_by = self._suite.command, __version__
        if self._boxes:
            page = self._pages.of_sweeps(self._boxes, *made_by)
            self._write("boxes", "sweeps", self._boxes, page)
        if self._covered:
            page = self._pages.of_occlusions(self._covered, *made_by)
            self._write("occlusion", "occlusions", self._covered, page)

    def _write(self, name: str, kind: str, found: Sequence[Sweep | Occlusion], page: str) -> None:
        assert self._out is not None
        command = self._suite.command
        values = {"schema": SCHEMA, "kind": kind, "command": command, "version": __version__}
        plain = [each.to_plain() for each in found]
        outputs.write_json(self._out / f"{name}.json", {**values, kind: plain})
        write_whole(self._out / f"{name}.html", page.encode())
        print(f"wrote {name}.json, {name}.html into {self._out}", file=sys.stderr)


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
        "boxes": partial(loaded, sweeps.boxes),
        "occlusion": partial(loaded, sweeps.occlusion),
        "stability": partial(loaded, suite.stability),
        "peers": partial(loaded, suite.peers),
    }


def _measured(
    suite: Suite,
    part: Part,
    models: list[str],
    measures: Mapping[Part, Measure],
    opened: Callable[[str], Aligner],
) -> Iterable[Result]:
    """The results of a part, or of all of them, model by model."""
    parts = EVERY if part == "all" else (part,)
    asked = [each for each in parts if each in measures]
    if asked and not models:
        raise WeightsError("there is no model inside this package; name one with --model")
    for model in models if asked else ():
        name = opened(model).manifest.name
        for each in asked:
            print(f"{name}: {each}", file=sys.stderr)
            yield Result(name, tuple(measures[each](model)))
    if "detector" in parts:
        yield Result("", tuple(suite.detector(Mtcnn())))
