"""The card of a model: what it is for and must not be used for, its figures, what it gets wrong."""

import re
from collections.abc import Iterable, Sequence

from model_entries import EVERY, NONE, Entry, Words, rows

from canthus.evaluation.figures import shown
from canthus.recipes import HERE
from canthus.runtime import weights


def card(entry: Entry, entries: Sequence[Entry], words: Words) -> str:
    """The page of one model, as Markdown in `models/`.

    Args:
        entry: the model.
        entries: all that it is compared with.
        words: said by hand; their links are from the folder above.
    """
    said, lead = words["models"][entry.name], words["page"]["figures"]
    limits = (
        f"![A portrait as {entry.name} meets it at its limits](pictures/limits-{entry.name}.jpg)"
    )
    sections = {
        "What it is for": [_bullets(said["uses"]), f"Not for: {said['not_for']}."],
        "What it must not be used for": [_bullets(words["never"])],
        "Data and license": [_license(entry)],
        "How it was made": [_recipe(entry)],
        "Figures": [lead.format(count=len(entries)), _figures(entry, entries), _notes(entry)],
        "What it gets wrong": [_bullets(said["wrong"]), words["page"]["limits"], limits],
        "What nobody knows": [_bullets(words["unknown"])],
    }
    head = f"# `{entry.name}`{entry.also}\n\n{said['is'].strip()}\n\n{_facts(entry)}"
    parts = [f"## {title}\n\n" + "\n\n".join(filter(None, s)) for title, s in sections.items()]
    return _deeper("\n\n".join([head, *parts])) + "\n"


def _facts(entry: Entry) -> str:
    manifest, path = entry.manifest, weights.find(entry.name)
    page = f"methods/{manifest.family}.md"
    body = [
        ("family", f"[{manifest.family}]({page})"),
        ("answers", f"landmarks of scheme `{manifest.scheme}`"),
        ("sees", f"{manifest.crop_size} px, {manifest.crop_scale:g} times the box"),
        ("file", f"`src/canthus/weights/{path.name}`, {path.stat().st_size / 1e6:.1f} MB"),
        ("written", f"{manifest.created[:10] or 'not said'} by Canthus {manifest.version}"),
        ("use", f"`canthus align photo.jpg --model {entry.name} --out faces/`"),
    ]
    return rows(("", ""), body)


def _license(entry: Entry) -> str:
    manifest = entry.manifest
    data = ", ".join(f"`{name}`" for name in manifest.data) or "not said"
    return (
        f"Learned from {data} ([what these are](howto/datasets.md)). License, as the file says it: "
        f"**{manifest.license or 'not said'}**; see [NOTICE](../NOTICE)."
    )


def _recipe(entry: Entry) -> str:
    recipe = entry.manifest.recipe
    name, start = str(recipe.get("name", "")), recipe.get("start")
    if not name:
        return "Its file does not say."
    lines = [
        f"canthus train {name} --data data --out runs/{name}",
        f"canthus export runs/{name}/model.safetensors --out {entry.name}.onnx",
    ]
    known = (HERE / f"{name}.yaml").is_file()
    inside = f"[`{name}`](../src/canthus/recipes/{name}.yaml)" if known else f"`{name}`"
    begun = [start] if isinstance(start, str) else start or []
    named = " and ".join(f"`{each}`" for each in begun)
    mean = "the mean of " if len(begun) > 1 else ""
    before = f" It goes on from {mean}{named}." if begun else ""
    return (
        f"By the recipe {inside}.{before} [All trainings before it](howto/train.md)."
        "\n\n```sh\n" + "\n".join(lines) + "\n```"
    )


def _figures(entry: Entry, entries: Sequence[Entry]) -> str:
    """All figures: those of the file first."""
    found = [(column, entry.figure(column)) for column in EVERY]
    measured = {(f.metric, f.benchmark): (column, f) for column, f in found if f is not None}
    changed = {(now.metric, now.benchmark): now for _, now in entry.changed()}
    body = []
    for figure in entry.manifest.figures:
        column, _ = measured.pop((figure.metric, figure.benchmark), (None, None))
        place = NONE if column is None else entry.place(column, entries)
        cells = (shown(figure), place, _code(figure.command))
        body.append((figure.metric, figure.benchmark, *cells))
        if now := changed.get((figure.metric, figure.benchmark)):
            today = (shown(now), place, _code(now.command))
            body.append((figure.metric, f"{figure.benchmark}, today", *today))
    for column, figure in measured.values():
        cells = (entry.shown(column), entry.place(column, entries), _code(figure.command))
        body.append((figure.metric, figure.benchmark, *cells))
    return rows(("what", "of", "value", "place", "command"), body)


def _notes(entry: Entry) -> str:
    """What has no figures, and why; on what machine the rest was had."""
    machine = ", ".join(f"{k} {v}" for k, v in entry.measured.machine.items())
    lacking = [f"No figures of {part}: {why}." for part, why in entry.measured.notes.items()]
    taken = "Times are medians over rounds in which all models took turns, with the least beside."
    return "\n\n".join([*lacking, f"{taken} Measured on: {machine}."])


def _code(command: str) -> str:
    return f"`{command}`" if command else NONE


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line.strip()}" for line in lines)


def _deeper(text: str) -> str:
    """The same with links from a folder further down."""
    return re.sub(r"\]\((?!https?:|#)", "](../", text)
