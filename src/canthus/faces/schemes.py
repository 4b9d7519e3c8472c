"""Landmark schemes: what index i of a face's points means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise
from types import MappingProxyType

from canthus.faces.tables import LazyMapping, read_table

AMBIGUOUS = "106"  # two schemes have so many points
Indices = tuple[int, ...]
Edge = tuple[int, int]


@dataclass(frozen=True)
class LandmarkScheme:
    """What each landmark index means; left and right are the subject's own.

    Attributes:
        name: the name by which files, models and commands know it.
        num_landmarks: how many points a face has.
        mirror: where each point of a mirrored face comes from: `new[i] = old[mirror[i]]`.
        parts: named groups; every index is in exactly one.
        edges: the pairs of points that a drawing joins.
        normalizers: the two groups whose means are joined to give an error's scale.
        names: of the landmarks, in their order; empty where they have none.

    Raises:
        ValueError: if mirror is not its own inverse, the parts do not cover each index once, an
            edge or a normalizer names an index that is not there, or there are names, but not
            one of its own for each landmark.
    """

    name: str
    num_landmarks: int
    mirror: Indices
    parts: Mapping[str, Indices]
    edges: tuple[Edge, ...]
    normalizers: Mapping[str, tuple[Indices, Indices]]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        every = list(range(self.num_landmarks))
        if sorted(self.mirror) != every or any(self.mirror[self.mirror[i]] != i for i in every):
            raise ValueError(
                f"scheme {self.name}: mirror must exchange points in pairs, and name each of the "
                f"{self.num_landmarks} indices once, found {self.mirror}"
            )
        if sorted(chain.from_iterable(self.parts.values())) != every:
            raise ValueError(f"scheme {self.name}: its parts must cover each index exactly once")
        groups = chain(self.edges, *self.normalizers.values())
        if any(not 0 <= i < self.num_landmarks for i in chain.from_iterable(groups)):
            raise ValueError(
                f"scheme {self.name}: an edge or a normalizer has an index outside "
                f"0 to {self.num_landmarks - 1}"
            )
        if self.names and not len(self.names) == len(set(self.names)) == self.num_landmarks:
            raise ValueError(f"scheme {self.name}: its names must be one for each landmark")
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))
        object.__setattr__(self, "normalizers", MappingProxyType(dict(self.normalizers)))

    def __hash__(self) -> int:
        return hash((self.name, self.mirror))

    def __reduce__(self) -> tuple[object, ...]:
        # Read-only mappings cannot be pickled, and schemes travel to worker processes.
        fields = (self.name, self.num_landmarks, self.mirror, dict(self.parts), self.edges)
        return LandmarkScheme, (*fields, dict(self.normalizers), self.names)


def scheme_of(name: str) -> LandmarkScheme:
    """The known scheme of this name.

    Raises:
        ValueError: naming the known schemes, if it is none of them.
    """
    if name == AMBIGUOUS:
        raise ValueError(
            "scheme '106' is ambiguous: say '106jd' (JD, LaPa) or '106if' (InsightFace)"
        )
    if name not in SCHEMES:
        raise ValueError(f"unknown landmark scheme {name!r}; known are {', '.join(SCHEMES)}")
    return SCHEMES[name]


def _read(name: str) -> LandmarkScheme:
    table = read_table(name)
    closed = [[*line, line[0]] for line in table["closed_lines"]]
    return LandmarkScheme(
        name=table["name"],
        num_landmarks=table["num_landmarks"],
        mirror=tuple(table["mirror"]),
        parts={part: tuple(indices) for part, indices in table["parts"].items()},
        edges=_edges([*table["open_lines"], *closed]),
        normalizers={
            key: (tuple(right), tuple(left)) for key, (right, left) in table["normalizers"].items()
        },
    )


def _edges(lines: Iterable[list[int]]) -> tuple[Edge, ...]:
    return tuple(pair for line in lines for pair in pairwise(line))


SCHEMES: Mapping[str, LandmarkScheme] = LazyMapping(
    ("5", "19", "21", "29", "68", "98", "106jd", "106if", "478"), _read
)
