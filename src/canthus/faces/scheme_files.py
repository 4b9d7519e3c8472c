"""A landmark scheme of one's own, in a YAML file, and whether it is consistent.

    name: my-12
    names: [right_eye_outer, right_eye_inner, ...]   # or num_landmarks: 12
    parts: {right_eye: [0, 1], ...}                  # every index in exactly one
    mirror: [[0, 3], [1, 2]]                         # pairs; all others lie on the middle line
    edges: [[0, 1], ...]                             # optional, for drawings
    lines: {open: [[0, 1, 2]], closed: []}           # the same as longer lines
    normalizers: {inter_ocular: [[0], [3]]}          # the subject's right, then its left
    mean_face: [[x, y], ...]                         # optional: an upright face in its own units
    conversions: {"68": {kind: partial, points: [36, 39, ...]}}   # optional

Indices count from 0; left and right are the subject's own. A conversion's points say for each
landmark of the other scheme where it comes from: an index, a list (their mean), weights by index,
or null where this scheme does not hold it. Anchors and aliases of YAML are refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.faces.conversions import Conversion, Kind
from canthus.faces.scheme_yaml import read_values
from canthus.faces.schemes import AMBIGUOUS, SCHEMES, LandmarkScheme, scheme_of

Array = NDArray[np.float64]

SUFFIXES = (".yaml", ".yml")
KEYS = (
    "name",
    "num_landmarks",
    "names",
    "parts",
    "mirror",
    "edges",
    "lines",
    "normalizers",
    "mean_face",
    "conversions",
)
KINDS: tuple[Kind, ...] = ("exact", "partial", "blend", "approx")
SIDES = ("left_", "right_")  # how names and parts of the subject's sides begin
MOST_LANDMARKS = 10_000
FARTHEST = 1e6  # of a mean face's coordinate from 0
HEAVIEST = 10.0  # a conversion's weight
ASYMMETRY = 0.15  # of the mean face's size, that a point may move when the face is mirrored
NOTICEABLE = 0.01  # of the same, two points' ways together: below, none is said to be exchanged


@dataclass(frozen=True, eq=False)
class SchemeFile:
    """What a scheme file says.

    Attributes:
        scheme: the scheme.
        mean_face: (L, 2), upright, in its own units, y down; None if the file has none.
        conversions: the ways to known schemes, by their names.
    """

    scheme: LandmarkScheme
    mean_face: Array | None = None
    conversions: Mapping[str, Conversion] = field(default_factory=dict)

    def called(self, index: int) -> str:
        """A landmark's index, with its name if it has one."""
        names = self.scheme.names
        return f"{index} ({names[index]})" if names else str(index)


def scheme_from(name_or_path: str) -> LandmarkScheme:
    """The scheme of a known name, or of a scheme file.

    Raises:
        DatasetError: if it is neither, naming the known ones, or the key of the file.
    """
    return open_scheme(name_or_path).scheme


def open_scheme(name_or_path: str) -> SchemeFile:
    """A known scheme by name, or that of a file, with all that is known of it.

    Raises:
        DatasetError: if it is neither, naming the known ones, or the key of the file.
    """
    if Path(name_or_path).suffix.lower() in SUFFIXES:
        return read_scheme(Path(name_or_path))
    try:
        return SchemeFile(scheme_of(name_or_path))
    except ValueError as error:
        raise DatasetError(f"{error}; a scheme file ends in .yaml") from None


def read_scheme(path: Path) -> SchemeFile:
    """Read a scheme file.

    Raises:
        DatasetError: naming the line and the key that is missing, unknown, or not as it should be.
    """
    values, lines = read_values(path)
    if unknown := {str(key) for key in values} - set(KEYS):
        where = f"{path}:{lines[key]}" if (key := min(unknown)) in lines else f"{path}"
        raise DatasetError(f"{where}: unknown key {key!r}; known are {', '.join(KEYS)}")
    return _Reader(values, path, lines).scheme_file()


def to_yaml(scheme: LandmarkScheme) -> str:
    """A scheme as the text of a scheme file, to begin a scheme of one's own with."""
    import yaml  # only for files; importing canthus stays cheap

    values = to_values(scheme)
    return str(yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=100))


def scheme_of_values(values: Mapping[str, object], where: str) -> LandmarkScheme:
    """The scheme of the plain values of a scheme file, as `to_values` gives them.

    Raises:
        DatasetError: naming the key that is not as it should be.
    """
    return _Reader(values, Path(where), {}).scheme_file().scheme


def to_values(scheme: LandmarkScheme) -> dict[str, object]:
    """A scheme as the plain values of a scheme file."""
    return {
        "name": scheme.name,
        "num_landmarks": scheme.num_landmarks,
        **({"names": list(scheme.names)} if scheme.names else {}),
        "parts": {name: list(part) for name, part in scheme.parts.items()},
        "mirror": [[i, j] for i, j in enumerate(scheme.mirror) if i < j],
        "lines": {"open": [list(edge) for edge in scheme.edges], "closed": []},
        "normalizers": {
            name: [list(right), list(left)] for name, (right, left) in scheme.normalizers.items()
        },
    }


def check(file: SchemeFile) -> list[str]:
    """What about a scheme cannot be right, a sentence each; nothing if it is consistent.

    That it mirrors in pairs and that its parts cover it is made sure of when it is read. Here:
    names and parts of the right mirror to some of the left, lines to lines, the anchors of a
    normalizer into each other, conversions to conversions, and the mean face on itself.
    """
    checks = (_names, _parts, _lines, _anchors, _mean_face, _conversions)
    return [finding for each in checks for finding in each(file)]


def _names(file: SchemeFile) -> Iterator[str]:
    scheme = file.scheme
    for index, name in enumerate(scheme.names):
        pair = scheme.mirror[index]
        if any(name.startswith(side) and scheme.names[pair].startswith(side) for side in SIDES):
            yield f"{file.called(index)} mirrors to {file.called(pair)}, which is of the same side"


def _parts(file: SchemeFile) -> Iterator[str]:
    scheme = file.scheme
    for name, part in scheme.parts.items():
        other = _other_side(name)
        if other not in scheme.parts:
            yield f"part {name} has no part {other} to mirror to"
        elif wrong := sorted({scheme.mirror[i] for i in part} ^ set(scheme.parts[other])):
            said = ", ".join(map(file.called, wrong))
            yield f"part {name} does not mirror to part {other}: {said}"


def _lines(file: SchemeFile) -> Iterator[str]:
    edges = {frozenset(edge) for edge in file.scheme.edges}
    for i, j in file.scheme.edges:
        if frozenset((file.scheme.mirror[i], file.scheme.mirror[j])) not in edges:
            yield f"the line from {file.called(i)} to {file.called(j)} has no mirrored one"


def _anchors(file: SchemeFile) -> Iterator[str]:
    for name, (right, left) in file.scheme.normalizers.items():
        if sorted(file.scheme.mirror[i] for i in right) != sorted(left):
            yield f"the anchors of {name} do not mirror into each other"


def _mean_face(file: SchemeFile) -> Iterator[str]:
    """Mirrored about its own middle, the mean face must come to lie on itself."""
    if file.mean_face is None:
        return
    points = file.mean_face
    size = float(np.sqrt(np.ptp(points, axis=0).prod()))
    mirrored = points[list(file.scheme.mirror)] * (-1, 1)
    mirrored = mirrored + points.mean(axis=0) - mirrored.mean(axis=0)
    away = np.sqrt(((mirrored - points) ** 2).sum(axis=1)) / size
    for index in np.flatnonzero(away > ASYMMETRY).tolist():
        pair = file.called(file.scheme.mirror[index])
        yield (
            f"mirrored, the mean face has {pair} where {file.called(index)} was, "
            f"{away[index]:.0%} of its size away: is this a pair?"
        )
    yield from _exchanged(file, points / size, away > ASYMMETRY)
    for name, (right, left) in file.scheme.normalizers.items():
        if points[list(right), 0].mean() >= points[list(left), 0].mean():
            yield f"{name}: in the mean face the subject's right is not at the picture's left"
    yield from _sides(points, file.scheme.parts, "part ")
    yield from _sides(points, {name: (i,) for i, name in enumerate(file.scheme.names)}, "")


def _sides(points: Array, groups: Mapping[str, Sequence[int]], what: str) -> Iterator[str]:
    """Groups that are called the subject's right, but are not left of those called its left."""
    for name, right in groups.items():
        left = groups.get(_other_side(name), ()) if name.startswith(SIDES[1]) else ()
        if left and points[list(right), 0].mean() >= points[list(left), 0].mean():
            yield f"{what}{name}: in the mean face it is not at the picture's left"


def _exchanged(file: SchemeFile, points: Array, told: NDArray[np.bool_]) -> Iterator[str]:
    """Two landmarks whose places in the mirrored face would fit far better the other way round.

    So wrong pairs are found that are near each other, as points of one eye are.
    """
    sources = np.array(file.scheme.mirror)
    turned = points * (-1, 1)
    turned = (turned + points.mean(axis=0) - turned.mean(axis=0))[sources]
    away = np.sqrt(((turned - points) ** 2).sum(axis=1))
    for i in np.flatnonzero(~told).tolist():
        there = np.sqrt(((turned - points[i]) ** 2).sum(axis=1))  # each other one's place for i
        here = np.sqrt(((turned[i] - points) ** 2).sum(axis=1))
        now = away[i] + away
        better = (there + here < now / 2) & (now > NOTICEABLE) & ~told
        for j in np.flatnonzero(better[i + 1 :]).tolist():
            other = i + 1 + j
            yield (
                f"in the mean face {file.called(i)} pairs better with "
                f"{file.called(int(sources[other]))}, and {file.called(other)} with "
                f"{file.called(int(sources[i]))}: are they exchanged?"
            )


def _conversions(file: SchemeFile) -> Iterator[str]:
    for target, way in file.conversions.items():
        if way.kind == "exact" and np.isnan(way.weights).any():
            yield f"the conversion to {target} is exact, but not all of its points are: say partial"
        mirrored = way.weights[list(scheme_of(target).mirror)][:, list(file.scheme.mirror)]
        both = np.nan_to_num(mirrored, nan=-1), np.nan_to_num(way.weights, nan=-1)
        for row in np.flatnonzero(~np.isclose(*both).all(axis=1)).tolist():
            yield f"the conversion to {target} is not the same mirrored, at its landmark {row}"


def _other_side(name: str) -> str:
    for side, other in (SIDES, SIDES[::-1]):
        if name.startswith(side):
            return other + name[len(side) :]
    return name


class _Reader:
    """The values of a file, checked one by one."""

    def __init__(self, values: Mapping[str, Any], path: Path, lines: Mapping[str, int]) -> None:
        self._values, self._path, self._line_of = values, path, lines

    def scheme_file(self) -> SchemeFile:
        """What the values say."""
        names = tuple(self._texts("names"))
        count = self._count(names)
        name = self._values.get("name")
        if not isinstance(name, str) or not name or not name.isprintable():
            raise self._wrong("name", "a text on one line", name)
        if name in (*SCHEMES, AMBIGUOUS):
            raise self._wrong("name", "a name that no known scheme has", name)
        try:
            scheme = LandmarkScheme(
                name=name,
                num_landmarks=count,
                mirror=self._mirror(count),
                parts=self._parts(count),
                edges=self._edges(count),
                normalizers=self._normalizers(count),
                names=names,
            )
        except ValueError as error:
            raise DatasetError(f"{self._path}: {error}") from None
        return SchemeFile(scheme, self._mean_face(count), self._conversions(scheme))

    def _count(self, names: Sequence[str]) -> int:
        count = self._values.get("num_landmarks", len(names))
        if (
            isinstance(count, bool)
            or not isinstance(count, int)
            or not 1 <= count <= MOST_LANDMARKS
        ):
            raise self._wrong("num_landmarks", f"1 to {MOST_LANDMARKS}, or names", count)
        if names and len(names) != count:
            raise self._wrong("names", f"{count} names", f"{len(names)}")
        if len(set(names)) != len(names):
            raise self._wrong("names", "names that differ", "one twice")
        return count

    def _mirror(self, count: int) -> tuple[int, ...]:
        order = list(range(count))
        for i, pair in enumerate(self._list("mirror")):
            a, b = self._indices(pair, f"mirror[{i}]", count, length=2)
            if a == b or order[a] != a or order[b] != b:
                raise self._wrong(f"mirror[{i}]", "two landmarks that are in no other pair", pair)
            order[a], order[b] = b, a
        return tuple(order)

    def _parts(self, count: int) -> dict[str, tuple[int, ...]]:
        parts = {
            str(name): self._indices(part, f"parts.{name}", count)
            for name, part in self._mapping("parts").items()
        }
        held = [index for part in parts.values() for index in part]
        if missing := sorted(set(range(count)) - set(held)):
            raise self._wrong("parts", "each landmark in a part", f"{missing[:10]} in none")
        if twice := sorted({index for index in held if held.count(index) > 1}):
            raise self._wrong("parts", "each landmark in one part", f"{twice[:10]} in several")
        return parts

    def _edges(self, count: int) -> tuple[tuple[int, int], ...]:
        lines = self._mapping("lines")
        if unknown := set(lines) - {"open", "closed"}:
            raise self._wrong("lines", "open and closed", min(map(str, unknown)))
        edges: list[tuple[int, int]] = []
        for i, edge in enumerate(self._list("edges")):
            a, b = self._indices(edge, f"edges[{i}]", count, length=2)
            edges.append((a, b))
        for kind in ("open", "closed"):
            if not isinstance(drawn := lines.get(kind) or [], list):
                raise self._wrong(f"lines.{kind}", "a list of lines", drawn)
            for i, line in enumerate(drawn):
                points = self._indices(line, f"lines.{kind}[{i}]", count)
                edges += pairwise((*points, points[0]) if kind == "closed" else points)
        return tuple(edges)

    def _normalizers(self, count: int) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
        found = {}
        for name, groups in self._mapping("normalizers").items():
            key = f"normalizers.{name}"
            if not isinstance(groups, list) or len(groups) != 2:
                raise self._wrong(key, "two lists: the subject's right, then its left", groups)
            right, left = (self._indices(group, key, count) for group in groups)
            found[str(name)] = (right, left)
        return found

    def _mean_face(self, count: int) -> Array | None:
        if "mean_face" not in self._values:
            return None
        try:
            points = np.array(self._values["mean_face"], np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        # a comparison with NaN is false
        if points.shape != (count, 2) or not (np.abs(points) <= FARTHEST).all():
            said = f"{count} points [x, y] of finite numbers"
            raise self._wrong("mean_face", said, self._values["mean_face"])
        if np.ptp(points, axis=0).min() <= 1 / FARTHEST:
            raise self._wrong("mean_face", "points that span an area", "a line")
        return points

    def _conversions(self, scheme: LandmarkScheme) -> dict[str, Conversion]:
        found = {}
        for target, way in self._mapping("conversions").items():
            key = f"conversions.{target}"
            if str(target) not in SCHEMES:
                raise self._wrong(key, f"one of {', '.join(SCHEMES)}", target)
            if not isinstance(way, dict) or way.get("kind") not in KINDS:
                raise self._wrong(key, f"a kind, of {', '.join(KINDS)}, and points", way)
            if unknown := {str(other) for other in way} - {"kind", "points"}:
                raise self._wrong(key, "a kind and points", min(unknown))
            entries = way.get("points")
            wanted = scheme_of(str(target)).num_landmarks
            if not isinstance(entries, list) or len(entries) != wanted:
                found_count = len(entries) if isinstance(entries, list) else entries
                raise self._wrong(f"{key}.points", f"{wanted} entries", found_count)
            rows = [self._weights(e, f"{key}.points[{i}]", scheme) for i, e in enumerate(entries)]
            weights = np.array(rows)
            found[str(target)] = Conversion(scheme.name, str(target), way["kind"], weights)
        return found

    def _weights(self, entry: object, key: str, scheme: LandmarkScheme) -> Array:
        """The row of weights that an entry means."""
        count = scheme.num_landmarks
        row = np.zeros(count)
        if entry is None:
            row[:] = np.nan
        elif isinstance(entry, dict):
            indices = self._indices(list(entry), key, count)
            shares = list(entry.values())
            # a comparison with NaN is false
            if not all(type(s) in (int, float) and abs(s) <= HEAVIEST for s in shares):
                raise self._wrong(key, f"weights by index, to {HEAVIEST:g}", entry)
            row[list(indices)] = shares
            if abs(row.sum() - 1) > 1e-6:
                raise self._wrong(key, "weights that add up to 1", entry)
        else:
            some = entry if isinstance(entry, list) else [entry]
            indices = self._indices(some, key, count)
            if len(set(indices)) != len(indices):
                raise self._wrong(key, "each index once", entry)
            row[list(indices)] = 1 / len(indices)
        return row

    def _indices(
        self, values: object, key: str, count: int, *, length: int | None = None
    ) -> tuple[int, ...]:
        if not isinstance(values, list) or not values or (length and len(values) != length):
            raise self._wrong(key, f"a list of {length or 'some'} indices", values)
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
                raise self._wrong(key, f"indices from 0 to {count - 1}", value)
        return tuple(values)

    def _texts(self, key: str) -> list[str]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "texts", values)
        return [str(value) for value in values]

    def _list(self, key: str) -> list[object]:
        values = self._values.get(key) or []
        if not isinstance(values, list):
            raise self._wrong(key, "a list", values)
        return values

    def _mapping(self, key: str) -> dict[object, Any]:
        values = self._values.get(key) or {}
        if not isinstance(values, dict):
            raise self._wrong(key, "names and values", values)
        return values

    def _wrong(self, key: str, expected: str, found: object) -> DatasetError:
        line = self._line_of.get(key.partition(".")[0].partition("[")[0])
        where = f"{self._path}:{line}" if line else f"{self._path}"
        return DatasetError(f"{where}: {key}: expected {expected}, found {found!r:.80}")
