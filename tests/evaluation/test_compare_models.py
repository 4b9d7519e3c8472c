"""The pages about the models inside, of figures made up; and the measuring, of drawn faces."""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from canthus.detection import Mtcnn
from canthus.errors import CanthusError
from canthus.evaluation import Benchmark, speed
from canthus.evaluation.protocols import YAW
from canthus.images.files import read_image
from canthus.runtime import Manifest, weights
from canthus.runtime.manifest import Figure

ROOT = Path(__file__).parents[2]
NAMES = ("one", "two")
SAID = Figure("nme inter_ocular", "300w-val, jitter boxes", 0.04, "canthus evaluate one 300w-val")


@pytest.fixture(scope="module")
def scripts() -> Any:
    """The modules that belong together, by name."""
    pytest.importorskip("matplotlib")
    sys.path.insert(0, str(ROOT / "scripts"))
    names = ("compare_models", "model_figures", "model_entries", "model_cards", "model_pages")
    found = {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(ROOT / "scripts"))
    return SimpleNamespace(**found)


@pytest.fixture
def inside(
    spot_network: Callable[[Manifest], bytes],
    spot_manifest: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Two models inside the package, the first of which knows a figure of its own."""
    for name in NAMES:
        manifest = replace(spot_manifest, name=name, figures=(SAID,) if name == "one" else ())
        (tmp_path / f"{name}.onnx").write_bytes(spot_network(manifest))
    monkeypatch.setattr(weights, "INSIDE", tmp_path)
    return tmp_path


def made_up(scripts: Any, value: float) -> Any:
    """Figures for every column, all the same; and a face that was missed."""
    figures: dict[str, tuple[Figure, ...]] = {}
    for column in scripts.model_entries.EVERY:
        place = f"{column.part.rpartition(' ')[2]}, {column.ending}"
        figure = Figure(f"{column.metric} inter_ocular", place, value, f"measure {column.part}")
        figures[column.part] = (*figures.get(column.part, ()), figure)
    errors = dict.fromkeys(("300w-val", "ytf68-val"), (value, None))
    threshold = dict.fromkeys(errors, 0.08)
    return scripts.model_figures.Measured("", {"cores": "2"}, figures, errors, threshold)


@pytest.fixture
def store(scripts: Any) -> Any:
    """Of two models, the first of which is the better one."""
    times = scripts.model_figures.Times(machine={"processor": "abacus", "cores": "2"})
    models = {name: made_up(scripts, 0.04 + i) for i, name in enumerate(NAMES)}
    return scripts.model_figures.Store(models, times)


WORDS: dict[str, Any] = {
    "page": dict.fromkeys(
        (
            *("intro", "good", "fast", "plot", "covered"),
            *("boxes", "steady", "integers", "peers", "limits"),
        ),
        "So.",
    )
    | {"figures": "Among {count}."},
    "never": ["To say who somebody is."],
    "unknown": ["Faces of cats."],
    "models": {
        name: {
            "for": "spots",
            "not_for": "faces",
            "is": "A ring.",
            "uses": ["Spots."],
            "wrong": ["[All](methods/none.md) of it."],
        }
        for name in NAMES
    },
}


def leave_pictures(scripts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No plots, and a small picture in place of a sheet."""
    monkeypatch.setattr(scripts.model_pages, "_pictures", lambda entries: {})
    monkeypatch.setattr(scripts.model_pages, "sheet", lambda aligner: np.zeros((16, 16, 3), "u1"))


@pytest.fixture
def write(
    scripts: Any, store: Any, inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Writes the pages into a folder; the plots, which take a while, only where asked for."""

    def write(
        changed: Any = store, peers: Path = tmp_path / "none.json", drawn: bool = False
    ) -> Path:
        where = Path("measured.json")
        if not drawn:
            leave_pictures(scripts, monkeypatch)
        scripts.model_pages.write(changed, WORDS, tmp_path / "docs", peers=peers, where=where)
        return tmp_path / "docs"

    return write


def test_every_model_has_a_row_and_a_card(write: Callable[..., Path]) -> None:
    docs = write()

    page = (docs / "models.md").read_text()
    assert page.count("\n| [`one`](models/one.md) | 4.00 % |") > 2
    assert [path.stem for path in sorted((docs / "models").iterdir())] == ["one", "two"]


def test_what_follows_from_the_figures_is_said(write: Callable[..., Path]) -> None:
    page = (write() / "models.md").read_text()

    assert "- **The most accurate**: `one` (" in page
    assert "- **Neither more error nor more time**: `one`; " in page
    assert "Take `two` for what else they give." in page


def test_the_plots_are_files_of_their_own(write: Callable[..., Path]) -> None:
    docs = write(drawn=True)

    names = ("models-ced-300w-val", "models-ced-ytf68-val", "models-time")
    texts = [(docs / "pictures" / f"{name}.svg").read_text() for name in names]
    assert all(text.startswith('<svg xmlns="http://www.w3.org/2000/svg" ') for text in texts)
    assert read_image(docs / "pictures" / "limits-one.jpg").shape[1] > 3 * 200
    assert "](../pictures/limits-one.jpg)" in (docs / "models" / "one.md").read_text()
    assert all(f"](pictures/{name}.svg)" in (docs / "models.md").read_text() for name in names)


def test_a_card_says_what_the_file_says(write: Callable[..., Path]) -> None:
    card = (write() / "models" / "one.md").read_text()

    row = f"| {SAID.metric} | {SAID.benchmark} | 4.00 % | 1 of 2 | `{SAID.command}` |"
    assert card.count(row) == 1
    assert "- To say who somebody is." in card
    assert "[All](../methods/none.md)" in card


def test_what_a_file_says_otherwise_is_told_and_stands_beside(
    scripts: Any, store: Any, inside: Path, tmp_path: Path
) -> None:
    models = {**store.models, "one": made_up(scripts, 0.05)}
    (one,) = scripts.model_entries.entries_of(replace(store, models=models), ["one"], inside)

    card = scripts.model_cards.card(one, [one], WORDS)

    assert [(then.value, now.value) for then, now in one.changed()] == [(0.04, 0.05)]
    assert f"| {SAID.benchmark} | 4.00 % | 1 of 1 |" in card
    assert f"| {SAID.benchmark}, today | 5.00 % | 1 of 1 |" in card


@pytest.mark.parametrize("part", ["boxes", "int8 times", "start"])
def test_a_missing_figure_is_named(write: Callable[..., Path], store: Any, part: str) -> None:
    del store.models["two"].figures[part]

    with pytest.raises(CanthusError, match=rf"measured.json: expected .* of two \({part}, "):
        write()


def test_a_model_that_was_not_measured_is_named(write: Callable[..., Path], store: Any) -> None:
    with pytest.raises(CanthusError, match="expected figures of two, found none; measure it"):
        write(replace(store, models={"one": store.models["one"]}))


def test_what_there_can_be_no_figures_of_is_said(write: Callable[..., Path], store: Any) -> None:
    for part in [part for part in store.models["two"].figures if part.startswith("int8")]:
        del store.models["two"].figures[part]
    store.models["two"].notes["int8"] = "there are no integers; try again"

    page = (write() / "models.md").read_text()

    assert "`two` is not on integers: there are no integers." in page
    assert "| [`two`](models/two.md) | - | - | - | - | - |" in page


def test_other_tools_stand_beside(write: Callable[..., Path], tmp_path: Path) -> None:
    figures = [
        {"metric": metric, "benchmark": on, "value": value, "command": ""}
        for metric, on, value in (
            ("nme inter_ocular", "300w-val, jitter boxes", 0.05),
            ("nme inter_ocular", "300w-val, jitter boxes, offset removed", 0.03),
            ("missed_count", "300w-val, jitter boxes", 3),
            ("face_ms", "300w-val, jitter boxes", 1.5),
        )
    ]
    path = tmp_path / "peers.json"
    results = [{"model": "dlib", "figures": figures}]
    path.write_text(json.dumps({"command": "canthus benchmark peers", "results": results}))

    page = (write(peers=path) / "models.md").read_text()

    assert "| dlib | 5.00 % | 3.00 % | - | - | - | - | 3 | 1.50 ms |" in page


def test_a_model_without_words_is_named(scripts: Any) -> None:
    with pytest.raises(
        CanthusError, match=r"models\.yaml: expected words on the model three, found"
    ):
        scripts.model_pages.read_words(["three"])


def test_every_model_inside_has_words(scripts: Any) -> None:
    assert list(scripts.model_pages.read_words(weights.names())["models"]) == weights.names()


def test_times_are_medians_over_rounds_and_the_least_of_all(scripts: Any) -> None:
    module = scripts.model_figures
    rounds = tuple(
        {"one": {"times": (module.Taken("face_ms", "it", "", median, least),)}}
        for median, least in ((3.0, 2.0), (9.0, 2.5), (4.0, 1.0))
    )

    (taken,) = module.Times(rounds=rounds).of("one")["times"]

    assert (taken.median, taken.least) == (4.0, 1.0)


def test_what_is_written_is_read(scripts: Any, store: Any, tmp_path: Path) -> None:
    store.write(tmp_path / "kept.json")

    assert scripts.model_figures.read(tmp_path / "kept.json") == store


def test_another_file_is_refused(scripts: Any, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text('{"schema": 1, "kind": "evaluation"}')

    with pytest.raises(CanthusError, match=r"kept\.json: expected the figures of compare"):
        scripts.model_figures.read(tmp_path / "kept.json")


@pytest.fixture
def bench(scripts: Any, inside: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Measures on drawn faces, with whole processes and a detector that are not really there."""
    bins = {name: (index,) for index, name in enumerate(YAW)}
    few = replace(benchmark, samples=benchmark.samples[: len(bins)], subsets=bins)
    for name in ("canthus.evaluation.suite.open_benchmark", "compare_models.open_benchmark"):
        monkeypatch.setattr(name, lambda name, root: few)
    (inside / "300w").mkdir()
    monkeypatch.setattr(Mtcnn, "__call__", lambda detector, image: [])
    start = speed.Start(speed.Timing(300.0, 290.0, 1), 120.0)
    monkeypatch.setattr(speed, "time_start", lambda photo, **_: start)
    monkeypatch.setattr(scripts.compare_models, "RUNS", {1: 1, 32: 1})
    return scripts.compare_models.Bench(inside, inside, inside / "kept.json", 2)


def test_everything_is_measured_once_and_written(
    scripts: Any, bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.measure(["two"])
    monkeypatch.setattr(bench.__class__, "figures", None)
    monkeypatch.setattr(bench.__class__, "times", None)
    bench.measure(["two"])

    store = scripts.model_figures.read(bench.kept)
    words = {**WORDS, "models": {"two": WORDS["models"]["two"]}}
    leave_pictures(scripts, monkeypatch)
    scripts.model_pages.write(store, words, tmp_path, peers=tmp_path / "no", where=bench.kept)
    assert "`two` is not on integers: expected" in (tmp_path / "models.md").read_text()
    assert len(store.times.rounds) == 2
    for figures in store.models["two"].figures.values():
        assert all("two" in figure.command or "models" in figure.command for figure in figures)


def test_a_model_whose_file_has_changed_is_measured_anew(
    scripts: Any, bench: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(bench.kept)  # with digests of no file
    asked: list[str] = []
    figures = replace(store.models["two"], notes={"int8": "none"})

    def measured(self: Any, name: str) -> Any:
        asked.append(name)
        return replace(figures, digest=scripts.compare_models.digest(name))

    monkeypatch.setattr(bench.__class__, "figures", measured)
    bench.measure(["two"])
    bench.measure(["two"])

    assert asked == ["two"]
    assert list(scripts.model_figures.read(bench.kept).models) == ["one", "two"]
