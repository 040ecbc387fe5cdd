import base64
import html.parser
import io

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from workshop_utils.model import anchors
from workshop_utils.model.detection import Detections
from workshop_utils.plots import charts, diagrams, drawing

ALT = 'two "lines", <one> & another'
CURVES = {"fine_tune": [{"step": 10.0, "loss": 2.0}, {"step": 20.0, "loss": 1.0}]}
RUN = [
    {"step": 10.0, "loss": 3.0, "classification": 2.0, "localisation": 1.0, "AP50": None},
    {"step": 20.0, "loss": 2.0, "classification": 1.5, "localisation": 0.5, "AP50": 0.5},
]
SEEDS = {
    "tuned": [
        [{"step": step, "seconds": 60.0 * minutes, "AP": score} for step, minutes, score in rows]
        for rows in (
            ((100, 1, 0.2), (200, 2, 0.6)),
            ((50, 1, None), (100, 3, 0.4), (200, 6, 0.8), (300, 9, 0.9)),
            ((100, 2, 0.3), (200, 4, 0.7)),
        )
    ],
    "begun": [[{"step": 100, "seconds": 300.0, "AP": 0.1}]],
}
FIGURES = {
    "picture": lambda: drawing.picture(np.zeros((4, 6, 3), np.uint8), alt=ALT),
    "show": lambda: drawing.show([np.zeros((4, 6, 3), np.uint8)] * 4, ["one"], alt=ALT),
    "curves": lambda: charts.curves(CURVES, alt=ALT),
    "run_curves": lambda: charts.run_curves(RUN, 30, {20: "a $mark"}, alt=ALT),
    "lines": lambda: charts.lines({"a": [(1, 2), (3, 4)]}, "x", "y", alt=ALT),
    "bands": lambda: charts.bands(SEEDS, alt=ALT),
    "spreads": lambda: charts.spreads({"a": [0.1, 0.3, 0.2], "b": [0.0]}, "AP", alt=ALT),
    "bars": lambda: charts.bars({"a": {"one": 0.0}, "b": {"one": 0.0, "two": 0.0}}, "x", alt=ALT),
    "counts": lambda: charts.counts({("a", "b"): 3}, ["a"], ["a", "b"], "down", "across", alt=ALT),
}


class Tags(html.parser.HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture
def figures(monkeypatch) -> list:
    """The matplotlib figures of the drawn pictures."""
    drawn, finish = [], drawing.finish
    for module in (charts, diagrams, drawing):
        monkeypatch.setattr(module, "finish", lambda figure, alt: drawn.append(figure) or finish(figure, alt))
    return drawn


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_picture_is_shown_once_and_has_a_text_alternative(draw):
    shown = draw()
    assert not plt.get_fignums()
    ((tag, attributes),) = Tags(shown._repr_html_()).found
    assert tag == "img" and attributes["alt"] == ALT == repr(shown)
    encoded = attributes["src"].removeprefix("data:image/png;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size >= (6, 4)


def test_as_many_detections_are_drawn_as_the_photo_has_objects_the_highest_scores_first(yoghurt, monkeypatch):
    samples = yoghurt.samples[:2]
    boxes, classes = np.tile((0.1, 0.1, 0.5, 0.5), (2, 100, 1)), np.ones((2, 100), int)
    scores = np.tile(np.linspace(0.02, 0.001, 100), (2, 1))
    captions = []
    monkeypatch.setattr(drawing, "annotated", lambda image, boxes, said, colours: captions.append(said))
    drawing.best(samples, Detections(boxes, classes, scores), yoghurt.label_map)
    assert [len(said) for said in captions] == [len(sample.classes) for sample in samples]
    assert captions[0][0] == "blueberry 2%"


@pytest.mark.parametrize("over, x", [("step", [100, 200]), ("minutes", [2.0, 4.0])])
def test_a_band_spans_all_seeds_where_every_seed_was_measured(figures, over, x):
    charts.bands(SEEDS, over=over, alt=ALT)
    (axis,) = figures[0].axes
    tuned, begun = axis.lines
    assert tuned.get_xdata() == pytest.approx(x) and tuned.get_ydata() == pytest.approx([0.3, 0.7])
    assert begun.get_ydata() == pytest.approx([0.1])
    outline = axis.collections[0].get_paths()[0].vertices
    for place, (low, high) in zip(x, ((0.2, 0.4), (0.6, 0.8))):
        at = [y for left, y in outline if left == pytest.approx(place)]
        assert (min(at), max(at)) == pytest.approx((low, high))


def test_lines_with_bands_differ_in_dash_and_marker_as_well_as_colour(figures):
    charts.bands(SEEDS, alt=ALT)
    first, second = figures[0].axes[0].lines
    assert first.get_linestyle() != second.get_linestyle() and first.get_marker() != second.get_marker()


@pytest.mark.parametrize("kind", ["curves", "lines", "bands"])
def test_a_mark_at_zero_is_drawn_whole(figures, kind):
    rows = [{"step": step, "seconds": 60.0, "AP": 0.0} for step in (0, 9)]
    picture = {
        "curves": lambda: charts.curves({"a": rows}, "AP", alt=ALT),
        "lines": lambda: charts.lines({"a": [(0, 0), (9, 0)]}, "x", "y", alt=ALT),
        "bands": lambda: charts.bands({"a": [rows]}, alt=ALT),
    }[kind]()
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)
    bottom = round(len(pixels) * (1 - figures[0].axes[0].get_position().y0))
    red, _, blue = np.moveaxis(pixels[bottom + 2 : bottom + 9], 2, 0)
    assert (blue - red > 60).any(), "the lower half of the mark is cut off"


@pytest.mark.parametrize("name", ["tuned", "fine_tune, rate 0.003, 1,000 steps, seeds: 3"])
def test_a_legend_is_outside_the_axes_so_it_covers_no_line(figures, name):
    points = [(step, 100.0 * level) for step in range(12) for level in (0, 1)]
    charts.lines({name: points, "begun": points}, "x", "y", alt=ALT)
    charts.bands({name: SEEDS["tuned"], "begun": SEEDS["begun"]}, alt=ALT)
    for figure in figures:
        legend, axes = figure.legends[0].get_window_extent(), figure.axes[0].get_window_extent()
        assert not legend.overlaps(axes), "the legend covers lines"
        assert figure.bbox.x1 >= legend.x1 and figure.bbox.y1 >= legend.y1, "the legend is cut off"


def test_one_line_alone_has_no_legend(figures):
    charts.lines({"a": [(1, 2), (3, 4)]}, "x", "y", alt=ALT)
    assert not figures[0].legends


def test_a_line_that_rises_far_above_the_top_does_not_flatten_the_others(figures):
    charts.lines({"a": [(0, 160), (1, 0)], "b": [(0, 4), (1, 8)]}, "x", "y", top=20, alt=ALT)
    assert figures[0].axes[0].get_ylim() == (0, 20)


def test_every_run_of_a_spread_is_marked_with_its_ends_and_number(figures):
    charts.spreads({"tuned": [0.71, 0.75, 0.73], "begun": [0.2]}, "AP", alt=ALT)
    (axis,) = figures[0].axes
    assert [list(line.get_xdata()) for line in axis.lines] == [[0.71, 0.75, 0.73], [0.2]]
    assert [text.get_text() for text in axis.texts] == ["0.710 to 0.750", "0.200"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["tuned, 3 runs", "begun, 1 run"]


def test_a_logarithmic_axis_labels_the_measured_values(figures):
    charts.lines({"a": [(10, 0.1), (30, 0.2), (288, 0.3)], "b": [(96, 0.2)]}, "photos", "AP", log="x", alt=ALT)
    (axis,) = figures[0].axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["10", "30", "288"]


def test_bars_of_length_0_still_have_an_axis(figures):
    charts.bars({"a": {"one": 0.0}}, "x", alt=ALT)
    assert figures[0].axes[0].get_xlim() == (0, 1)


def test_an_unmeasured_value_has_a_label_and_no_bar(figures):
    charts.bars({"a": {"one": None, "two": 0.5}, "b": {"one": 0.2, "two": None}}, "AP50", alt=ALT)
    (axis,) = figures[0].axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["one", "two"]
    assert [[bar.get_width() for bar in bars] for bars in axis.containers] == [[0.5], [0.2]]
    charts.bars({"a": {"one": None}}, "AP50", alt=ALT)


def test_the_curves_of_a_run_leave_room_for_the_steps_to_come(figures):
    charts.run_curves(RUN, 300, alt=ALT)
    losses, scores = figures[0].axes
    assert [line.get_label() for line in losses.lines] == ["loss", "classification", "localisation"]
    assert losses.get_xlim()[1] >= 300 and scores.get_xlim() == losses.get_xlim()
    assert [tuple(point) for point in scores.lines[0].get_xydata()] == [(20, 0.5)]


def test_a_run_whose_loss_became_nan_is_drawn_too():
    rows = [*RUN, {"step": 30.0} | dict.fromkeys(("loss", "classification", "localisation"), float("nan"))]
    for history in (rows, rows[-1:]):
        assert charts.run_curves(history, 300, alt=ALT).alt == ALT


def test_a_run_whose_score_was_not_measured_yet_says_so(figures):
    charts.run_curves(RUN[:1], 300, alt=ALT)
    assert [text.get_text() for text in figures[0].axes[1].texts] == ["not measured yet"]


def test_a_table_aligns_numbers_and_writes_them_short():
    table = drawing.table([{"name": "a", "count": 1234, "AP": 0.4567}, {"name": "b", "count": 5, "AP": 1.0}])
    assert table.data.splitlines() == [
        "| name | count | AP |",
        "| :--- | ---: | ---: |",
        "| a | 1,234 | 0.46 |",
        "| b | 5 | 1.00 |",
    ]


def test_every_count_is_in_its_row_and_column(figures):
    charts.counts({("a", "x"): 3, ("b", "y"): 7}, ["a", "b"], ["x", "y"], "down", "across", alt=ALT)
    written = {text.get_position(): text.get_text() for text in figures[0].axes[0].texts}
    assert written == {(0, 0): "3", (1, 0): "·", (0, 1): "·", (1, 1): "7"}


def test_filters_are_tiled_in_rows_each_with_its_own_range():
    kernel = np.zeros((3, 3, 3, 16), np.float32)
    kernel[0, 0, 0, 9] = 5.0
    picture = drawing.filters(kernel)
    assert picture.shape == (8, 32, 3)
    assert picture[4, 4, 0] == pytest.approx(1.0)
    assert picture[0, 0].tolist() == [0.5, 0.5, 0.5]


def test_a_png_contains_its_image():
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    assert np.array_equal(Image.open(io.BytesIO(drawing.png(image))), image)


MAPS = ((19, 19, 576), (10, 10, 1280), (5, 5, 512), (3, 3, 256), (2, 2, 256), (1, 1, 128))
PARTS = {"backbone": 4_000_000, "extra layers": 300, "box heads": 20, "class heads": 1}


def test_the_diagram_of_the_network_matches_the_model(coco, figures):
    diagrams.network(coco, PARTS, np.zeros((300, 300, 3), np.uint8), alt=ALT)
    written = [text.get_text() for text in figures[0].axes[0].texts]
    for level, (features, count) in enumerate(zip(MAPS, (3, 6, 6, 6, 6, 6)), start=1):
        assert coco.get_layer(f"box_{level - 1}_depthwise").input.shape[1:] == features
        assert f"map {level}\n{' x '.join(map(str, features))}" in written
        assert f"{'+ ' if level > 1 else ''}{count * features[0] ** 2:,}" in written
    assert [written.count(f"{count} anchors\nx {numbers} numbers") for count in (3, 6) for numbers in (4, 91)] == [
        1, 1, 5, 5]  # fmt: skip
    assert {"backbone\n4,000,000 weights", "class heads\n1 weights", "1,917 anchors  ="} <= set(written)


def test_each_cup_is_drawn_with_its_matched_anchors(yoghurt, figures):
    sample = yoghurt.samples[5]
    matched = anchors.match(sample.boxes)
    diagrams.matched_anchors(sample, matched, alt=ALT)
    (axis,) = figures[0].axes
    assert [text.get_text() for text in axis.texts] == [str(number + 1) for number in range(len(sample.boxes))]
    for place in range(len(sample.boxes)):
        own = matplotlib.colors.to_rgba(drawing.PALETTE[place])
        widths = [patch.get_linewidth() for patch in axis.patches if patch.get_edgecolor() == own]
        assert sorted(widths) == [1.3] * (matched == place).sum() + [3.5]


def test_the_arrow_from_an_anchor_to_its_box_goes_from_centre_to_centre(figures):
    diagrams.box_coding(np.zeros((100, 200, 3), np.uint8), (0.0, 0.0, 0.4, 0.4), (0.5, 0.5, 0.9, 1.0), alt=ALT)
    (arrow,) = [text for text in figures[0].axes[0].texts if not text.get_text()]
    assert arrow.xyann == pytest.approx((40, 20)) and arrow.xy == pytest.approx((150, 70))


def test_two_images_in_three_columns_leave_no_gap():
    image = np.full((40, 60, 3), 10, np.uint8)
    sizes = {count: np.shape(Image.open(io.BytesIO(drawing.show([image] * count, alt=ALT).png))) for count in (2, 3, 5)}
    assert sizes[2][1] == pytest.approx(sizes[3][1] * 2 / 3, rel=0.02)
    assert sizes[5][1] == sizes[3][1]
