from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.errors import DatasetError
from canthus.evaluation import BENCHMARKS, Benchmark, given_boxes, jittered, open_benchmark
from canthus.evaluation.benchmarks import subsets_of
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.metrics import NORMALIZERS, distances


def test_jitter_stays_within_its_bounds() -> None:
    box, generator = Box(0, 0, 200, 100), np.random.default_rng(0)
    others = [jittered(box, generator) for _ in range(2000)]
    centers = np.array([other.center for other in others]) - box.center
    scales = np.array([other.width / box.width for other in others])
    assert np.abs(centers).max(axis=0) == pytest.approx([10, 10], rel=0.01)
    assert [scales.min(), scales.max()] == pytest.approx([0.95, 1.05], rel=0.001)


def test_jitter_keeps_the_form_of_the_box() -> None:
    other = jittered(Box(0, 0, 200, 100), np.random.default_rng(0))
    assert other.width / other.height == pytest.approx(2)


def test_jitter_of_nothing_is_the_box() -> None:
    box = Box(3, 4, 30, 50)
    other = jittered(box, np.random.default_rng(0), 0.0)
    assert other.as_tuple() == pytest.approx(box.as_tuple())


def test_jitter_of_a_face_does_not_depend_on_the_others(benchmark: Benchmark) -> None:
    first = replace(benchmark, samples=benchmark.samples[:2], subsets={})
    every, some = given_boxes(benchmark, "jitter"), given_boxes(first, "jitter")
    assert every is not None
    assert some == every[:2]


def test_no_two_faces_jitter_alike(benchmark: Benchmark) -> None:
    boxes = given_boxes(benchmark, "jitter")
    assert boxes is not None
    scales = {
        round(box.width / sample.box.width, 6)
        for box, sample in zip(boxes, benchmark.samples, strict=True)
    }
    assert len(scales) == len(boxes)


def test_a_detector_gets_no_boxes(benchmark: Benchmark) -> None:
    assert given_boxes(benchmark, "detector") is None


def test_a_benchmark_without_faces_is_refused(benchmark: Benchmark) -> None:
    with pytest.raises(DatasetError, match="expected faces of one scheme, found no faces"):
        replace(benchmark, samples=(), subsets={})


def test_a_benchmark_of_two_schemes_is_refused(benchmark: Benchmark) -> None:
    first, *rest = benchmark.samples
    other = Sample(first.image, first.box, first.landmarks.map("21"))
    with pytest.raises(DatasetError, match="one scheme, found 21, 68"):
        replace(benchmark, samples=(other, *rest))


def test_an_unknown_benchmark_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="unknown benchmark 'wflw-v'; known are 300w, 300w-private"
    ):
        open_benchmark("wflw-v", tmp_path)


def test_a_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere: expected the folder of 300w-val"):
        open_benchmark("300w-val", tmp_path / "nowhere")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_entry_names_normalizers_that_there_are(name: str) -> None:
    protocol = BENCHMARKS[name]
    assert {protocol.normalizer, *protocol.beside} <= set(NORMALIZERS)


@pytest.mark.parametrize(
    ("yaw_deg", "subsets"),
    [
        (0.0, ["yaw 0-30"]),
        (-30.0, ["yaw 0-30"]),
        (30.01, ["yaw 30-60"]),
        (60.0, ["yaw 30-60"]),
        (-60.5, ["yaw 60-90"]),
        (-351.0, ["yaw 60-90"]),
        (None, []),
    ],
)
def test_yaw_is_binned_to_either_side(yaw_deg: float | None, subsets: list[str]) -> None:
    landmarks = Landmarks(np.zeros((21, 2), np.float32), SCHEMES["21"])
    sample = Sample(Path("face.jpg"), Box(0, 0, 1, 1), landmarks, yaw_deg=yaw_deg)
    assert list(BENCHMARKS["aflw21-val"].subsets(sample)) == subsets


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("300w", "68"),
        ("cofw68", "68"),
        ("aflw2000-3d", "68"),
        ("menpo", "68"),
        ("wflw", "98"),
        ("cofw", "29"),
        ("cofw-pupil", "29"),
        ("aflw19", "19"),
        ("lapa", "106jd"),
        ("jd106", "106jd"),
    ],
)
def test_every_normalizer_of_an_entry_is_one_of_its_scheme(name: str, scheme: str) -> None:
    protocol, count = BENCHMARKS[name], SCHEMES[scheme].num_landmarks
    points = np.random.default_rng(0).uniform(0, 100, (1, count, 2))
    for normalizer in (protocol.normalizer, *protocol.beside):
        assert distances(normalizer, points, SCHEMES[scheme], [Box(0, 0, 9, 9)]) > 0


def test_subsets_stand_in_the_order_asked_for() -> None:
    names = [("pose", "blur"), (), ("blur",)]
    assert subsets_of(names) == {"blur": (0, 2), "pose": (0,)}
    assert list(subsets_of(names, ("pose", "blur", "makeup"))) == ["pose", "blur"]


def test_people_with_several_faces_are_groups(benchmark: Benchmark) -> None:
    named = [replace(s, group=str(i // 2)) for i, s in enumerate(benchmark.samples)]
    assert replace(benchmark, samples=tuple(named)).groups == ("0", "0", "1", "1", "2", "2")
    assert benchmark.groups is None


def test_bins_that_no_file_tells_are_an_error(shared: Path) -> None:
    with pytest.raises(DatasetError, match="expected faces in the bins paper yaw 0-30"):
        open_benchmark("aflw2000-3d-paper-bins", shared / "data" / "aflw2000-sample")


def test_the_bins_of_a_copy_are_those_of_its_faces(shared: Path) -> None:
    benchmark = open_benchmark("aflw2000-3d", shared / "data" / "aflw2000-sample")
    assert sum(map(len, benchmark.subsets.values())) == len(benchmark.samples) == 61
    assert "2000 faces and this copy 61" in benchmark.notes[0]


def test_a_copy_with_too_few_faces_is_no_official_benchmark(tmp_path: Path) -> None:
    lists = tmp_path / "WFLW_annotations" / "list_98pt_rect_attr_train_test"
    lists.mkdir(parents=True)
    points = " ".join(f"{20 + 5 * np.cos(i):.3f} {20 + 5 * np.sin(i):.3f}" for i in range(98))
    line = f"{points} 10 10 30 30 1 0 0 0 0 0 0--Parade/0.jpg\n"
    (lists / "list_98pt_rect_attr_test.txt").write_text(line)
    benchmark = open_benchmark("wflw", tmp_path)
    assert "2500 faces and this copy 1" in benchmark.notes[0]
    assert benchmark.subsets == {"pose": (0,)}


@cache
def opened(name: str, shared: Path) -> Benchmark:
    return open_benchmark(name, shared / "data")


@pytest.mark.parametrize(
    ("name", "faces", "subsets"),
    [
        ("300w-val", 135, {"afw": 47, "helen": 88}),
        ("ytf68-val", 491, {}),
        ("aflw21-val", 600, {"yaw 0-30": 200, "yaw 30-60": 200, "yaw 60-90": 200}),
    ],
)
def test_a_known_benchmark_has_its_faces(
    shared: Path, name: str, faces: int, subsets: dict[str, int]
) -> None:
    benchmark = opened(name, shared)
    assert len(benchmark.samples) == faces
    assert {key: len(indices) for key, indices in benchmark.subsets.items()} == subsets


def test_the_root_may_be_the_data_sets_own_folder(shared: Path) -> None:
    own = open_benchmark("300w-val", shared / "data" / "300w")
    assert [sample.image for sample in own.samples] == [
        sample.image for sample in opened("300w-val", shared).samples
    ]


@pytest.mark.parametrize("name", ["300w-val", "ytf68-val", "aflw21-val"])
def test_every_face_of_a_known_benchmark_has_a_length(shared: Path, name: str) -> None:
    benchmark = opened(name, shared)
    for normalizer in (benchmark.normalizer, *benchmark.beside):
        assert benchmark.lengths(normalizer).min() > 10


def test_aflw_is_divided_by_what_its_crops_were_made_of(shared: Path) -> None:
    lengths = opened("aflw21-val", shared).lengths("given_box_size")
    assert lengths == pytest.approx(120 / np.sqrt(2))
