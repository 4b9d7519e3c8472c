"""From a figure to `<svg>` text that stands inside a page, whatever else the page holds."""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from xml.etree import ElementTree

from matplotlib import rc, rc_context, rcdefaults
from matplotlib.figure import Figure

NAMESPACE = "http://www.w3.org/2000/svg"  # what a page knows, and a file has to say
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
INK, GRID = "#30343c", "#e2e4e8"
MEASURED_BY = "DejaVu Sans"  # what room is made for; a page has its own letters
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
DRAWN = ("d", "x", "y", "width", "height", "transform")  # attributes of lengths, in units
NUMBER = re.compile(r"-?\d+\.\d{3,}")  # with more digits than can be seen


@contextmanager
def house_style() -> Iterator[None]:
    """Figures made in here look alike, whatever the user's own settings are."""
    with rc_context():
        rcdefaults()
        rc("axes", axisbelow=True, edgecolor="#9aa0aa", facecolor="none", grid=True, labelcolor=INK)
        rc("axes.spines", right=False, top=False)
        rc("figure", facecolor="none")
        rc("font", size=11, **{"sans-serif": [MEASURED_BY]})
        rc("grid", color=GRID)
        rc("legend", frameon=False)
        rc("svg", fonttype="none", hashsalt="canthus")
        rc("text", color=INK)
        rc("xtick", color=INK)
        rc("ytick", color=INK)
        yield


def to_svg(figure: Figure, title: str, names: Mapping[str, str] | None = None) -> str:
    """A figure as an `<svg>` element that scales to the width it is given.

    The same figure gives the same text. All ids in it begin with a digest of the figure, so that
    several can stand on one page.

    Args:
        figure: drawn in `house_style`.
        title: what is read to those who cannot see it.
        names: what to write in texts, by their `gid`: names from outside would be laid out as
            formulas, or may lack a letter in the font that room is measured by.
    """
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=NO_METADATA)
    root = ElementTree.fromstring(text.getvalue())
    for element in root.iter():
        _strip_namespaces(element)
    for gid, name in (names or {}).items():
        _write_name(root, gid, name)
    _keep_used_ids(root, hashlib.sha256(text.getvalue().encode()).hexdigest()[:8])
    _finish(root, title)
    return ElementTree.tostring(root, encoding="unicode")


def alone(svg: str, background: str = "") -> str:
    """The element of a page as the text of a file of its own.

    Args:
        svg: from `to_svg`.
        background: a color; what is behind the file shows through without one.
    """
    style = f'style="background:{background}" ' if background else ""
    return svg.replace("<svg ", f'<svg xmlns="{NAMESPACE}" {style}', 1)


def printable(text: str) -> str:
    """Text without the characters that no document may hold."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _strip_namespaces(element: ElementTree.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    plain = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    element.attrib.clear()
    element.attrib.update(plain)
    if element.text is not None and not element.text.strip():
        element.text = None
    element.tail = None


def _write_name(root: ElementTree.Element, gid: str, name: str) -> None:
    group = root.find(f".//*[@id='{gid}']")
    if group is None:
        raise ValueError(f"expected a text of gid {gid!r} in the figure, found none")
    for text in group.iter("text"):
        text.text = printable(name)


def _keep_used_ids(root: ElementTree.Element, digest: str) -> None:
    """Prefix the ids that are referred to, drop all others."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {value[5:-1] for value in values if value.startswith("url(#")}
    used |= {value[1:] for value in values if value.startswith("#")}
    for element in root.iter():
        if element.get("id") in used:
            element.set("id", f"{digest}-{element.get('id')}")
        else:
            element.attrib.pop("id", None)
        if (href := element.get("href", "")).startswith("#"):
            element.set("href", f"#{digest}-{href[1:]}")
        if (clip := element.get("clip-path", "")).startswith("url(#"):
            element.set("clip-path", f"url(#{digest}-{clip[5:]}")


def _finish(root: ElementTree.Element, title: str) -> None:
    """The page's letters, no fixed size, and no rules that would apply to the whole page."""
    for definitions in root.findall("defs"):
        for style in definitions.findall("style"):
            definitions.remove(style)
    for text in root.iter("text"):
        text.set("style", _lettered(text.get("style", "")))
    for element in root.iter():
        _shorten(element)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update(
        {
            "role": "img",
            "aria-label": printable(title),
            "class": "chart",
            "stroke-linejoin": "round",
            "font-family": FONTS,
        }
    )


def _shorten(element: ElementTree.Element) -> None:
    for name in DRAWN:
        if (value := element.get(name)) is not None:
            rounded = NUMBER.sub(lambda number: f"{float(number[0]):.2f}", value)
            element.set(name, " ".join(rounded.split()))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def _lettered(style: str) -> str:
    """The style of a text without its font's name; older releases of matplotlib say `font`."""
    kept = []
    for rule in filter(None, map(str.strip, style.split(";"))):
        name, _, value = rule.partition(":")
        if name == "font":
            size = next(word for word in value.split() if word.endswith("px"))
            kept.append(f"font-size: {size}")
        elif name != "font-family":
            kept.append(rule)
    return "; ".join(kept)
