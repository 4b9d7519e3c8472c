from pathlib import Path
from xml.etree import ElementTree

import pytest

from canthus.training import picture
from canthus.training.picture import draw_log

LOG = """step,learning_rate,points0,maps0,held_out_error
100,0.001,0.3,2.0,
200,0.001,0.2,1.5,0.04000
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


def test_a_log_is_drawn_with_its_terms_named(log: Path, tmp_path: Path) -> None:
    draw_log(log, tmp_path / "log.svg")

    root = ElementTree.parse(tmp_path / "log.svg").getroot()
    said = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"points0", "maps0", "loss", "step", "held-out error, %"} <= said


def test_without_matplotlib_nothing_is_drawn(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "find_spec", lambda name: None)

    draw_log(log, tmp_path / "log.svg")

    assert not (tmp_path / "log.svg").exists()
