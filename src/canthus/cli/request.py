"""What `canthus align` is asked for, read by argparse.

The other verbs are read by typer, whose import takes a quarter of the time in which one picture is
to be aligned; see docs/decisions/command-line-start.md.
"""

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from canthus.cli.boxes import parse
from canthus.geometry import Box

ABOUT = """Find the landmarks of every face in pictures.

A picture that fails is reported, and the others go on."""

UNCERTAINTY = "uncertainty"
ATTENTION = "attention"
SHOWN = (UNCERTAINTY, ATTENTION)  # what can be drawn besides landmarks and boxes
KINDS = ("obj", "ply", "depth", "pncc", "pose", "mesh", "overlay")  # of files in 3-D


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to align, how, and where the answers go; the fields are named as the options."""

    pictures: list[Path]
    out: Path | None = None
    json: bool = False
    model: str | None = None
    box: list[Box] | None = None
    boxes: Path | None = None
    boxes_from: str | None = None
    show: str | None = None
    write: list[str] | None = None
    face_model: Path | None = None
    once: bool = False
    reinitialize: bool = False
    parity: bool = False
    flip: bool = False
    budget: str | None = None
    reject: float | None = None
    device: str = "cpu"
    threads: int = 1


def make_parser() -> argparse.ArgumentParser:
    """What reads the words behind the verb, and tells how to use it."""
    parser = argparse.ArgumentParser(
        prog="canthus align",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,  # a request has its own
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("pictures", nargs="*", type=Path, metavar="PICTURE", help="a picture, or a folder of them")
    add("--out", type=Path, metavar="FOLDER", help="for a .json and a drawn .png of each picture")
    add("--json", action="store_true", help="print a line of JSON per picture")
    add("--model", metavar="NAME|FILE", help="one that `canthus models` lists, or a weights file")
    add(
        "--box",
        action="append",
        type=_box,
        metavar="X0,Y0,X1,Y1",
        help="the box of a face; may be given again",
    )
    add("--boxes", type=Path, metavar="FILE", help="JSON or CSV with every picture's boxes")
    add(
        "--boxes-from",
        metavar="NAME",
        help="who drew the boxes: tight (around the landmarks, the default) or a detector by name",
    )
    _add_how(parser)
    _add_quitting(parser)
    _add_solids(parser)
    return parser


def _add_how(parser: argparse.ArgumentParser) -> None:
    """The options that say how to look, and what to show of it."""
    add = parser.add_argument
    add(
        "--show",
        choices=SHOWN,
        help="draw also how far each landmark may be off: its ellipse holds it in 95 of 100 cases "
        "(uncertainty); or the patches that the network looked at last, the brighter the more "
        "each counted (attention)",
    )
    add(
        "--once",
        action="store_true",
        help="look once, in the boxes as they are; else again where a box turns out to be off",
    )
    add(
        "--reinitialize",
        action="store_true",
        help="cut each face out anew, upright, after a first look: for boxes that are drawn badly",
    )
    add(
        "--parity",
        action="store_true",
        help="run weights that `canthus import` wrote as they were published",
    )
    add(
        "--flip",
        action="store_true",
        help="look at each face in the mirror too, and average both answers; twice the network's "
        "time",
    )
    add("--device", metavar="cpu|cuda", help="where to run; cpu by default")
    add("--threads", type=_count, metavar="N", help="cores for the network; 1 by default")


def _add_quitting(parser: argparse.ArgumentParser) -> None:
    """The options about how much error a model expects."""
    parser.add_argument(
        "--budget",
        type=_budget,
        metavar="TIME|ERROR",
        help="of musica: 1.5ms: take no more steps than keep the network within so long a face, on "
        "average; or 4%%: a face is done once less error is expected of it, in percent of its "
        "longer side",
    )
    parser.add_argument(
        "--reject",
        type=_share,
        metavar="ERROR",
        help="8%%: mark faces as failed of which more error is expected, in percent of their "
        "longer side; of models that expect errors",
    )


def _add_solids(parser: argparse.ArgumentParser) -> None:
    """The options about faces in 3-D."""
    parser.add_argument(
        "--write",
        type=_kinds,
        metavar="KIND,...",
        help=f"write faces in 3-D too, into a folder for each picture: {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--face-model",
        type=Path,
        metavar="FILE",
        help="a file of `canthus face-model`, for --write and to tell which landmarks are hidden; "
        "by default the model's own, if inside",
    )


def read(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> Request:
    """What the words ask for; exits with 2 and says why if that makes no sense."""
    # argparse itself stumbles over "--" where options and pictures are mixed.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words, names = arguments[:end], arguments[end + 1 :]
    found = vars(parser.parse_intermixed_args(list(_joined(words))))
    pictures = [*found.pop("pictures", []), *map(Path, names)]
    request = Request(pictures=pictures, **found)
    if not pictures:
        parser.error("name a picture, or a folder of pictures")
    if request.out is None and not request.json:
        parser.error("say where to: --out FOLDER, --json, or both")
    if request.box and request.boxes:
        parser.error("give --box or --boxes, not both")
    if request.show and request.out is None:
        parser.error("--show is about the drawings: it needs --out FOLDER")
    _check_solids(parser, request)
    if request.boxes_from is not None and not (request.box or request.boxes):
        parser.error("--boxes-from needs --box or --boxes")
    return request


def _check_solids(parser: argparse.ArgumentParser, request: Request) -> None:
    if request.write and request.out is None:
        parser.error("--write needs --out FOLDER")
    options = {
        "--write": request.write,
        "--face-model": request.face_model,
        "--budget": request.budget,
    }
    for option, given in options.items():
        if given and request.parity:
            parser.error(f"give {option} or --parity, not both")


def _joined(arguments: Iterable[str]) -> Iterator[str]:
    """The words, `--box -5,3,40,60` as one: argparse takes a dash for the start of an option."""
    words = iter(arguments)
    for word in words:
        if word != "--box":
            yield word
            continue
        following = next(words, None)
        if following is not None and re.match(r"-[\d.]", following):
            yield f"{word}={following}"
        else:
            yield from (word,) if following is None else (word, following)


def _box(text: str) -> Box:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _kinds(text: str) -> list[str]:
    kinds = text.split(",")
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(KINDS)}, found {wrong[0]!r}")
    return kinds


def _budget(text: str) -> str:
    from canthus.runtime import budgets  # few ask for it

    try:
        budgets.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _share(text: str) -> float:
    from canthus.runtime.budgets import share

    try:
        return share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {text!r}")
    return int(text)
