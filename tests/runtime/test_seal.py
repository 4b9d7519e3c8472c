"""A checksum behind an ONNX file."""

from pathlib import Path

import numpy as np
import pytest

from canthus.errors import WeightsError
from canthus.runtime import OnnxBackend, seal


@pytest.fixture
def sealed(spot_weights: Path, tmp_path: Path) -> Path:
    path = tmp_path / "sealed.onnx"
    path.write_bytes(seal.sealed(spot_weights.read_bytes()))
    return path


def test_a_sealed_file_runs_as_before(sealed: Path) -> None:
    crops = np.full((1, 64, 64, 3), 128, np.uint8)
    assert OnnxBackend(sealed).run(crops)["points"].shape == (1, 68, 2)


def test_a_file_without_a_seal_passes(spot_weights: Path) -> None:
    seal.check(spot_weights)


def test_any_flipped_bit_is_found(sealed: Path) -> None:
    whole = sealed.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole) - seal.LENGTH, 50):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        sealed.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"sealed\.onnx.*has changed"):
            seal.check(sealed)


def test_a_damaged_seal_is_found(sealed: Path) -> None:
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0x80]))
    with pytest.raises(WeightsError, match="has changed"):
        seal.check(sealed)


def test_a_file_smaller_than_a_seal_has_none(tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(b"x")
    seal.check(path)


def test_other_tools_can_still_read_a_sealed_file(sealed: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(sealed)
    assert {entry.key for entry in model.metadata_props} == {"canthus", "canthus_crc32"}
