"""Other people's tools: how they are asked, and where their answers are in the picture."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import synthetic
from canthus.errors import CanthusError
from canthus.evaluation import Benchmark
from canthus.evaluation.peers import DRAWN, SIZE, Dlib, MediaPipe, measure
from canthus.geometry import Box

Picture = NDArray[np.uint8]
Fake = Callable[..., Any]
SPOT = (81.0, 62.0)
BOX = Box(41, 22, 121, 102)  # its middle is the spot
RING = np.linspace(0, 40 * np.pi, 478, endpoint=False)  # 20 times around, so any part is a ring


@pytest.fixture
def spotted() -> Picture:
    """A picture with a soft white spot."""
    across, down = np.meshgrid(np.arange(200) - SPOT[0], np.arange(150) - SPOT[1])
    bright = 255 * np.exp(-(across**2 + down**2) / (2 * 4**2))
    return np.repeat(bright.round().astype(np.uint8)[:, :, None], 3, axis=2)


def rings(image: Picture) -> list[list[SimpleNamespace]]:
    """What the fake MediaPipe finds: a face in a corner, and one about the spot; in [0, 1]."""
    weights = image[:, :, 0].astype(np.float64)
    if not weights.any():
        return []
    down, across = np.mgrid[:SIZE, :SIZE]
    middle = [(weights * each).sum() / weights.sum() + 0.5 for each in (across, down)]
    faces = [(0.2, 0.2, 0.1), (middle[0] / SIZE, middle[1] / SIZE, 0.25)]
    return [
        [SimpleNamespace(x=x + r * np.cos(t), y=y + r * np.sin(t), z=0.0) for t in RING]
        for x, y, r in faces
    ]


def wheel() -> ModuleType:
    """MediaPipe as it was when it carried its models."""
    module = ModuleType("mediapipe")

    def process(image: Picture) -> SimpleNamespace:
        faces = [SimpleNamespace(landmark=face) for face in rings(image)]
        return SimpleNamespace(multi_face_landmarks=faces or None)

    mesh = SimpleNamespace(FaceMesh=lambda **_: SimpleNamespace(process=process))
    module.solutions = SimpleNamespace(face_mesh=mesh)  # type: ignore[attr-defined]
    return module


def landmarker() -> tuple[ModuleType, ModuleType]:
    """MediaPipe as it is now, and its room of tasks."""
    module, tasks = ModuleType("mediapipe"), ModuleType("mediapipe.tasks.python")
    module.Image = lambda image_format, data: data  # type: ignore[attr-defined]
    module.ImageFormat = SimpleNamespace(SRGB=1)  # type: ignore[attr-defined]

    def opened(options: SimpleNamespace) -> SimpleNamespace:
        if b"broken" in Path(options.base_options.model_asset_path).read_bytes():
            raise RuntimeError("no model")
        return SimpleNamespace(detect=lambda image: SimpleNamespace(face_landmarks=rings(image)))

    tasks.BaseOptions = SimpleNamespace  # type: ignore[attr-defined]
    tasks.vision = SimpleNamespace(  # type: ignore[attr-defined]
        FaceLandmarkerOptions=SimpleNamespace,
        FaceLandmarker=SimpleNamespace(create_from_options=opened),
    )
    return module, tasks


@pytest.fixture(params=["wheel", "task"])
def mediapipe(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MediaPipe:
    """MediaPipe by either way, with a fake package."""
    if request.param == "wheel":
        monkeypatch.setitem(sys.modules, "mediapipe", wheel())
        return MediaPipe()
    install_landmarker(monkeypatch)
    (tmp_path / "face.task").write_bytes(b"model")
    return MediaPipe(tmp_path / "face.task")


def install_landmarker(monkeypatch: pytest.MonkeyPatch) -> None:
    module, tasks = landmarker()
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", tasks)


def test_mediapipe_finds_the_spot_to_a_part_of_a_pixel(
    mediapipe: MediaPipe, spotted: Picture
) -> None:
    ((face,),) = mediapipe.many([spotted], [[BOX]])
    assert face.landmarks.scheme.name == "478"
    np.testing.assert_allclose(face.landmarks.points.mean(axis=0), SPOT, atol=0.05)
    np.testing.assert_allclose(np.ptp(face.landmarks.points, axis=0), 80, atol=0.1)


def test_a_face_that_mediapipe_does_not_find_is_missed(
    mediapipe: MediaPipe, spotted: Picture
) -> None:
    assert mediapipe.many([np.zeros_like(spotted)], [[BOX]]) == [[]]


def test_a_face_elsewhere_is_not_the_one_asked_for(mediapipe: MediaPipe, spotted: Picture) -> None:
    assert mediapipe.many([spotted], [[BOX.moved(0.8, 0.8)]]) == [[]]


def test_tools_need_boxes(mediapipe: MediaPipe, spotted: Picture) -> None:
    with pytest.raises(ValueError, match="asked about given boxes"):
        mediapipe.many([spotted])


def test_a_new_mediapipe_needs_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install_landmarker(monkeypatch)
    with pytest.raises(CanthusError, match=r"carries no model; give its face_landmarker\.task"):
        MediaPipe()
    with pytest.raises(CanthusError, match=r"none\.task: expected the tool's own file"):
        MediaPipe(tmp_path / "none.task")
    (tmp_path / "broken.task").write_bytes(b"broken")
    with pytest.raises(CanthusError, match=r"broken\.task: MediaPipe cannot read it: no model"):
        MediaPipe(tmp_path / "broken.task")


@pytest.mark.parametrize(
    ("name", "opened", "install"),
    [
        ("dlib", lambda: Dlib(Path("a.dat")), "pip install dlib-bin"),
        ("mediapipe", MediaPipe, "pip install mediapipe"),
    ],
)
def test_a_tool_that_is_not_installed_is_named(
    name: str, opened: Callable[[], object], install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CanthusError, match=f"{name} is not installed; `{install}` brings it"):
        opened()


@pytest.fixture
def boxed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Dlib]:
    """Makes a dlib whose predictor answers with the corners of its box, in turn."""

    def make(parts: int = 68) -> Dlib:
        def rectangle(*edges: int) -> tuple[int, ...]:
            assert all(isinstance(edge, int) for edge in edges)
            return edges

        def predict(image: Picture, edges: tuple[int, ...]) -> SimpleNamespace:
            corners = (edges[:2], edges[2:])
            points = [SimpleNamespace(x=x, y=y) for x, y in (corners * 34)[:parts]]
            return SimpleNamespace(num_parts=parts, parts=lambda: points)

        module = ModuleType("dlib")
        module.rectangle = rectangle  # type: ignore[attr-defined]
        module.shape_predictor = lambda path: predict  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "dlib", module)
        (tmp_path / "a.dat").touch()
        return Dlib(tmp_path / "a.dat")

    return make


def test_dlib_is_given_the_pixels_of_the_box_that_it_would_draw(
    boxed: Callable[..., Dlib], spotted: Picture
) -> None:
    ((face,),) = boxed().many([spotted], [[Box(-0.5, -0.5, 199.5, 199.5)]])
    # 204 wide about (99.5 - 2, 99.5 - 14): from edge -4.5 to 199.5, and from -16.5 to 187.5
    assert face.landmarks.points[:2].tolist() == [[-4, -16], [199, 187]]


def test_a_predictor_of_other_points_is_refused(boxed: Callable[..., Dlib]) -> None:
    with pytest.raises(CanthusError, match="expected a predictor of 68 points, found one of 5"):
        boxed(5)


@pytest.fixture(scope="module")
def drawn() -> list[synthetic.DrawnFace]:
    """Drawn faces to learn and to find."""
    return [synthetic.draw(np.random.default_rng(i), size=128) for i in range(12)]


def trained(dlib: Any, faces: Iterable[synthetic.DrawnFace], path: Path) -> Path:
    """A small predictor that knows these faces by heart, from the boxes that dlib would draw."""
    images, shapes = [], []
    for face in faces:
        points = np.rint(face.landmarks.points).astype(int).tolist()
        box = DRAWN.from_tight(Box.around(face.landmarks.points))
        edges = dlib.rectangle(*(round(edge) for edge in box.as_tuple()))
        images.append(face.image)
        shapes.append([dlib.full_object_detection(edges, [dlib.point(*p) for p in points])])
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level = 5, 60
    options.oversampling_amount, options.nu, options.num_threads = 10, 0.3, 1
    dlib.train_shape_predictor(images, shapes, options).save(str(path))
    return path


def test_dlib_finds_the_faces_that_it_has_learned(
    drawn: list[synthetic.DrawnFace], tmp_path: Path
) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib is not installed")
    peer = Dlib(trained(dlib, drawn, tmp_path / "small.dat"))
    boxes = [[Box.around(face.landmarks.points)] for face in drawn]
    found = peer.many([face.image for face in drawn], boxes)
    away = [
        np.linalg.norm(faces[0].landmarks.points - face.landmarks.points, axis=1).mean()
        / boxes[0][0].side
        for faces, face in zip(found, drawn, strict=True)
    ]
    assert np.mean(away) < 0.05


def test_what_is_no_predictor_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="dlib is not installed")
    (tmp_path / "a.dat").write_bytes(b"no predictor")
    with pytest.raises(CanthusError, match=r"a\.dat: dlib cannot read it"):
        Dlib(tmp_path / "a.dat")


def test_the_same_answers_are_scored_both_ways(benchmark: Benchmark, fake: Fake) -> None:
    one = benchmark.samples[0]
    people = tuple(replace(one, group=str(number)) for number in range(6))
    both = measure(fake(offset=(0.6, 0.8)), replace(benchmark, samples=people, subsets={}))
    assert both.as_it_is.subsets["all"].nme == pytest.approx(1 / 40)
    assert both.removed.subsets["all"].nme == pytest.approx(0, abs=1e-6)
    assert both.removed.boxes == both.as_it_is.boxes == "jitter"
