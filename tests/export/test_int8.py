"""A network on 8-bit integers: what is on them, how near it comes, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import onnx
import pytest

from canthus.datasets import ibug
from canthus.errors import RecipeError, StorageError, WeightsError
from canthus.evaluation import evaluate, open_benchmark
from canthus.evaluation.complexity import count
from canthus.export import export_onnx, int8
from canthus.export.calibration import APART
from canthus.export.int8 import BOUND, export_int8
from canthus.models import build
from canthus.runtime import OnnxBackend, load
from canthus.training.start import begin

from .conftest import FACES, KEPT, RECIPE

FLOAT, INTEGER = onnx.TensorProto.FLOAT, onnx.TensorProto.INT8


def held(path: Path) -> dict[str, onnx.TensorProto]:
    return {value.name: value for value in onnx.load(path).graph.initializer}


def canthus(*words: str | Path, without: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command, as where a package is not installed."""
    hide = f"sys.modules[{without!r}] = None; " if without else ""
    script = f"import sys; {hide}from canthus.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_its_points_are_near_those_of_the_float_file(exported: Path, faces: Path) -> None:
    shift = export_int8(exported, exported.with_name("near.onnx"), faces)

    assert 0 < shift.mean < BOUND * shift.crop_size
    assert shift.mean < shift.largest < 3
    assert shift.calibration_pictures + shift.proof_pictures == FACES - KEPT
    assert shift.proof_pictures == -(-(FACES - KEPT) // APART)


def test_it_is_about_as_right_on_faces_that_nobody_showed_it(
    exported: Path, quantized: Path, faces: Path
) -> None:
    benchmark = open_benchmark("300w-val", faces)

    before, after = (evaluate(load(path), benchmark).headline.nme for path in (exported, quantized))

    assert len(benchmark.samples) == KEPT
    assert before < 0.08
    assert after < 1.05 * before


def test_it_is_smaller(exported: Path, quantized: Path) -> None:
    assert quantized.stat().st_size < 0.65 * exported.stat().st_size


def test_all_but_the_first_and_the_last_convolution_are_on_integers(quantized: Path) -> None:
    graph, values = onnx.load(quantized).graph, held(quantized)
    convolutions = [node for node in graph.node if node.op_type == "Conv"]

    in_floats = [node.input[1] in values for node in convolutions]

    assert in_floats == [True, *[False] * (len(convolutions) - 2), True]


def test_weights_have_seven_bits_so_that_no_processor_overflows(quantized: Path) -> None:
    weights = [
        onnx.numpy_helper.to_array(value)
        for value in held(quantized).values()
        if value.data_type == INTEGER and len(value.dims) == 4
    ]

    greatest = max(int(np.abs(each.astype(int)).max()) for each in weights)

    assert greatest == 64  # and 255 * 64 * 2 is below 2 ** 15


def test_decoding_stays_in_floats(quantized: Path) -> None:
    nodes = list(onnx.load(quantized).graph.node)
    last = max(place for place, node in enumerate(nodes) if node.op_type == "Conv")

    behind = {node.op_type for node in nodes[last:]}

    assert "Softmax" in behind
    assert not behind & {"QuantizeLinear", "DequantizeLinear"}


def test_it_has_every_output_of_the_float_file(exported: Path, quantized: Path) -> None:
    before, after = (
        {door.name: str(door.type) for door in onnx.load(path).graph.output}
        for path in (exported, quantized)
    )
    assert set(before) == set(after)


def test_its_manifest_says_so_and_takes_over_no_figures(exported: Path, quantized: Path) -> None:
    before, after = OnnxBackend(exported).manifest, OnnxBackend(quantized).manifest

    assert (before.precision, before.calibrated_on, len(before.figures)) == ("float32", 0, 1)
    assert (after.precision, after.calibrated_on, after.figures) == ("int8", 38, ())
    assert (after.name, after.recipe) == ("drawn-int8", before.recipe)


def test_it_is_counted_as_the_float_file(exported: Path, quantized: Path) -> None:
    assert count(quantized) == count(exported)


def test_a_training_s_file_gives_the_same(trained: Path, quantized: Path, faces: Path) -> None:
    path = trained.with_name("straight.onnx")
    export_int8(trained, path, faces)

    crops = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    ours, theirs = (OnnxBackend(each).run(crops)["points"] for each in (path, quantized))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_nothing_is_written_if_points_shift_too_far(
    exported: Path, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "BOUND", 1e-6)

    with pytest.raises(WeightsError, match=r"points shift by 0\.\d+ px on average, more"):
        export_int8(exported, tmp_path / "far.onnx", faces)

    assert not list(tmp_path.iterdir())


def test_what_is_on_integers_is_not_put_there_again(quantized: Path, faces: Path) -> None:
    with pytest.raises(WeightsError, match="on 8-bit integers already"):
        export_int8(quantized, quantized.with_name("twice.onnx"), faces)


def test_a_network_without_convolutions_is_refused(spot_weights: Path, faces: Path) -> None:
    with pytest.raises(WeightsError, match="found none; there is nothing to put on integers"):
        export_int8(spot_weights, spot_weights.with_name("no.onnx"), faces)


def test_no_training_begins_with_it(quantized: Path, faces: Path) -> None:
    with pytest.raises((WeightsError, RecipeError), match="8-bit integers"):
        begin(build(RECIPE.model), str(quantized), (), [])


def test_the_command_says_how_near_it_comes(exported: Path, faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.onnx"

    done = canthus("export", exported, "--out", out, "--int8", faces)

    assert done.returncode == 0, done.stderr
    assert "from the faces of 38 pictures; in 10 others its points are 0." in done.stdout
    sample = ibug.read(faces, "val")[0]
    assert len(load(out)(sample.image, [sample.box])) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--int8", "nowhere"], 1, "nowhere: expected a folder with pictures of faces"),
        ([], 2, "is an ONNX file already"),
        (["--int8", "nowhere", "--report", "report.json"], 2, "evaluate the new one"),
    ],
)
def test_the_command_refuses(
    exported: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = canthus("export", exported, "--out", tmp_path / "small.onnx", *words)

    assert done.returncode == code
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "torch"])
def test_the_command_says_which_package_is_missing(
    exported: Path, faces: Path, tmp_path: Path, package: str
) -> None:
    words = ("export", exported, "--out", tmp_path / "small.onnx", "--int8", faces)

    done = canthus(*words, without=package)

    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        f"this needs {package}; install it with `pip install 'canthus[torch]'`"
    )


def test_the_command_says_that_branches_stay(
    quitting_weights: Path, faces: Path, tmp_path: Path
) -> None:
    words = ("export", quitting_weights, "--int8", faces, "--steps", "all")

    done = canthus(*words, "--out", tmp_path / "small.onnx")

    assert done.returncode == 1
    assert "its steps are in branches, which stay there" in done.stderr


FullDisk = Callable[[int], AbstractContextManager[None]]


def test_a_full_disk_leaves_no_half_export(
    trained: Path, exported: Path, faces: Path, tmp_path: Path, full_disk: FullDisk
) -> None:
    with full_disk(20_000):
        with pytest.raises(StorageError, match=r"\.onnx: cannot be written: File too large"):
            export_onnx(trained, tmp_path / "float.onnx")
        with pytest.raises(StorageError, match=r"expected room for drafts of the model"):
            export_int8(exported, tmp_path / "int8.onnx", faces)

    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_place_for_an_export(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "float.onnx").mkdir()

    with pytest.raises(StorageError, match=r"float\.onnx: cannot be written: Is a directory"):
        export_onnx(trained, tmp_path / "float.onnx")

    assert [path.name for path in tmp_path.iterdir()] == ["float.onnx"]
