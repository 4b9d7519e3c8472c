import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.errors import WeightsError
from canthus.importing.musica import fill
from canthus.importing.musica_pipeline import Cut, clean, inferred, mean_face, trained
from canthus.models import Musica, MusicaConfig


@pytest.fixture
def geometry(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "parity" / "musica" / "geometry.json").read_text()))


def check(found: Cut, wanted: dict[str, Any]) -> None:
    np.testing.assert_allclose(found.start, np.flip(wanted["init_norm_yx"], -1), atol=1e-9)
    places = np.flip(wanted["init_image_yx"], -1)
    np.testing.assert_allclose(found.start_in_picture, places, atol=1e-9)


def test_the_crops_it_aims_at_are_the_published_ones(geometry: dict[str, Any]) -> None:
    mean = np.flip(geometry["reference_points_yx"], -1)
    for case in geometry["cases"]:
        found, wanted = clean(case["box_xyxy"], mean), case["clean"]
        check(found, wanted)
        np.testing.assert_allclose(found.to_crop, wanted["T_image_to_norm"][:2], atol=1e-9)
        np.testing.assert_allclose(found.size, wanted["norm_size_hw"][::-1], atol=1e-9)


def test_its_own_crops_are_the_published_ones(geometry: dict[str, Any]) -> None:
    mean = np.flip(geometry["reference_points_yx"], -1)
    for case in geometry["cases"]:
        found, wanted = inferred(case["box_xyxy"], mean), case["inference_as_coded"]
        check(found, wanted)
        np.testing.assert_allclose(found.to_crop, wanted["T_image_to_norm"][:2], atol=1e-9)
        assert found.size == tuple(wanted["scaled_size_hw"][::-1])


def test_its_trainings_crops_are_the_published_ones(geometry: dict[str, Any]) -> None:
    mean = np.flip(geometry["reference_points_yx"], -1)
    for case in geometry["cases"]:
        height, width = case["image_hw"]
        found, wanted = trained(case["box_xyxy"], (width, height), mean), case["training_as_coded"]
        check(found, wanted)
        factor = wanted["landmark_factor_yx"][::-1]
        np.testing.assert_allclose(found.to_crop.diagonal(), factor, atol=1e-12)
        assert found.size == tuple(wanted["out_shape_hw"][::-1])


def test_the_mean_face_is_the_published_one(shared: Path) -> None:
    case = dict(np.load(shared / "parity" / "musica" / "reference_shape.npz"))

    found = mean_face(np.flip(case["shapes_yx"], -1), case["boxes_xyxy"])

    np.testing.assert_allclose(np.flip(found, -1), case["reference_yx"], atol=1e-4)


def test_a_mean_of_no_face_is_refused() -> None:
    with pytest.raises(ValueError, match="sides of more than 10 pixels"):
        mean_face(np.zeros((1, 5, 2)), [[0, 0, 10, 50]])


def small() -> tuple[Musica, dict[str, Any]]:
    config = MusicaConfig(networks="published", steps=1, hidden=8, patches=(30, 36))
    shapes = {"Conv": (3, 3, 3, 32), "Conv_1": (3, 3, 32, 32), "FC": (256, 256)}
    shapes |= {"FC_1": (520, 8), "FC_2": (8, 137)}
    stored = {f"{name}/weights": np.ones(shape) for name, shape in shapes.items()}
    stored |= {f"{name}/biases": np.ones(shape[-1]) for name, shape in shapes.items()}
    return Musica(config), stored


def test_averages_are_preferred() -> None:
    network, stored = small()
    stored["Conv/biases/ExponentialMovingAverage"] = np.full(32, 2.0)

    fill(network, stored)

    assert (network.state_dict()["steps.0.conv1.bias"] == 2).all()
    assert (network.state_dict()["steps.0.conv2.bias"] == 1).all()


def test_a_missing_variable_is_named() -> None:
    network, stored = small()
    del stored["FC_1/biases"]

    with pytest.raises(WeightsError, match="expected a variable FC_1/biases, found none"):
        fill(network, stored)


def test_a_variable_of_another_size_is_named() -> None:
    network, stored = small()
    stored["FC_2/weights"] = np.ones((8, 197))

    with pytest.raises(WeightsError, match=r"FC_2/weights: expected \(137, 8\)"):
        fill(network, stored)
