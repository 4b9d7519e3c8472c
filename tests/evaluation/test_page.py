"""The page of a report: what it says, what it escapes, and that it needs nothing from outside."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.datasets.synthetic import Head, draw, points_of
from canthus.evaluation.charts import Curve
from canthus.evaluation.page import render
from canthus.evaluation.report import FaceResult, Report, Scores, Summary
from canthus.evaluation.sections import Chart, Section, Table, render_models
from canthus.evaluation.words import normalizer
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image
from canthus.metrics import NORMALIZERS, Coverage, OverBins, Visibility, reliability

SCHEME = SCHEMES["68"]
SHAPE = points_of(Head())[:, :2]
VOID = {"meta", "img"}  # elements that are never closed
Conditions = dict[str, float]


def face(
    index: int, *, image: Path = Path("/nowhere"), conditions: Conditions | None = None
) -> FaceResult:
    """A face of 100 pixels between the eyes, found as many pixels too far right as its index."""
    points = 100 * SHAPE + (300, 200)
    found = points + np.array([index % 30, 0])
    sample = Sample(
        image / f"{index}.png",
        Box.around(points),
        Landmarks(points, SCHEME),
        tags=frozenset({"indoor"}),
        name=f"faces/{index}.png",
    )
    known = {"face_size": 100.0 + index, "box_scale": 1 + index / 1000} | (conditions or {})
    return FaceResult(sample, index % 30 / 100, Landmarks(found, SCHEME), known)


def missed(result: FaceResult) -> FaceResult:
    return replace(result, error=np.inf, found=None)


def summary(faces: int, nme: float = 0.1234) -> Summary:
    intervals = {"nme": (0.11, 0.13), "failure_rate": (0.2, 0.3), "auc": (0.41, 0.43)}
    areas = {"simpson": 2 * nme, "step_sum": 3 * nme}
    return Summary(faces, 1, nme, 0.25, 0.42, 0.12, 0.27, 0.28, np.inf, intervals, areas)


def report_of(faces: list[FaceResult], **others: object) -> Report:
    report = Report(
        benchmark="drawn",
        title="drawn faces",
        scheme="68",
        model_scheme="68",
        conversion="",
        boxes="jitter",
        seed=7,
        normalizer="inter_ocular",
        threshold=0.08,
        subsets={"all": summary(len(faces)), "hard": summary(2, 0.2345)},
        beside={"box_size": {"all": 0.0511, "hard": 0.0622}},
        parts={"left_eye": 0.0317, "nose": 0.0418},
        landmarks=tuple(np.linspace(0.01, 0.08, 68).tolist()),
        scores=None,
        ms_per_face=12.34,
        faces=tuple(faces),
        areas={"simpson": 0.2468, "step_sum": 0.3702},
        model="hourglass",
        command="canthus evaluate hourglass drawn --root faces",
        version="1.2.3",
    )
    return replace(report, **others)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of([missed(face(0)), *map(face, range(1, 40))])


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render(report)


class Reader(HTMLParser):
    """Collects the words, the ids and what is open of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in {"src", "href"}:
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def words(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(read(page).words))


def row(page: str, name: str) -> list[str]:
    """The cells of the table row of this name."""
    found = re.search(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', page, re.S)
    assert found
    return re.findall(r"<td>(.*?)</td>", found[1])


def test_every_element_is_closed_and_every_id_is_one(page: str) -> None:
    reader = read(page)
    assert not reader.open
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_says_its_language_title_and_width(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert '<html lang="en">' in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "<title>hourglass on drawn</title>" in page
    assert page.count("<h1>") == 1


def test_nothing_is_loaded_from_outside(page: str) -> None:
    assert all(link.startswith(("#", "data:image/")) for link in read(page).links)
    assert not re.search(r"https?://|@import|<script|<link|url\((?!#)", page)
    assert "default-src &#39;none&#39;" in page


def test_the_page_says_what_was_scored_and_how(page: str) -> None:
    text = words(page)
    assert "drawn faces (drawn)" in text
    assert "40, 1 of them missed" in text
    assert "the distance between the outer corners of the eyes (inter_ocular)" in text
    assert "an error above 8 %, or missed" in text
    assert "shifted and scaled at random (seed 7)" in text
    assert "the mean over faces of max(0, 1 - error / threshold)" in text
    assert "95 % of the bootstrap samples over faces" in text
    assert "12.3 ms a face" in text
    assert "canthus evaluate hourglass drawn --root faces" in text
    assert "Canthus 1.2.3" in text


def test_each_subset_has_a_row_of_figures_in_percent(page: str) -> None:
    figures = ["12.34 (11.00 to 13.00)", "25.00 (20.00 to 30.00)", "42.00 (41.00 to 43.00)"]
    tail = ["12.00", "27.00", "28.00", "missed"]
    assert row(page, "all") == ["40", "1", *figures, *tail]
    assert row(page, "hard")[:3] == ["2", "1", "23.45 (11.00 to 13.00)"]


def test_figures_without_interval_stand_alone(report: Report) -> None:
    bare = replace(report.headline, intervals={})
    assert row(render(replace(report, subsets={"all": bare})), "all")[2] == "12.34"


def test_other_normalizers_have_their_names(page: str) -> None:
    text = "box_size: the square root of the area of the tight box around the true points"
    assert row(page, text) == ["5.11", "6.22"]


def test_every_subset_has_its_areas_by_other_definitions(page: str) -> None:
    table = page[page.index("<caption><span>AUC in % by other definitions") :]
    assert row(table, "all") == ["42.00", "24.68", "37.02"]
    assert row(table, "hard") == ["42.00", "46.90", "70.35"]
    assert "simpson: Simpson's rule over steps of 0.0001; step_sum: mean of the" in words(page)


def test_parts_have_their_errors(page: str) -> None:
    assert row(page, "left eye") == ["3.17"]


def test_the_mean_over_bins_stands_apart(report: Report) -> None:
    bins = OverBins(("a", "b"), (3, 4), (0.03, 0.05), (0.01, 0.02), mean=0.04252, std=0.00976)
    page = render(replace(report, over_bins=bins))
    assert row(page, "b") == ["4", "5.00", "2.00"]
    assert row(page, "mean over 2 bins") == ["", "4.25", "0.98"]
    assert row(page, "mean over faces") == ["40", "12.34", ""]
    assert "neither may stand for the other" in page


def test_visible_and_hidden_landmarks_are_told_apart(report: Report) -> None:
    seen = Visibility(share=0.75, visible=0.03, hidden=0.06)
    text = words(render(replace(report, visibility=seen)))
    assert "75.0 % of the landmarks are visible. NME of these 3.00 %, of hidden ones 6.00 %" in text


@pytest.mark.parametrize("name", NORMALIZERS)
def test_every_normalizer_has_words(name: str) -> None:
    assert normalizer(name) != name


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ("truth", "the data set's own"),
        ("detector", "it had to find the faces"),
        ("file", "unknown: the predictions come from a file"),
        ("drawn by hand", "drawn by hand"),
    ],
)
def test_whose_boxes_were_given_is_in_words(report: Report, boxes: str, said: str) -> None:
    assert said in words(render(replace(report, boxes=boxes)))


def test_a_conversion_is_said_above_all_figures(report: Report) -> None:
    text = words(render(replace(report, conversion="blend", model_scheme="98")))
    assert "converted from scheme 98 to 68: a fixed mix of neighboring points" in text


def test_notes_are_on_the_page(report: Report) -> None:
    assert "688 of 689 are here" in words(render(replace(report, notes=("688 of 689 are here",))))


def test_answers_from_a_file_have_no_time(report: Report) -> None:
    assert "not measured" in words(render(replace(report, ms_per_face=None)))


def test_intervals_over_whole_groups_are_said_to_be_so(report: Report) -> None:
    faces = [
        replace(result, sample=replace(result.sample, group=str(index % 5)))
        for index, result in enumerate(report.faces)
    ]
    assert "over the 5 whole groups" in words(render(replace(report, faces=tuple(faces))))


def test_curves_of_other_models_are_on_the_same_plot(report: Report) -> None:
    page = render(report, against=[Curve("another", [0.01, 0.02])])
    # (7 + 6) / 8 / 2
    assert "another: AUC 81.25 %" in words(page)


@pytest.mark.parametrize(
    ("boxes", "named"), [("detector", "hourglass, detector boxes: AUC"), ("file", "hourglass: AUC")]
)
def test_beside_others_a_curve_says_whose_boxes_were_given(
    report: Report, boxes: str, named: str
) -> None:
    page = render(replace(report, boxes=boxes), against=[Curve("another", [0.01])])
    assert named in words(page)


def test_a_wide_table_keeps_its_caption_and_its_rows_names_in_sight(page: str) -> None:
    assert "<caption><span>Mean, failures and area of each subset</span></caption>" in page
    for held in ("caption span", "tbody th, thead th:first-child"):
        assert re.search(rf"^{held} {{ position: sticky; left: 0;", page, re.M)


def test_conditions_that_are_known_have_a_chart_and_others_a_sentence(page: str) -> None:
    text = words(page)
    assert "Against the scale of the box given." in text
    assert "Against the size of the face." in text
    assert "The blur of the picture is not known." in text


def test_a_yaw_that_nobody_measured_is_said_to_be_estimated(report: Report) -> None:
    faces = []
    for index, result in enumerate(report.faces):  # or all would look the same way
        points = result.sample.landmarks.points.copy()
        points[27:36, 0] += index
        sample = replace(result.sample, landmarks=Landmarks(points, SCHEME))
        faces.append(replace(result, sample=sample))
    text = words(render(replace(report, faces=tuple(faces))))
    assert "Against the yaw, estimated from the true points" in text


def test_a_yaw_that_was_measured_is_not() -> None:
    faces = [face(index, conditions={"yaw_deg": index - 20.0}) for index in range(40)]
    assert "Against the yaw." in words(render(report_of(faces)))


def test_a_condition_that_few_faces_know_is_not_drawn() -> None:
    faces = [face(index, conditions={"blur": -2.0} if index < 3 else {}) for index in range(40)]
    assert "known of 3 of 40 faces, too few to draw" in words(render(report_of(faces)))


def test_a_condition_that_is_the_same_for_all_is_not_drawn() -> None:
    faces = [face(index, conditions={"box_scale": 1.0}) for index in range(40)]
    assert "The scale of the box given is 1 for all faces." in words(render(report_of(faces)))


def test_ellipses_are_held_to_what_they_say(report: Report) -> None:
    page = render(replace(report, ellipses=(Coverage(0.68, 0.7123), Coverage(0.95, 0.925))))
    assert "What the ellipses hold" in page
    assert "71.23" in page


def test_scores_are_held_to_what_they_say(report: Report) -> None:
    bins = reliability([0.15, 0.15, 0.95, 0.95], [0, 1, 1, 1])
    page = render(replace(report, scores=Scores(0.035, 0.2, tuple(bins))))
    assert row(page, "0.1 to 0.2") == ["2", "15.00", "50.00"]
    assert "within 3.5 % of the longer side" in words(page)


def test_scores_of_few_landmarks_are_in_the_table_and_not_drawn(report: Report) -> None:
    pages = []
    for near in (0, 1):  # of two landmarks
        bins = reliability([0.15, 0.15, *[0.95] * 30], [0, near, *[1] * 30])
        pages.append(render(replace(report, scores=Scores(0.035, 0.2, tuple(bins)))))

    assert [row(page, "0.1 to 0.2")[2] for page in pages] == ["0.00", "50.00"]
    first, second = (re.findall("<svg.*?</svg>", page, re.DOTALL) for page in pages)
    assert first == second


def test_the_worst_faces_are_shown_by_name_the_missed_first(page: str) -> None:
    names = re.findall(r'<span class="name">(.*?)</span>', page)
    assert len(names) == 20
    assert names[:3] == ["faces/0.png", "faces/29.png", "faces/28.png"]
    assert page.count('<span class="missed">missed</span>') == 1
    assert "<strong>29.00 %</strong>" in page
    assert "indoor, no picture at hand" in page


@pytest.mark.parametrize(("worst", "shown"), [(0, 0), (3, 3), (100, 40)])
def test_as_many_faces_are_shown_as_wanted(report: Report, worst: int, shown: int) -> None:
    assert render(report, worst=worst).count('<span class="name">') == shown


def test_a_face_whose_picture_is_there_is_shown(tmp_path: Path) -> None:
    write_image(tmp_path / "5.png", draw(np.random.default_rng(0)).image)
    with_picture = report_of([face(5, image=tmp_path)])
    assert 'src="data:image/jpeg;base64,' in render(with_picture)
    assert "data:image/jpeg" not in render(with_picture, pictures=False)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '" onload="x', "a&b"])
def test_names_from_outside_are_escaped(name: str) -> None:
    result = face(3)
    sample = replace(result.sample, name=name, tags=frozenset({name}))
    subsets = {"all": summary(1), name: summary(1)}
    page = render(
        report_of(
            [replace(result, sample=sample)],
            model=name,
            title=name,
            command=name,
            subsets=subsets,
            beside={name: {"all": 0.1, name: 0.1}},
            notes=(name,),
            parts={name: 0.1},
        ),
        against=[Curve(name, [0.1])],
    )
    assert "<script" not in page
    assert "onload=" not in re.sub(r'aria-label="[^"]*"|>[^<]*<', "", page)
    assert not read(page).open


def test_letters_that_no_page_may_hold_are_replaced() -> None:
    page = render(report_of([face(1)], model="a\0b\x1b\udce4"))
    assert "\0" not in page
    assert page.encode()
    assert "a\N{REPLACEMENT CHARACTER}b" in page


def test_a_model_that_found_nobody_has_a_page() -> None:
    nothing = Summary(30, 30, np.nan, 1.0, 0.0, np.inf, np.inf, np.inf, np.inf)
    page = render(
        report_of(
            [missed(face(index)) for index in range(30)],
            subsets={"all": nothing},
            landmarks=(np.nan,) * 68,
            parts={"nose": np.nan},
            beside={},
            areas={},
            model="",
            model_scheme="",
        )
    )
    assert "Predictions on drawn" in page
    assert row(page, "all") == ["30", "30", "-", "100.00", "0.00", *4 * ["missed"]]


def test_ten_thousand_faces_make_a_page_quickly() -> None:
    some = [face(index) for index in range(100)]
    begin = time.perf_counter()
    page = render(report_of(some * 100))
    assert time.perf_counter() - begin < 8
    assert len(page.encode()) < 3_000_000


def drawn_section() -> Section:
    table = Table("Models", ("model", "NME %"), [("<a>", "1.00")])
    return Section("Figures", ("One sentence.",), tables=[table], charts=[Chart("<svg></svg>")])


def test_a_page_of_one_s_own_is_made_of_sections() -> None:
    page = render_models("Two models", [drawn_section()], ("On the same faces.",))
    assert "<h1>Two models</h1>" in page
    assert '<h2 id="section-1">Figures</h2>' in page
    assert row(page, "&lt;a&gt;") == ["1.00"]
    assert "<svg></svg>" in page
    assert not read(page).open


def test_highlights_are_below_the_title() -> None:
    page = render_models("t", [], highlights=[("NME", "3 %", "of all")])
    assert "<span>NME</span><strong>3 %</strong><span>of all</span>" in page


def test_the_same_report_is_the_same_page(report: Report, page: str) -> None:
    assert render(report) == page
