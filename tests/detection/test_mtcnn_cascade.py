from pathlib import Path

import numpy as np
import pytest

from canthus.detection import mtcnn_cascade, mtcnn_weights
from canthus.detection.mtcnn_cascade import Found, Search, look
from canthus.detection.mtcnn_networks import Networks
from canthus.images.files import read_image

ASTRONAUT = Path(__file__).parents[2] / "docs" / "pictures" / "astronaut.jpg"
SEARCH = Search(scores=(0.6, 0.7, 0.8), factor=0.709)
FOUND = Found(
    windows=np.array([[0.0, 0, 10, 12], [20, 20, 30, 30]]),
    scores=np.array([3.0, 1.0], np.float32),
    points=np.arange(20.0).reshape(2, 5, 2),
)


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks(mtcnn_weights.find())


@pytest.mark.parametrize("cap", ["MAX_CELLS", "MAX_PROPOSED", "MAX_REFINED"])
def test_the_likeliest_window_survives_every_cap(
    networks: Networks, monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    image = read_image(ASTRONAUT)
    everything = look(networks, image, SEARCH, 20)
    monkeypatch.setattr(mtcnn_cascade, cap, 20 if cap == "MAX_PROPOSED" else 1)

    found = look(networks, image, SEARCH, 20)

    np.testing.assert_allclose(found.windows[0], everything.windows[0], atol=8)


def test_the_log_says_when_not_every_window_is_judged(
    networks: Networks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mtcnn_cascade, "MAX_PROPOSED", 5)

    look(networks, read_image(ASTRONAUT), SEARCH, 20)

    assert "windows may hold faces; only the likeliest 5 are judged" in caplog.text


def test_a_larger_picture_has_larger_windows_and_points() -> None:
    resized = FOUND.resized((40, 60), to=(80, 180))

    assert resized.windows[0].tolist() == [0.5, 1, 20.5, 37]
    assert resized.points[0, 1].tolist() == [4.5, 10]


def test_only_the_surer_ones_stay() -> None:
    sure = FOUND.surer_than(0.9)  # a logit of 2.2

    assert sure.scores.tolist() == [3.0]
    assert len(FOUND.surer_than(0.99)) == 0
