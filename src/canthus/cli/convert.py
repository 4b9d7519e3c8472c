"""`canthus convert IN OUT`: annotations from one format, or scheme, to another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.outputs import prepare, to_line
from canthus.datasets.annotations import grouped, hold_out
from canthus.datasets.formats import FORMATS, detect, meant
from canthus.datasets.formats.mapping import mapped, origins, way_to
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError, StorageError
from canthus.faces import Conversion
from canthus.faces.scheme_files import SchemeFile, open_scheme

SCHEMA = 1
KNOWN = ", ".join(FORMATS)
GUESSED = ("blend", "approx")  # kinds of maps whose points nobody annotated


Apart = Annotated[
    Path | None,
    typer.Option(help="Another OUT, for some groups of faces, as to test on; OUT has the others."),
]
Share = Annotated[float, typer.Option(min=0, max=1, help="Of the groups that go --apart, about.")]
Group = Annotated[
    str | None,
    typer.Option(
        help=r"A regular expression that finds in a picture's name whose face it is, for --apart, "
        r"as 'cat_\d+'; each picture is a group by default."
    ),
]


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file or folder to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="One to write, not there yet.")],
    from_: Annotated[
        str | None, typer.Option("--from", help=f"Of {KNOWN}; by content if not given.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help=f"Of {KNOWN}; by OUT's suffix if not given.")
    ] = None,
    scheme: Annotated[str, typer.Option(help="What IN's points are: a name or a .yaml.")] = "68",
    to_scheme: Annotated[
        str | None, typer.Option("--to-scheme", help="A known scheme to map the points to.")
    ] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Allow maps that put points by estimate.")
    ] = False,
    apart: Apart = None,
    share: Share = 0.2,
    group: Group = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Convert annotations between formats and landmark schemes; IN is not changed."""
    old, new = _formats(source, target, from_, to)
    if apart is not None:
        _formats(source, apart, from_, new)
        if apart.resolve() == target.resolve():
            raise typer.BadParameter(f"{apart} is OUT", param_hint="--apart")
    file = open_scheme(scheme)
    way = None if to_scheme in (None, file.scheme.name) else _way(file, to_scheme, approximate)
    read = FORMATS[old].read(source, file.scheme)
    faces = read if way is None else mapped(read, way)
    parts = {target: faces} if apart is None else _divided(faces, (target, apart), share, group)
    for out, part in parts.items():
        prepare(out if FORMATS[new].folder else out.parent)
        FORMATS[new].write(part, out)
        summary = _summary(part, (old, new), file, way)
        print(to_line(summary) if json else "\n".join(_lines(summary)))


def _formats(source: Path, target: Path, from_: str | None, to: str | None) -> tuple[str, str]:
    """What to read and to write, made sure that nothing that is there is written over."""
    for name, option in ((from_, "--from"), (to, "--to")):
        if name is not None and name not in FORMATS:
            raise typer.BadParameter(f"{name!r} is none of {KNOWN}", param_hint=option)
    _refuse(source, target)
    names = from_ or detect(source), to or meant(target)
    _refuse_inside(source, target, names)
    return names


def _divided(
    faces: list[Sample], outs: tuple[Path, Path], share: float, group: str | None
) -> dict[Path, list[Sample]]:
    """The faces of each of two files; a group is in one of them, whole."""
    samples = faces if group is None else grouped(faces, group)
    parts = hold_out(samples, share, salt="apart/")  # what is left, a training divides again
    if not all(parts):
        count = len({sample.group for sample in samples})
        raise DatasetError(
            f"--share {share:g} of {count} groups leaves no face for one of {outs[0]} and "
            f"{outs[1]}; give another --share or --group"
        )
    return dict(zip(outs, parts, strict=True))


def _refuse(source: Path, target: Path) -> None:
    """Make sure that nothing that is there is written over."""
    if source.resolve() == target.resolve():
        raise StorageError(f"{target}: is the input; choose another place to write")
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise StorageError(f"{target}: is there already; choose a new name, or an empty folder")


def _refuse_inside(source: Path, target: Path, names: tuple[str, str]) -> None:
    """Make sure that the input folder, read again, would not find the output among its files."""
    old, new = (FORMATS[name] for name in names)
    inside = source.is_dir() and target.resolve().is_relative_to(source.resolve())
    if inside and (new.folder or new.suffix == old.suffix):
        raise StorageError(f"{target}: is in the input; choose another place to write")


def _way(file: SchemeFile, target: str | None, approximate: bool) -> Conversion:
    way = way_to(file, target or "")
    if way.kind in GUESSED and not approximate:
        raise DatasetError(
            f"the map from scheme {way.source} to {way.target} is {way.kind}: it puts points where "
            "nobody annotated them, so errors measured on them mean little; allow it with "
            "--approximate"
        )
    return way


def _summary(
    faces: Sequence[Sample], names: tuple[str, str], file: SchemeFile, way: Conversion | None
) -> dict[str, object]:
    flagged = any(face.visible is not None for face in faces)
    loses = [each for each in FORMATS[names[1]].loses if flagged or each != "visibility"]
    points = {} if way is None else origins(way)
    counted = {name: len(indices) for name, indices in points.items()}
    return {
        "schema": SCHEMA,
        "kind": "conversion",
        "faces": len(faces),
        "pictures": len({(face.image, face.entry) for face in faces}),
        "from": names[0],
        "to": names[1],
        "scheme": file.scheme.name,
        "to_scheme": faces[0].landmarks.scheme.name,
        "map": None if way is None else {"kind": way.kind, **counted, "points": points},
        "loses": loses,
    }


def _lines(summary: dict[str, object]) -> list[str]:
    lines = [
        "{faces} faces in {pictures} pictures, from {from} ({scheme} points) "
        "to {to} ({to_scheme} points)".format(**summary)
    ]
    way, loses = summary["map"], summary["loses"]
    if isinstance(way, dict):
        lines.append("map: {kind}; {copied} copied, {mixed} mixed, {unknown} unknown".format(**way))
        lines += [
            f"  {name}: {', '.join(map(str, way['points'][name]))}"
            for name in ("mixed", "unknown")
            if way[name]
        ]
    if isinstance(loses, list) and loses:
        lines.append(f"{summary['to']} does not hold: {', '.join(loses)}")
    return lines
