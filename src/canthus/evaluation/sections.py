"""A page of sections: sentences, facts, tables, charts and tiles, in one file of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from canthus.evaluation.svg import printable

TEMPLATE = "report.html.jinja"
# What a browser may load for the page: nothing but what is in it, and nothing runs.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of a row is its name.

    Attributes:
        caption: what the table shows.
        heads: of the columns.
        rows: as many cells each.
    """

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """A chart of `canthus.evaluation.charts`, which goes onto the page as it is."""

    svg: str
    caption: str = ""


@dataclass(frozen=True)
class Tile:
    """A small picture of a face, and what is written below it.

    Attributes:
        headline: its error.
        name: of its picture.
        alt: what is to be seen.
        source: a `data:` address of the picture; empty if it is drawn.
        svg: the drawing otherwise, which goes onto the page as it is.
        side: of the picture, in pixels.
        missed: whether the face was not found.
        note: anything else.
    """

    headline: str
    name: str
    alt: str
    source: str = ""
    svg: str = ""
    side: int = 0
    missed: bool = False
    note: str = ""


@dataclass(frozen=True)
class Section:
    """What stands below one heading, in this order."""

    heading: str
    text: tuple[str, ...] = ()
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    tiles: Sequence[Tile] = ()


def render_models(
    title: str,
    sections: Sequence[Section],
    lead: tuple[str, ...] = (),
    *,
    highlights: Sequence[tuple[str, str, str]] = (),
) -> str:
    """A whole page of HTML that needs no other file; every text in it is escaped.

    Args:
        title: of the page.
        sections: from top to bottom.
        lead: sentences below the title.
        highlights: the most important figures: name, value and a note each.
    """
    template = _environment().get_template(TEMPLATE)
    return template.render(
        title=title, lead=lead, highlights=highlights, sections=sections, policy=POLICY
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("canthus.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_written,
    )


def _written(value: object) -> object:
    return printable(value) if type(value) is str else value
