"""Every example in the docs runs, where there is a picture named photo.jpg."""

import re
import shutil
from pathlib import Path

import pytest

from canthus.evaluation.figures import shown
from canthus.runtime import open_weights, weights

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")

CARDS = sorted((ROOT / "docs" / "models").glob("*.md"))

EXAMPLES = [
    pytest.param(code, id=f"{page.relative_to(ROOT).as_posix()}-{number}")
    for page in PAGES
    for number, code in enumerate(EXAMPLE.findall(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "docs" / "pictures" / "astronaut.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)

    exec(compile(code, "example", "exec"), {"__name__": "example"})


def test_the_commands_of_reports_run_elsewhere_too() -> None:
    commands = {
        (path.relative_to(ROOT).as_posix(), command)
        for path in (ROOT / "reports").rglob("*.json")
        for command in re.findall(r'"command": "([^"]*)"', path.read_text(encoding="utf-8"))
    }

    assert commands
    assert not {(path, said) for path, said in commands if re.search(r"(^|[ =])[/~]", said)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert not [link for link in links if not (page.parent / link).exists()]


def test_every_model_inside_has_a_card() -> None:
    if not CARDS:
        pytest.skip("no card is written yet: python scripts/compare_models.py DATA")

    assert {card.stem for card in CARDS} == set(weights.names())


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.stem)
def test_a_card_says_what_the_model_says(card: Path) -> None:
    text = card.read_text(encoding="utf-8")
    manifest, _ = open_weights(weights.find(card.stem))

    rows = [f"| {f.metric} | {f.benchmark} | {shown(f)} |" for f in manifest.figures]
    assert not [row for row in rows if row not in text]
    assert f"**{manifest.license}**" in text
