"""`canthus import`, called as from a shell."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.importing.test_mxnet import tensor, whole
from tests.models.lgrn_recipes import filled

from canthus.faces.face_model import FaceModel, Keypoints, write_face_model
from canthus.importing import heatmap, lgrn
from canthus.models import HeatmapConfig, build

Command = Callable[..., Any]

PUBLISHED = HeatmapConfig(
    width=0.125, depth=1, num_stacks=1, loss="l2", labels="published", decoder="fit"
)


def written(folder: Path, config: HeatmapConfig) -> Path:
    """A checkpoint as the original project writes it."""
    torch.manual_seed(0)
    state = build(config).state_dict()
    names = heatmap.original_names(config)
    path = folder / "model-0080.params"
    tensors = [tensor(state[key].numpy()) for key in names]
    path.write_bytes(whole(tensors, [name.encode() for name in names.values()]))
    return path


def test_a_published_checkpoint_aligns_a_photo(
    command: Command, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine.safetensors"

    done = command("import", "heatmap", written(tmp_path, PUBLISHED), "--out", out)

    assert done.code == 0, done.err
    assert "hourglass, 1 stacks of depth 1, blocks cab" in done.out
    aligned = command("align", photo, "--model", out, "--box", "50,40,120,90", "--json")
    assert aligned.code == 0, aligned.err
    assert aligned.out.count('"scheme": "68"') == 1
    published = command(
        "align", photo, "--model", out, "--box", "50,40,120,90", "--json", "--parity"
    )
    assert published.code == 0, published.err
    assert published.out.count('"scheme": "68"') == 1
    assert published.out != aligned.out


def test_a_checkpoint_of_lgrn_aligns_a_photo(command: Command, photo: Path, tmp_path: Path) -> None:
    config = replace(lgrn.PUBLISHED, backbone="mobilenet_c", size=64, width=8, blocks=1)
    _, state = filled(config, 3, 0.7)
    source, out = tmp_path / "best.pth.tar", tmp_path / "lgrn.safetensors"
    torch.save({"state_dict": state | {"backbone.fc.bias": torch.ones(1000)}}, source)

    done = command("import", "lgrn", source, "--out", out)

    assert done.code == 0, done.err
    assert "lgrn, mobilenet_c, 98 landmarks, base nodes, static edges" in done.out
    assert "ignored backbone.fc.bias" in done.out
    for more in ([], ["--parity"]):
        aligned = command("align", photo, "--model", out, "--box", "50,40,120,90", "--json", *more)
        assert aligned.code == 0, aligned.err
        assert aligned.out.count('"scheme": "98"') == 1


def test_another_number_of_maps_is_said(command: Command, tmp_path: Path) -> None:
    path = written(tmp_path, replace(PUBLISHED, num_landmarks=5))

    done = command("import", "heatmap", path, "--out", tmp_path / "a.safetensors")
    assert done.code == 1
    assert "expected 68 maps, as scheme 68 has landmarks, found 5" in done.err
    again = command("import", "heatmap", path, "--out", tmp_path / "a.safetensors", "--scheme", "5")
    assert again.code == 0, again.err


def test_a_file_of_something_else_is_refused_and_nothing_written(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(b"no tensors")

    done = command("import", "heatmap", path, "--out", tmp_path / "a.safetensors")

    assert done.code == 1
    assert "a.params" in done.err
    assert not (tmp_path / "a.safetensors").exists()
    assert command("import", "dlib", path, "--out", tmp_path / "b.safetensors").code == 2


def test_a_released_dpr_aligns_a_photo(
    command: Command, photo: Path, shared: Path, tmp_path: Path
) -> None:
    out = tmp_path / "gsr.safetensors"

    done = command("import", "dpr", shared / "parity" / "dpr", "--out", out)

    assert done.code == 0, done.err
    assert "dpr, 98 landmarks, global stage alone" in done.out
    aligned = command("align", photo, "--model", out, "--box", "50,40,120,90", "--json")
    assert aligned.code == 0, aligned.err
    assert aligned.out.count('"scheme": "98"') == 1


def test_a_published_3ddfa_finds_depths_and_the_pose(
    command: Command, photo: Path, solid: list[str | Path], tmp_path: Path
) -> None:
    done = command(*solid)

    assert done.code == 0, done.err
    assert "tddfa, mobilenet, 62 coefficients, conventions v1" in done.out
    box = ("--box", "50,40,120,90")
    for way in ((), ("--parity",)):
        words = ("align", photo, "--model", tmp_path / "mb.safetensors", *box, "--json", *way)
        aligned = command(*words)
        assert aligned.code == 0, aligned.err
        (face,) = json.loads(aligned.out)["faces"]
        assert np.shape(face["landmarks"]["points"]) == (68, 3)
    again = command(*solid, "--conventions", "v2")
    assert "conventions v2" in again.out


@pytest.mark.parametrize(
    ("leave", "said"),
    [("--face-model", "--face-model: needed for tddfa"), ("--whitening", "--whitening: needed")],
)
def test_what_the_numbers_mean_must_be_said(
    command: Command, solid: list[str | Path], leave: str, said: str
) -> None:
    place = solid.index(leave)

    done = command(*solid[:place], *solid[place + 2 :])

    assert done.code == 2
    assert said in done.err


def test_options_of_another_family_are_refused(command: Command, tmp_path: Path) -> None:
    words = ("import", "dpr", tmp_path, "--out", tmp_path / "a.safetensors")

    done = command(*words, "--conventions", "v2")

    assert done.code == 2
    assert "--conventions: used by tddfa only" in done.err


def test_another_face_model_is_refused(
    command: Command, solid: list[str | Path], tmp_path: Path
) -> None:
    model = FaceModel(
        name="mine",
        license="none",
        unit_mm=10,
        neutral=np.random.default_rng(0).normal(size=(68, 3)),
        triangles=[[0, 1, 2]],
        keypoints=Keypoints.at(range(68)),
        identity=np.ones((40, 68, 3)),
        expression=np.ones((10, 68, 3)),
    )
    write_face_model(model, tmp_path / "faces.safetensors")

    done = command(*solid)

    assert done.code == 1
    assert "expected the Basel model in micrometres, found mine in units of 10 mm" in done.err
    assert not (tmp_path / "mb.safetensors").exists()
