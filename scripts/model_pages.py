"""The pages about the models inside, from what `compare_models.py` has measured and their files."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from model_cards import card
from model_entries import (
    ACCURACY,
    COVERING,
    INTEGERS,
    NONE,
    SIZE,
    STEADY,
    SWEEP,
    TIME,
    TITLES,
    Column,
    Entry,
    Words,
    entries_of,
    link,
    rows,
)
from model_figures import Store
from model_limits import sheet

import canthus
from canthus.errors import CanthusError
from canthus.evaluation.charts import Curve, Line, ced_chart, sweep_chart
from canthus.evaluation.figures import shown
from canthus.evaluation.suite import PEERED
from canthus.evaluation.svg import alone
from canthus.images.files import write_image
from canthus.runtime import weights
from canthus.runtime.manifest import Figure
from canthus.storage import write_whole

WHITE = "#fff"  # behind pictures
WORDS = Path(__file__).with_name("models.yaml")
ERRORS = (ACCURACY[0], ACCURACY[2])
SMALL_ERRORS = INTEGERS[1:3]


def read_words(names: Sequence[str]) -> Words:
    """What is said of models by hand.

    Raises:
        CanthusError: naming a model that nothing is said of, and what is missing.
    """
    values = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    for name in names:
        said = values["models"].get(name, {})
        if missing := [key for key in ("for", "is", "uses", "not_for", "wrong") if key not in said]:
            raise CanthusError(
                f"{WORDS}: expected words on the model {name}, found none of {', '.join(missing)}; "
                "write them as of the others"
            )
    return {**values, "models": {name: values["models"][name] for name in names}}


def write(store: Store, words: Words, out: Path, *, peers: Path, where: Path) -> list[str]:
    """Write the page of all models, its pictures, and a card per model.

    Args:
        store: what was measured.
        words: on the models to write about.
        out: the folder of the docs.
        peers: what `canthus benchmark peers --json` has printed; left out where there is no file.
        where: the figures come from, for errors.

    Returns:
        What the models' files say otherwise, in lines.

    Raises:
        CanthusError: naming what is missing.
    """
    entries = entries_of(store, list(words["models"]), where)
    page = _page(entries, words, _peers(peers, words["page"]["peers"]), _machine(store))
    cards = {entry.name: card(entry, entries, words) for entry in entries}
    (out / "models").mkdir(parents=True, exist_ok=True)
    (out / "pictures").mkdir(exist_ok=True)
    for name, svg in _pictures(entries).items():
        write_whole(out / "pictures" / name, svg.encode())
    for entry in entries:
        picture = out / "pictures" / f"limits-{entry.name}.jpg"
        write_image(picture, sheet(canthus.load(entry.name)))
    for name, text in cards.items():
        write_whole(out / "models" / f"{name}.md", text.encode())
    write_whole(out / "models.md", page.encode())
    return [
        f"{entry.name}: {now.metric}, {now.benchmark}: {shown(now)}, its file says {shown(then)}"
        for entry in entries
        for then, now in entry.changed()
    ]


def _page(entries: Sequence[Entry], words: Words, peers: str, machine: str) -> str:
    """The page of all models."""
    said = words["page"]
    links = " · [dlib and MediaPipe](#beside-dlib-and-mediapipe)" if peers else ""
    curves = "\n".join(
        f"![Cumulative error curves of all models on {TITLES[on]}](pictures/models-ced-{on}.svg)"
        for on in PEERED
    )
    plot = "![Error against time of all models](pictures/models-time.svg)"
    whom, size = (_whom(entries, words), _best(entries)), (*SIZE, *TIME)
    sections = {
        "Which to take": whom,
        "How good": (said["good"], _table(entries, ACCURACY), curves),
        "How fast": (said["fast"], _table(entries, size), f"On {machine}.", plot, said["plot"]),
        "Covered faces": (said["covered"], _table(entries, COVERING)),
        "Bad boxes": (said["boxes"], _table(entries, SWEEP)),
        "Steadiness": (said["steady"], _table(entries, STEADY)),
        "On 8-bit integers": (said["integers"], _table(entries, INTEGERS), *_impossible(entries)),
    }
    parts = [said["intro"].strip().format(links=links)]
    parts += ["\n\n".join((f"## {title}", *texts)) for title, texts in sections.items()]
    return "\n\n".join([*parts, *([peers] if peers else [])]) + "\n"


def _whom(entries: Sequence[Entry], words: Words) -> str:
    """The table that tells for whom each model is."""
    error, time = ERRORS[0], TIME[0]
    body = [
        (
            f"{link(entry.name)}{entry.also}",
            words["models"][entry.name]["for"],
            words["models"][entry.name]["not_for"],
            *(entry.shown(column) for column in (error, time)),
        )
        for entry in entries
    ]
    return rows(("Model", "For", "Not for", "Error, 300-W", "One face, one core"), body)


def _best(entries: Sequence[Entry]) -> str:
    """What follows from the figures, in sentences."""
    claims = [
        ("The most accurate", ERRORS, "mean error on 300-W and YouTube Faces validation"),
        ("The fastest", TIME[:1], "a face on one core"),
        ("The smallest", SIZE[:1], "its file"),
        ("The least misled by what covers a face", COVERING[::2], "mean error then, both sets"),
        ("The least misled by its box", SWEEP, "the largest of the errors below"),
        ("The steadiest", STEADY[:1], "astray as a photo moves"),
    ]
    lines = [_superlative(entries, *claim) for claim in claims]
    front = [entry for entry in entries if not any(_beats(other, entry) for other in entries)]
    names = ", ".join(f"`{entry.name}`" for entry in front)
    rest = [f"`{entry.name}`" for entry in entries if entry not in front]
    lines.append(
        f"- **Neither more error nor more time**: {names}; no model is at once faster and more "
        "accurate than one of these."
        + (f" Take {', '.join(rest)} for what else they give." if rest else "")
    )
    return "\n".join(lines)


def _superlative(entries: Sequence[Entry], title: str, columns: Sequence[Column], what: str) -> str:
    worst = columns is SWEEP
    values = {entry.name: _joined(entry, columns, worst=worst) for entry in entries}
    name = min(values, key=values.__getitem__)
    figure = next(entry for entry in entries if entry.name == name).figure(columns[0])
    assert figure is not None
    value = Figure(figure.metric, figure.benchmark, values[name], "")
    return f"- **{title}**: `{name}` ({what}: {shown(value)})."


def _joined(entry: Entry, columns: Sequence[Column], *, worst: bool = False) -> float:
    """The mean of a model's figures, or the worst of them; infinite where one is missing."""
    figures = [entry.figure(column) for column in columns]
    values = [figure.value if figure else math.inf for figure in figures]
    return max(values) if worst else sum(values) / len(values)


def _beats(one: Entry, other: Entry) -> bool:
    faster = _joined(one, TIME[:1]) < _joined(other, TIME[:1])
    return faster and _joined(one, ERRORS) < _joined(other, ERRORS)


def _table(entries: Sequence[Entry], columns: Sequence[Column]) -> str:
    """A table of figures, a model a row, and the commands that make them."""
    body = [(link(entry.name), *map(entry.shown, columns)) for entry in entries]
    found = [(entry.name, entry.figure(column)) for column in columns for entry in entries]
    commands = [each.command.replace(name, "MODEL") for name, each in found if each]
    by = ", ".join(f"`{command}`" for command in dict.fromkeys(commands))
    return f"{rows(('', *(column.head for column in columns)), body)}\n\nBy {by}."


def _impossible(entries: Sequence[Entry]) -> list[str]:
    """Which models cannot be put on integers, and why."""
    reasons = {entry.name: entry.measured.note("int8").partition(";")[0] for entry in entries}
    return [f"`{name}` is not on integers: {why}." for name, why in reasons.items() if why]


def _machine(store: Store) -> str:
    values = store.times.machine
    rest = [f"{name} {values[name]}" for name in ("onnxruntime",) if name in values]
    return ", ".join([f"{values['processor']}, {values['cores']} cores", *rest])


def _pictures(entries: Sequence[Entry]) -> dict[str, str]:
    """The plots, as files of SVG by name."""
    found = {}
    for on in PEERED:
        curves = [Curve(entry.name, entry.errors(on)) for entry in entries]
        threshold = entries[0].measured.threshold[on]
        label = f"error by inter_ocular on {TITLES[on]}"
        found[f"models-ced-{on}.svg"] = alone(ced_chart(curves, threshold, label), WHITE)
    lines = []
    for entry in entries:
        times = [_joined(entry, columns) for columns in (TIME[:1], INTEGERS[3:4])]
        errors = [100 * _joined(entry, columns) for columns in (ERRORS, SMALL_ERRORS)]
        lines.append(Line(entry.name, np.where(np.isfinite(errors), times, np.nan), errors))
    label = "milliseconds for a face, network alone, one core"
    chart = sweep_chart(lines, label, "mean error, %", named=True)
    found["models-time.svg"] = alone(chart, WHITE)
    return found


def _peers(path: Path, said: str) -> str:
    """The section about tools of others; empty if nobody has measured them."""
    if not path.exists():
        return ""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        body = [_peer(result["model"], result["figures"]) for result in values["results"]]
        command = values["command"]
    except (ValueError, KeyError, TypeError) as error:
        raise CanthusError(
            f"{path}: expected what `canthus benchmark peers --json` prints, found another file "
            f"({error!r})"
        ) from None
    heads = [
        f"{TITLES[on]}{what}"
        for on in PEERED
        for what in (", as it is", ", offset removed", ", fail")
    ]
    table = rows(("", *heads, "missed", "whole answer"), body)
    return f"## Beside dlib and MediaPipe\n\n{said}\n\n{table}\n\nBy `{command}`."


def _peer(model: str, figures: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """A row about a tool."""
    found = [Figure(**figure) for figure in figures]  # type: ignore[arg-type]
    values = {(figure.metric.split()[0], figure.benchmark): shown(figure) for figure in found}
    cells = []
    for where in (f"{name}, jitter boxes" for name in PEERED):
        asked = (("nme", where), ("nme", f"{where}, offset removed"), ("failure_rate", where))
        cells += [values.get(each, NONE) for each in asked]
    missed = sum(figure.value for figure in found if figure.metric == "missed_count")
    inside = link(model) if model in weights.names() else model
    time = values.get(("face_ms", f"{PEERED[0]}, jitter boxes"), NONE)
    return (inside, *cells, f"{missed:g}", time)
