"""Running weights files, and refusing what is none."""

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from canthus.errors import WeightsError
from canthus.models import HourglassConfig, build
from canthus.runtime import Manifest, OnnxBackend, load, open_weights, seal
from canthus.runtime.backend import TorchBackend

Network = Callable[[Manifest], bytes]


def test_the_manifest_comes_with_the_file(spot_weights: Path, spot_manifest: Manifest) -> None:
    manifest, _ = open_weights(spot_weights)
    assert manifest == spot_manifest


def test_crops_go_in_and_points_and_scores_come_out(spot_weights: Path) -> None:
    answer = OnnxBackend(spot_weights).run(np.full((3, 64, 64, 3), 51, np.uint8))
    assert answer["points"].shape == (3, 68, 2)
    np.testing.assert_allclose(answer["scores"], 0.2, atol=1e-6)  # 51 / 255


def test_covariances_come_out_of_a_network_that_has_them(doubtful_weights: Path) -> None:
    answer = OnnxBackend(doubtful_weights).run(np.zeros((3, 64, 64, 3), np.uint8))
    assert list(answer) == ["points", "scores", "covariances"]
    np.testing.assert_array_equal(answer["covariances"][2, 67], [[4, 1], [1, 2]])


def test_covariances_of_another_shape_are_refused(doubtful_weights: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(doubtful_weights)
    model.graph.output[2].type.tensor_type.shape.dim[3].dim_value = 3
    matrix = next(entry for entry in model.graph.initializer if entry.name == "matrix")
    matrix.CopyFrom(onnx.numpy_helper.from_array(np.ones((2, 3), np.float32), "matrix"))
    path = tmp_path / "wrong.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WeightsError, match=r"'covariances' of shape \('B', 68, 2, 2\)"):
        OnnxBackend(path)


def test_a_batch_equals_its_parts(spot_weights: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), np.uint8)
    backend = OnnxBackend(spot_weights)
    together = backend.run(crops)["points"]
    alone = np.concatenate([backend.run(crop[None])["points"] for crop in crops])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-3)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused_by_name(
    spot_weights: Path, tmp_path: Path, share: float
) -> None:
    whole = seal.sealed(spot_weights.read_bytes())
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match=r"cut\.onnx.*again"):
        load(path)


@pytest.mark.parametrize(
    "data",
    [b"hello\n" * 50, b"\x89PNG\r\n\x1a\n" + bytes(99), bytes(1000), pickle.dumps({"a": 1})],
    ids=["text", "png", "zeros", "pickle"],
)
def test_another_file_renamed_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"other\.onnx"):
        load(path)


def test_a_foreign_onnx_file_is_refused(spot_weights: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(spot_weights)
    del model.metadata_props[:]
    path = tmp_path / "foreign.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WeightsError, match=r"foreign\.onnx.*canthus export"):
        load(path)


@pytest.mark.parametrize(
    ("claim", "said"),
    [({"scheme": "98"}, r"'points' of shape \('B', 98, 2\)"), ({"crop_size": 32}, "'crops'")],
)
def test_a_manifest_that_does_not_fit_its_network_is_refused(
    spot_network: Network,
    spot_manifest: Manifest,
    tmp_path: Path,
    claim: dict[str, object],
    said: str,
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(spot_network(spot_manifest))
    wrong = dataclasses.replace(spot_manifest, **claim)  # type: ignore[arg-type]
    onnx.helper.set_model_props(model, {"canthus": wrong.to_json()})
    path = tmp_path / "wrong.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WeightsError, match=rf"wrong\.onnx.*{said}"):
        load(path)


def test_a_network_that_answers_no_numbers_is_not_believed(
    spot_weights: Path, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(spot_weights)
    ring = next(entry for entry in model.graph.initializer if entry.name == "ring")
    values = np.full((1, 68, 2), np.nan, np.float32)
    ring.CopyFrom(onnx.numpy_helper.from_array(values, "ring"))
    path = tmp_path / "nan.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WeightsError, match=r"nan\.onnx.*not finite"):
        OnnxBackend(path).run(np.zeros((1, 64, 64, 3), np.uint8))


def test_an_unknown_device_is_refused_by_name(spot_weights: Path) -> None:
    with pytest.raises(ValueError, match=r"cpu or cuda.*'tpu'"):
        load(spot_weights, device="tpu")


def test_a_device_that_is_not_here_is_no_silent_fallback(
    spot_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ValueError, match="CUDAExecutionProvider"):
        load(spot_weights, device="cuda")


@pytest.mark.parametrize(("device", "said"), [("tpu", "cpu or cuda.*'tpu'"), ("cuda", "no GPU")])
def test_torch_refuses_a_device_that_is_not_here_by_name(
    device: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    network = build(HourglassConfig(stem=8, widths=(8, 12)))
    with pytest.raises(ValueError, match=said):
        TorchBackend(network, device=device)
