"""The models inside the package are what they say of themselves."""

from pathlib import Path

import numpy as np
import pytest

from canthus import load, read_image
from canthus.evaluation import evaluate, open_benchmark
from canthus.runtime import weights

ASTRONAUT = Path(__file__).parents[2] / "docs" / "pictures" / "astronaut.jpg"
NAMES = ["hourglass", "hourglass-fast"]


def test_they_are_the_ones_that_are_known() -> None:
    assert weights.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_its_terms_and_figures_and_is_small(name: str) -> None:
    manifest = load(name).manifest

    assert manifest.name == name
    assert manifest.license == "research-only (300-W, YouTube Faces frames, AFLW)"
    assert all(figure.command.startswith("canthus evaluate") for figure in manifest.figures)
    assert weights.find(name).stat().st_size < 8e6


@pytest.mark.parametrize("name", NAMES)
def test_a_portrait_gets_eyes_in_the_eyes(name: str) -> None:
    (face,) = load(name)(read_image(ASTRONAUT))

    # the irises, read off the picture by eye
    right, left = (face.landmarks.part(f"{side}_eye").mean(axis=0) for side in ("right", "left"))
    np.testing.assert_allclose([right, left], [(203, 101.5), (247, 103)], atol=2)


@pytest.mark.parametrize("name", NAMES)
def test_the_error_in_the_manifest_is_found_again(name: str, shared: Path) -> None:
    aligner = load(name)
    said = next(
        figure.value
        for figure in aligner.manifest.figures
        if (figure.metric, figure.benchmark) == ("nme inter_ocular", "300w-val, jitter boxes")
    )

    report = evaluate(aligner, open_benchmark("300w-val", shared / "data"))

    assert report.headline.nme == pytest.approx(said, rel=0.01)
