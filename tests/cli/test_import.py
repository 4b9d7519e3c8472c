"""`canthus import`, called as from a shell."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tests.importing.test_mxnet import tensor, whole

from canthus.importing import heatmap
from canthus.models import HeatmapConfig, build

Command = Callable[..., Any]

PUBLISHED = HeatmapConfig(
    width=0.125, depth=1, num_stacks=1, loss="l2", labels="published", decoder="published"
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
