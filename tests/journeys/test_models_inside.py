"""The models inside the package are what they say of themselves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus import load, read_image
from canthus.evaluation import evaluate, open_benchmark
from canthus.geometry import Box, Similarity
from canthus.images.warp import crop
from canthus.runtime import weights

ROOT = Path(__file__).parents[2]
ASTRONAUT = ROOT / "docs" / "pictures" / "astronaut.jpg"
NAMES = ["lgrn", "dpr-glsr", "dpr-glsr-98", "dpr-gsr", "dpr-gsr-98", "hourglass"]
NAMES += ["hourglass-fast", "musica", "tddfa"]
TERMS = "research-only (300-W, YouTube Faces frames, AFLW"
DISTILLED = "; distilled from weights trained on WFLW"


def test_they_are_the_ones_that_are_known() -> None:
    assert weights.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_its_terms_and_figures_and_is_small(name: str) -> None:
    manifest = load(name).manifest

    assert manifest.name == name
    assert manifest.license == f"{TERMS}{DISTILLED if name.endswith('-98') else ''})"
    assert all(figure.command.startswith("canthus evaluate") for figure in manifest.figures)
    assert weights.find(name).stat().st_size < 8e6


@pytest.mark.parametrize("name", NAMES)
def test_a_portrait_gets_eyes_in_the_eyes(name: str) -> None:
    (face,) = load(name)(read_image(ASTRONAUT))

    # the irises, read off the picture by eye
    right, left = (face.landmarks.part(f"{side}_eye").mean(axis=0) for side in ("right", "left"))
    np.testing.assert_allclose([right[:2], left[:2]], [(203, 101.5), (247, 103)], atol=2)


@pytest.mark.parametrize("name", NAMES)
def test_the_error_in_the_manifest_is_found_again(name: str, shared: Path) -> None:
    benchmark, metric = ("300w-val", "nme inter_ocular")
    if name == "tddfa":  # whose outline lies in space, not where 300-W marks it
        benchmark, metric = ("aflw21-val", "nme given_box_size")
    aligner = load(name)
    said = next(
        figure.value
        for figure in aligner.manifest.figures
        if (figure.metric, figure.benchmark) == (metric, f"{benchmark}, jitter boxes")
    )

    report = evaluate(aligner, open_benchmark(benchmark, shared / "data"))

    assert report.headline.nme == pytest.approx(said, rel=0.01)


def figures_in(said: Any, model: str = "") -> Iterator[tuple[str, str, str, float]]:
    """Model, metric, benchmark and value of all figures in a report that is about models."""
    if isinstance(said, list):
        for each in said:
            yield from figures_in(each, model)
    elif isinstance(said, dict) and {"metric", "benchmark", "value"} <= set(said):
        yield model, said["metric"], said["benchmark"], said["value"]
    elif isinstance(said, dict):
        for name, each in said.items():
            yield from figures_in(each, name if name in NAMES else said.get("model", model))


@pytest.mark.parametrize("name", ["models.json", "benchmark/peers.json"])
def test_errors_in_reports_are_those_of_the_models_files(name: str) -> None:
    own = {
        (model, figure.metric, figure.benchmark): figure.value
        for model in NAMES
        for figure in load(model).manifest.figures
        if figure.metric.startswith("nme")
    }
    said = list(figures_in(json.loads((ROOT / "reports" / name).read_text())))

    theirs = {each[:3]: each[3] for each in said if each[:3] in own}

    assert {model for model, _, _ in theirs} == set(NAMES)
    assert theirs == pytest.approx({key: own[key] for key in theirs}, rel=0.01)


def test_a_portrait_in_space_looks_ahead_and_shows_all_landmarks() -> None:
    image = read_image(ASTRONAUT)
    (face,) = load("tddfa")(image)
    (other,) = load("tddfa")(image[:, ::-1].copy())

    assert face.landmarks.points.shape == (68, 3)
    assert face.pose is not None
    assert other.pose is not None
    assert abs(face.pose.yaw_deg) < 10
    assert abs(face.pose.pitch_deg) < 15
    assert face.pose.roll_deg == pytest.approx(
        -other.pose.roll_deg, abs=3
    )  # off by that on average
    assert face.visible is not None
    assert face.visible.all()
    depths = face.landmarks.points[:, 2]
    assert depths[30] == depths.min()  # the tip of the nose is nearest
    assert depths[[0, 16]].min() > depths[17:].max()  # and the outline beside the ears furthest


@pytest.mark.parametrize("roll_deg", [-60, 45, 75])
def test_a_leaning_face_in_a_loose_box_is_stood_up_first(roll_deg: float) -> None:
    image = read_image(ASTRONAUT)
    (upright,) = load("hourglass")(image)
    size = 512
    turn = Similarity.about(upright.box.center, (size / 2, size / 2), scale=2.0, roll_deg=roll_deg)
    truth = turn.apply(upright.landmarks.points)
    box = Box.around(truth).squared().scaled(1.3)

    (face,) = load("hourglass", reinitialize=True)(crop(image, turn, size), [box])

    apart = np.linalg.norm(face.landmarks.points - truth, axis=1).mean()
    assert apart < 0.05 * np.linalg.norm(truth[36] - truth[45])
