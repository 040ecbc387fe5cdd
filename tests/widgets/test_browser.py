"""The widgets in a real browser: JupyterLab as `make lab` starts it, used as you use it, on a laptop's screen.

If JupyterLab asks something, such as whether it may fetch news, the question covers the notebook: then nothing here
passes.
"""

import json
import pathlib
import re
import shutil
import symtable
import time

import accessibility
import browser
import numpy as np
import pytest
from browser import IDLE, NOTEBOOKS, SECOND
from PIL import Image
from test_decider import disagreeing

from workshop_utils import cli
from workshop_utils.core import settings
from workshop_utils.curation import merged_folder
from workshop_utils.data import dataset, formats, photos, voc
from workshop_utils.data.voc import Box
from workshop_utils.plots import drawing
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

browser.require()

STEMS = [path.stem for path in photos.find(settings.TO_LABEL)]
FLAVOURS = ["blueberry", "natural", "peach", "strawberry", "vanilla"]
EDGES = ["xmin", "ymin", "xmax", "ymax"]
MORE = "<attributes><attribute><name>occluded</name><value>yes</value></attribute></attributes>"
"""What an annotation may hold of an object, and the labeler does not read."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the notebooks that are opened, and of what the server writes about itself."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(folder):
    """JupyterLab in that folder; its address."""
    with browser.jupyterlab(folder) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as started:
        yield started


@pytest.fixture
def run(folder, lab, chromium, request):
    """Open a notebook with these code cells, run them all, and return the page. Its last state is saved."""
    pages = []

    def opened(name: str, sources: list[str]):
        page = chromium.new_page(viewport=browser.SCREEN)
        pages.append(page)
        browser.open_notebook(page, lab, folder, name, sources)
        return page

    yield opened
    for page in pages:
        page.screenshot(path=folder / f"{request.node.name}.png")
        page.close()


def code_of(name: str) -> list[str]:
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code" and cell["id"] != "colab"]


def needed_for(sources: list[str], target: int) -> list[str]:
    """Return cell number `target`, and the cells before it that define the names it uses."""
    wanted, kept = set(), []
    for source in reversed(sources[: target + 1]):
        table = symtable.symtable(source, "cell", "exec")
        made = {each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()}
        if not kept or made & wanted:
            kept.insert(0, source)
            wanted |= _used(table)
    return kept


def _used(table) -> set[str]:
    """Return the names that a cell or its functions read from the notebook."""
    whole = table.get_type() == "module"
    names = {each.get_name() for each in table.get_symbols() if each.is_referenced() and (whole or each.is_global())}
    return names.union(*map(_used, table.get_children()))


class Labels:
    """A labeler on a page, used as you use it. It labels into a folder `annotations`."""

    def __init__(self, page, place, annotations):
        self.page, self.place, self.annotations = page, place, annotations
        self.photo = place.get_by_alt_text("the photo ")
        self.actions = 0
        place.evaluate("place => place.scrollIntoView()")
        page.wait_for_function("photo => photo.naturalWidth > 0", arg=self.photo.element_handle())

    def button(self, name: str):
        return self.place.get_by_role("button", name=name, exact=True)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a pixel of the photo, 512 wide, is on the page."""
        frame = self.photo.bounding_box()
        scale = frame["width"] / 512
        return frame["x"] + x * scale, frame["y"] + y * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, on_top: bool = False) -> None:
        """Drag the mouse from one pixel of the photo to another; with Shift if that draws `on_top` of a box."""
        if on_top:
            self.page.keyboard.down("Shift")
        self.page.mouse.move(*self.point(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.point(*end), steps=3)
        self.page.mouse.up()
        if on_top:
            self.page.keyboard.up("Shift")
        self.actions += 1

    def draw(self, box: Box) -> None:
        """Draw a box in one drag."""
        start = self.point(box.xmin, box.ymin)
        below = self.page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", start)
        self.drag((box.xmin, box.ymin), (box.xmax, box.ymax), on_top=below != "svg")

    def click(self, button: str) -> None:
        self.button(button).click()
        self.actions += 1

    def shows(self, *texts: str) -> None:
        """Wait until all these texts are shown."""
        for text in texts:
            self.place.get_by_text(text).first.wait_for()

    def drawn(self, count: int, stem: str = "0001") -> list[Box]:
        """Return the boxes of a photo that are drawn and not submitted, as soon as there are `count`."""
        return waited_for(self.annotations / ".drafts" / f"{stem}.xml", count)

    def is_named(self, *names: str) -> None:
        """Wait until the drawn boxes have these names, in the file too: the kernel writes it after it has answered."""
        waited_for(self.annotations / ".drafts" / "0001.xml", len(names), names)

    def saved(self, count: int, stem: str) -> list[Box]:
        """Return the boxes in a photo's XML, as soon as there are `count`."""
        return waited_for(self.annotations / f"{stem}.xml", count)


def waited_for(xml, count: int, names: tuple[str, ...] | None = None) -> list[Box]:
    end, boxes = time.monotonic() + 20, None
    while time.monotonic() < end:
        if xml.exists():
            boxes = list(voc.read(xml).boxes)
            if len(boxes) == count and names in (None, tuple(box.name for box in boxes)):
                return boxes
        time.sleep(0.05)
    pytest.fail(f"{xml} holds {boxes}, and not {count} boxes {names or ''}")


STROKES = """([place, wanted]) => {
    const seen = [...place.querySelectorAll("svg rect.movable")].filter(
        each => Number(getComputedStyle(each.closest("svg > g")).opacity) > 0
    );
    return JSON.stringify(seen.map(each => each.style.stroke)) === JSON.stringify(wanted);
}"""
"""Tells whether the boxes that can be seen have these colours. Deleted boxes fade; the library keeps some of them,
invisible, if another box is drawn before they are gone."""

PLACES = ("mouse", "keyboard", "editor", "unread", "proposed", "fixed")
"""The labelers on the page `widgets`, each with its own folder."""

SHOWN = """
import pathlib
import numpy as np
from IPython.display import display
from workshop_utils.plots import drawing
from workshop_utils.teaching import checks
from workshop_utils.widgets import decider, explorer, labeler, uploads

def shade(layer, channel):
    return drawing.picture(np.full((40, 40, 3), channel % 256, np.uint8), alt=f"channel {{channel}} of {{layer}}")

for name in {places}:
    folder = pathlib.Path({folder!r}, name)
    model, classes = (folder / "run", ["cup", "bowl"]) if name == "proposed" else (None, {flavours})
    labels = labeler.Labeler(folder / "images", folder / "annotations", classes, model=model)
    labels.add_class(name)
    display(labels)
display(decider.Decider(pathlib.Path({folder!r}, "merged")).add_class("merged"))
channels = {{"early": 32, "late": 1280}}
display(explorer.ChannelExplorer(channels, shade, lambda *_: iter([np.zeros((8, 8, 3), np.uint8)])))
display(uploads.PhotoUpload(pathlib.Path({folder!r}, "uploaded")))
for answer in (2, 3, ...):
    display(checks.remaining(answer, np.array([0.9, 0.8, 0.1]), 0.5))
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory, yoghurt):
    """The folders that the labelers on the page `widgets` work in."""
    work = tmp_path_factory.mktemp("work")
    for name in PLACES[:-1]:
        (work / name / "annotations").mkdir(parents=True)
        (work / name / "images").symlink_to(settings.TO_LABEL)
    as_is = Plan.of(dataset.Dataset([], {1: "cup"}), "as_is")  # COCO's detector and its names
    RunFolder(work / "proposed" / "run").begin(as_is)
    text = (settings.TO_LABEL_TRUTH / "0001.xml").read_text()
    (work / "unread" / "annotations" / "0001.xml").write_text(text.replace("</object>", f"{MORE}</object>", 1))
    damaged = work / "damaged"
    for part, source, ending in (("images", settings.TO_LABEL, "jpg"), ("annotations", settings.TO_LABEL_TRUTH, "xml")):
        (damaged / part).mkdir(parents=True)
        for stem in STEMS[:2]:
            shutil.copy(source / f"{stem}.{ending}", damaged / part)
    exchanged = re.sub("xm(in|ax)>", lambda found: {"in": "xmax>", "ax": "xmin>"}[found[1]], text)
    (damaged / "annotations" / "0001.xml").write_text(exchanged.replace("peach", " peach "))
    cli.main(["check", str(damaged), "--fix", "--out", str(work / PLACES[-1])])
    merged_folder.write(disagreeing(yoghurt), work / "merged")
    return work


@pytest.fixture(scope="module")
def widgets(folder, lab, chromium, work):
    """A page with all widgets of the workshop."""
    page = chromium.new_page(viewport=browser.SCREEN)
    source = SHOWN.format(places=PLACES, folder=str(work), flavours=FLAVOURS)
    browser.open_notebook(page, lab, folder, "02_label_images", [source])
    page.locator(f".{PLACES[-1]}").wait_for()
    yield page
    page.screenshot(path=folder / "widgets.png")
    page.close()


@pytest.fixture
def labels(widgets, work, request):
    """The labeler on the page `widgets` that is called like the test's parameter, or "editor"."""
    name = getattr(request, "param", "editor")
    return Labels(widgets, widgets.locator(f".{name}"), work / name / "annotations")


def truth_of(stem: str) -> list[Box]:
    return list(voc.read(settings.TO_LABEL_TRUTH / f"{stem}.xml").boxes)


def differences(drawn: list[Box], meant: list[Box]) -> float:
    """Return by how many pixels the edges of boxes differ at most."""
    assert [box.name for box in drawn] == [box.name for box in meant]
    pairs = zip(drawn, meant, strict=True)
    return max(abs(getattr(one, edge) - getattr(other, edge)) for one, other in pairs for edge in EDGES)


@pytest.mark.long  # short: the same with the keyboard below, and one box with the mouse
@pytest.mark.parametrize("labels", ["mouse"], indirect=True)
def test_twelve_photos_are_labelled_with_one_drag_a_box_and_one_click_a_photo(labels):
    current = FLAVOURS[0]
    labels.page.mouse.move(*labels.point(5, 5))
    scrolled = labels.photo.bounding_box()["y"]
    for number, stem in enumerate(STEMS, start=1):
        labels.shows(f"Photo {number} of 12")
        for box in truth_of(stem):
            if box.name != current:
                labels.page.keyboard.press(str(FLAVOURS.index(box.name) + 1))
                current = box.name
            labels.draw(box)
        labels.click("Submit")
    labels.shows("All photos are labelled.")
    meant = {stem: truth_of(stem) for stem in STEMS}
    assert labels.actions == sum(map(len, meant.values())) + len(STEMS)
    assert labels.photo.bounding_box()["y"] == scrolled, "you had to scroll"
    for stem in STEMS:
        assert differences(labels.saved(len(meant[stem]), stem), meant[stem]) <= 2, stem


@pytest.mark.parametrize("labels", ["keyboard"], indirect=True)
def test_twelve_photos_are_labelled_with_the_keyboard_alone(labels):
    press, page = labels.page.keyboard.press, labels.page
    cells = page.locator(".jp-CodeCell").count()
    labels.place.evaluate("place => place.querySelector('input[type=radio]').focus()")
    for number, stem in enumerate(STEMS, start=1):
        labels.shows(f"Photo {number} of 12")
        for box in truth_of(stem):
            press(str(FLAVOURS.index(box.name) + 1))
            press("a")
            page.wait_for_function("place => document.activeElement === place.querySelector('input[type=number]')",
                                   arg=labels.place.element_handle())  # fmt: skip
            for edge in EDGES:
                page.keyboard.type(f"{getattr(box, edge):.0f}")
                press("Tab" if edge != EDGES[-1] else "Escape")
        press("Enter" if number % 2 else "s")
    labels.shows("All photos are labelled.")
    for stem in STEMS:
        assert differences(labels.saved(len(truth_of(stem)), stem), truth_of(stem)) == 0, stem
    assert page.locator(".jp-CodeCell").count() == cells, "JupyterLab treated a letter as a command"


def test_tab_reaches_every_control_in_the_order_of_the_screen_and_leaves_the_widget_again(labels):
    labels.place.evaluate("place => place.querySelector('input[type=radio]').focus()")
    labels.page.keyboard.press("a")
    labels.shows("Box 1 of 1")
    labels.place.evaluate("place => place.querySelector('input[type=radio]').focus()")
    reached = [focused(labels.page)]
    while len(reached) < 30 and labels.place.locator(":focus").count():
        labels.page.keyboard.press("Tab")
        reached.append(focused(labels.page))
    buttons = ["Previous photo", "Next photo", "Skip", "Propose boxes", "Add box", "Delete box", "Previous box"]
    buttons += ["Next box", "Rename box", "Undo", "Clear all", "Copy boxes"]
    assert reached[:-1] == ["blueberry1", "Submit", *buttons, *EDGES]


def focused(page) -> str:
    """Return the name of the element that has the keyboard."""
    return page.evaluate("""() => {
        const element = document.activeElement;
        return (element.labels?.length ? element.labels[0] : element).textContent.trim();
    }""")


@pytest.fixture
def cleared(labels):
    """The labeler, without a box and without a selection, and with the first class."""
    labels.click("Clear all")
    labels.shows("No boxes")
    labels.page.keyboard.press("1")
    return labels


def test_photo_classes_buttons_and_message_fit_one_screen(cleared):
    assert controls_that_fit_one_screen(cleared) >= 20


def controls_that_fit_one_screen(labels: Labels) -> int:
    """Check that you see the photo, all controls and the message at once; return how many these are."""
    page = labels.page
    top, bottom = page.evaluate("""() => {
        const { top, bottom } = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
        return [top, bottom];
    }""")
    seen = [labels.photo, *labels.place.locator("button, input, [role=status]").all()]
    for each in seen:
        box = each.bounding_box()
        assert top <= box["y"] and box["y"] + box["height"] <= bottom, each.evaluate("each => each.outerHTML")
        assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]
    return len(seen)


def test_only_the_selected_box_is_resized_and_shift_draws_on_top_of_another(cleared):
    cleared.drag((100, 100), (200, 200))
    cleared.drag((300, 350), (300, 350))
    cleared.drag((202, 150), (280, 180))
    first, second = cleared.drawn(2)
    assert (
        differences([first, second], [Box("blueberry", 100, 100, 200, 200), Box("blueberry", 202, 150, 280, 180)]) <= 2
    )
    cleared.drag((120, 120), (120, 120))
    cleared.shows("Box 1 of 2")
    cleared.drag((100, 150), (60, 150))
    cleared.shows("Box 1 of 2")
    cleared.drag((120, 120), (160, 160), on_top=True)
    first, _, third = cleared.drawn(3)
    meant = [Box("blueberry", 60, 100, 200, 200), Box("blueberry", 120, 120, 160, 160)]
    assert differences([first, third], meant) <= 2


def test_a_drag_that_leaves_the_photo_ends_at_its_edge(cleared):
    cleared.drag((400, 200), (560, 300))
    (box,) = cleared.drawn(1)
    assert differences([box], [Box("blueberry", 400, 200, 512, 300)]) <= 2 and box.truncated == 1
    cleared.page.mouse.move(*cleared.point(100, 100))
    cleared.shows("Box 1 of 1")
    assert cleared.drawn(1) == [box], "the mouse has let it go"


def test_changes_are_undone_by_key_and_button_one_at_a_time(cleared):
    cleared.drag((100, 100), (200, 200))
    cleared.drag((300, 100), (400, 200))
    before = cleared.drawn(2)
    cleared.click("Clear all")
    cleared.shows("No boxes")
    cleared.page.keyboard.press("z")
    assert cleared.drawn(2) == before
    cleared.click("Undo")
    assert cleared.drawn(1) == before[:1]


def test_a_box_at_the_upper_edge_keeps_its_name_and_its_cross(cleared):
    cleared.drag((100, 0), (200, 60))
    cleared.shows("Box 1 of 1")
    name = cleared.place.locator("svg text", has_text="blueberry").last.bounding_box()
    assert name["y"] >= cleared.place.locator(".workshop-classes").bounding_box()["y"] + 20
    x, y = cleared.point(200, 0)
    assert cleared.page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('svg') !== null", [x - 5, y - 8])
    cleared.page.mouse.click(x - 5, y - 8)
    cleared.shows("No boxes")


def test_one_class_is_current_and_its_colour_is_that_of_the_pictures(cleared):
    page, place = cleared.page, cleared.place
    place.locator("label", has_text="peach").first.click()
    cleared.drag((100, 100), (200, 200))
    page.keyboard.press("5")
    cleared.drag((250, 100), (350, 200))
    cleared.is_named("peach", "vanilla")
    assert place.locator("input[type=radio]:checked").count() == 1
    assert place.get_by_role("radio", name="vanilla").is_checked()
    for name in FLAVOURS:
        own = tuple(int(drawing.colour(name, FLAVOURS)[at : at + 2], 16) for at in (1, 3, 5))
        swatch = place.locator(".workshop-classes label", has_text=name).locator("span")
        assert swatch.evaluate("each => getComputedStyle(each).backgroundColor") == f"rgb{own}"
    page.wait_for_function(STROKES, arg=[place.element_handle(), ["rgb(213, 94, 0)", "rgb(230, 159, 0)"]])
    page.keyboard.press("1")


def test_a_click_on_a_boxs_name_or_r_gives_it_the_current_class(cleared):
    cleared.drag((100, 100), (200, 200))
    cleared.shows("Box 1 of 1")
    cleared.page.keyboard.press("3")
    assert [box.name for box in cleared.drawn(1)] == ["blueberry"], "choosing a class renames nothing"
    cleared.page.mouse.click(*cleared.point(106, 94))
    cleared.is_named("peach")
    cleared.page.keyboard.press("1")
    cleared.page.keyboard.press("r")
    cleared.is_named("blueberry")


def test_keys_work_where_the_mouse_points_but_never_while_you_write_a_cell(cleared):
    page, peach = cleared.page, cleared.place.get_by_role("radio", name="peach")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(1, 1)
    page.mouse.move(*cleared.point(50, 50))
    page.keyboard.press("3")
    assert peach.is_checked()
    page.keyboard.press("1")
    cell = page.locator(".jp-CodeCell .cm-content").first
    cell.evaluate("cell => cell.focus({ preventScroll: true })")
    page.mouse.move(1, 1)
    page.mouse.move(*cleared.point(50, 50))
    assert cell.evaluate("cell => document.activeElement === cell") and not peach.is_checked()


def test_shift_and_enter_which_runs_a_cell_submits_nothing(cleared):
    cleared.place.get_by_role("radio", name="blueberry").focus()
    cleared.page.keyboard.press("Shift+Enter")
    cleared.page.keyboard.press("2")
    cleared.place.get_by_role("radio", name="natural", checked=True).wait_for()
    assert cleared.place.get_by_text("No objects on this photo?").count() == 0
    cleared.shows("Photo 1 of 12")


def test_a_double_click_selects_no_text(cleared):
    cleared.page.evaluate("getSelection().removeAllRanges()")
    for place in (cleared.photo, cleared.place.locator("label", has_text="strawberry").first):
        box = place.bounding_box()
        cleared.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert cleared.page.evaluate("getSelection().toString().trim()") == ""
    cleared.shows("No boxes")
    cleared.page.keyboard.press("1")


def test_submit_is_plainly_the_main_button_and_asks_once_if_there_is_no_box(cleared):
    submit = cleared.button("Submit")
    others = [each for each in cleared.place.get_by_role("button").all() if each.inner_text() != "Submit"]
    assert all(each.bounding_box()["width"] < submit.bounding_box()["width"] for each in others)
    colours = {each.evaluate("each => getComputedStyle(each).backgroundColor") for each in others}
    assert submit.evaluate("each => getComputedStyle(each).backgroundColor") not in colours
    submit.click()
    cleared.shows("No objects on this photo?", "Photo 1 of 12")
    assert not (cleared.annotations / "0001.xml").exists()


def test_axe_core_finds_no_serious_fault_on_the_widgets(widgets):
    outputs = ".jp-OutputArea"
    assert widgets.locator(outputs).locator("button, input, select").count() > 80
    no_label = ("aria-input-field-name",)  # ipywidgets draws the handle of a slider and gives it no label
    assert accessibility.serious_faults(widgets, within=outputs, rules_off=no_label) == []


def test_verdicts_differ_in_colour_in_mark_and_in_word(widgets):
    verdicts = [widgets.locator(".jp-OutputArea-output strong", has_text=word) for word in ("Right", "Not yet", "Open")]
    looks = [each.last.evaluate("each => getComputedStyle(each.parentElement).backgroundColor") for each in verdicts]
    assert len(set(looks)) == 3 and "rgba(0, 0, 0, 0)" not in looks
    assert len({each.last.inner_text()[0] for each in verdicts}) == 3, "a mark for who sees no colour"


def test_long_lines_of_code_are_wrapped_and_not_cut_off(widgets):
    code = widgets.locator(".jp-CodeCell .cm-content").first
    assert max(map(len, SHOWN.splitlines())) > 110
    assert code.evaluate("each => each.scrollWidth <= each.closest('.jp-InputArea').clientWidth")


def test_a_slider_of_hundreds_of_channels_is_wide(widgets):
    slider = widgets.locator(".widget-slider").first
    slider.scroll_into_view_if_needed()
    assert slider.locator(".noUi-base, .slider").first.bounding_box()["width"] > 400


def test_moving_the_slider_of_channels_changes_the_picture(widgets):
    assert_changes_the_picture(widgets, widgets.locator(".widget-slider").first.locator(HANDLE))


@pytest.mark.parametrize("labels", ["unread"], indirect=True)
def test_submit_keeps_what_the_labeler_could_not_read_of_an_annotation(labels):
    xml = labels.annotations / "0001.xml"
    before = xml.read_bytes()
    labels.click("Previous photo")
    labels.shows("Photo 1 of 12", "holds more than boxes")
    labels.shows("4 boxes")
    labels.click("Submit")
    labels.shows("Replaced 0001.xml: 4 boxes", ".0001.xml.before")
    assert xml.with_name(".0001.xml.before").read_bytes() == before
    assert labels.saved(4, "0001") == truth_of("0001")


@pytest.mark.parametrize("labels", ["fixed"], indirect=True)
def test_what_check_repaired_is_opened_shown_and_submitted_as_it_is(labels):
    xml = labels.annotations / "0001.xml"
    before = voc.read(xml).boxes
    assert differences(list(before), truth_of("0001")) == 0, "check has repaired it"
    labels.shows("Photo 1 of 2", "4 boxes")
    assert labels.place.locator("svg rect.movable").count() == 4
    labels.click("Submit")
    labels.shows("Replaced 0001.xml: 4 boxes.")
    assert voc.read(xml).boxes == before and list(labels.annotations.glob(".*.before")) == []


@pytest.mark.parametrize("labels", ["merged"], indirect=True)
def test_places_are_decided_by_mouse_and_by_keys_on_one_screen_and_submit_writes_the_choice(labels):
    truth = [list(voc.read(settings.YOGHURT / "annotations" / f"{stem}.xml").boxes) for stem in ("0001", "0002")]
    labels.shows("Photo 1 of 2", "Place 1 of 2: 1: ana: ")
    labels.click("2: ben: other")
    labels.shows("Version 2 is drawn.")
    assert controls_that_fit_one_screen(labels) >= 20
    labels.click("Next place")
    labels.shows("Place 2 of 2: 1: ana: ")
    for version in ("2", "1"):
        labels.page.keyboard.press("v")
        labels.shows(f"Version {version} is drawn.")
    labels.page.keyboard.press("s")
    names = sorted(box.name for box in labels.saved(len(truth[0]), "0001"))
    assert names.count("other") == 1 and len(set(names) & {box.name for box in truth[0]}) >= len(truth[0]) - 2
    labels.shows("Photo 2 of 2", "Place 1 of 1: 1: ana: ")
    labels.page.keyboard.press("s")
    labels.shows("All photos are labelled.")
    assert set(map(repr, labels.saved(len(truth[1]), "0002"))) == set(map(repr, truth[1]))


def test_while_boxes_are_proposed_buttons_are_off_the_time_is_shown_and_clicks_are_dropped(cleared):
    page, submit = cleared.page, cleared.button("Submit")
    page.keyboard.press("2")
    place = submit.bounding_box()
    cleared.button("Propose boxes").click()
    page.mouse.click(place["x"] + 20, place["y"] + 10)  # the kernel is busy already, the buttons may still be on
    page.wait_for_function("button => button.disabled", arg=submit.element_handle())
    notice = cleared.place.locator(".workshop-work")
    shown = {notice.inner_text()}
    for _ in range(3):
        page.mouse.click(place["x"] + 20, place["y"] + 10)
        page.keyboard.press("s")
        page.wait_for_timeout(SECOND)
        shown.add(notice.inner_text())
    assert len({re.search(r"\((\d+) s\)", text)[1] for text in shown if text}) >= 2, shown
    cleared.place.get_by_text("proposed as 'natural'").wait_for(timeout=300 * SECOND)
    page.wait_for_function("button => !button.disabled", arg=submit.element_handle())
    cleared.shows("Photo 1 of 12")
    assert not (cleared.annotations / "0001.xml").exists()
    proposed = voc.read(cleared.annotations / ".drafts" / "0001.xml").boxes
    assert len(proposed) >= 2 and {box.name for box in proposed} == {"natural"}
    page.keyboard.press("s")
    cleared.shows("Wrote 0001.xml")


@pytest.mark.parametrize("labels", ["proposed"], indirect=True)
def test_your_own_detectors_boxes_are_accepted_with_keys_and_only_those_are_saved(labels):
    page, shown = labels.page, labels.place.locator(".workshop-proposals div")
    labels.click("Propose boxes")
    shown.first.wait_for(timeout=300 * SECOND)
    count, photo = shown.count(), labels.photo.bounding_box()
    looks = shown.evaluate_all("all => all.map(each => getComputedStyle(each).borderTopStyle)")
    texts = shown.all_inner_texts()
    assert count >= 3 and all(re.fullmatch(r"(cup|bowl) \d+%\??", text) for text in texts)
    assert looks == ["dotted" if text.endswith("?") else "dashed" for text in texts], "unsure ones are dotted"
    for each in shown.all():
        box = each.bounding_box()
        assert photo["x"] - 1 <= box["x"] and box["x"] + box["width"] <= photo["x"] + photo["width"] + 1
        assert photo["y"] - 1 <= box["y"] and box["y"] + box["height"] <= photo["y"] + photo["height"] + 1
    place = shown.first.bounding_box()
    labels.shows("Proposed: ")
    page.keyboard.press("y")
    page.wait_for_function("([all, count]) => all.children.length === count - 1",
                           arg=[labels.place.locator(".workshop-proposals").element_handle(), count])  # fmt: skip
    (accepted,) = labels.drawn(1)
    corner = labels.point(accepted.xmin, accepted.ymin)
    assert corner == pytest.approx((place["x"], place["y"]), abs=3), "the proposal was where the box is"
    page.keyboard.press("x")
    labels.click("Accept all")
    assert len(labels.drawn(count - 1)) == count - 1
    page.keyboard.press("s")
    assert len(labels.saved(count - 1, "0001")) == count - 1
    labels.shows("Photo 2 of")
    page.keyboard.press("c")
    assert len(labels.drawn(count - 1, "0002")) == count - 1


def test_notebook_02_shows_the_labeler_and_says_where_it_saved(run, tmp_path):
    sources = code_of("02_label_images")
    shown = next(place for place, source in enumerate(sources) if "labeler.Labeler(" in source)
    redirect = (
        f"import pathlib\nfrom workshop_utils.core import settings\nsettings.RUNS = pathlib.Path({str(tmp_path)!r})"
    )
    page = run("02_label_images", [redirect, *sources[: shown + 1]])
    labels = Labels(page, page.locator(".workshop-editor"), tmp_path / "labelling" / "annotations")
    labels.draw(Box("blueberry", 200, 150, 300, 250))
    labels.drawn(1)
    labels.page.keyboard.press("Enter")
    labels.shows("Wrote 0001.xml: 1 box.", "Photo 2 of 12")


REVIEW = """
import pathlib, sys
sys.path.extend({tests!r})
from test_reviewer import FEW, opened, suspicion
from conftest import first_photos
from workshop_utils.teaching import planted_faults

folder = pathlib.Path({folder!r})
faults = planted_faults.plant(first_photos(folder / "source", 8), folder / "cups", 0, FEW)
opened(folder / "cups", [suspicion(fault) for fault in faults])
"""


def test_suspicious_labels_are_repaired_with_one_key_or_click_each_and_taken_back(run, tmp_path):
    tests = settings.PROJECT / "tests"
    source = REVIEW.format(tests=[str(tests), str(tests / "widgets")], folder=str(tmp_path))
    page = run("02_label_images", [source])
    annotations = tmp_path / "cups" / "annotations"
    review = Labels(page, page.locator(".workshop-editor"), annotations)
    contents = [{path.name: path.read_bytes() for path in annotations.glob("[!.]*.xml")}]

    def wait_for_change() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            now = {path.name: path.read_bytes() for path in annotations.glob("[!.]*.xml")}
            if now != contents[-1]:
                contents.append(now)
                return
            time.sleep(0.05)
        pytest.fail("no file has changed")

    review.shows("Suspicion 1 of 4", "Wrong name?")
    review.click("Take the detector's")
    wait_for_change()
    review.shows("Suspicion 2 of 4", "Shifted box?")
    page.keyboard.press("t")
    wait_for_change()
    review.shows("Suspicion 3 of 4", "Missing box?")
    page.keyboard.press("k")
    review.shows("Suspicion 4 of 4", "Box on nothing?", "Kept.")
    page.keyboard.press("x")
    wait_for_change()
    review.shows("4 decided")
    review.click("Take back decision")
    wait_for_change()
    assert contents[-1] == contents[2] and len(contents) == 5
    assert accessibility.serious_faults(page, within=".workshop-editor") == []


def test_an_upload_above_the_servers_default_limit_arrives_complete(run, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1400, 1400, 3), np.uint8)
    brought = [tmp_path / f"IMG_{number}.png" for number in (1, 2)]
    for path in brought:
        Image.fromarray(noise).save(path)
    assert sum(path.stat().st_size for path in brought) > 11_000_000
    upload = f"from workshop_utils.widgets import uploads\nuploads.PhotoUpload({str(tmp_path / 'mine')!r})"
    page = run("10_your_own_data", [upload])
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload photos").click()
    chooser.value.set_files(brought)
    page.get_by_text("IMG_2.png: copied").wait_for()
    page.get_by_text("2 photos are in").wait_for()
    assert page.locator(".jp-OutputArea img").evaluate_all("all => all.map(each => each.alt)") == [
        each.name for each in brought
    ]
    label = page.get_by_role("button", name="Upload photos (2)")
    assert label.evaluate("each => each.scrollWidth <= each.clientWidth"), "the button's label is cut"
    assert [(tmp_path / "mine" / path.name).read_bytes() == path.read_bytes() for path in brought] == [True, True]


def drop(page, path: pathlib.Path, target) -> None:
    """Drop a file from the desktop onto an element."""
    frame, browser_itself = target.bounding_box(), page.context.new_cdp_session(page)
    place = {"x": frame["x"] + frame["width"] / 2, "y": frame["y"] + frame["height"] - 20}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser_itself.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


@pytest.fixture
def coco(tmp_path):
    """Two of the photos to label with their boxes in COCO's JSON, and one more photo."""
    for part, source, ending in (("images", settings.TO_LABEL, "jpg"), ("annotations", settings.TO_LABEL_TRUTH, "xml")):
        (tmp_path / "voc" / part).mkdir(parents=True)
        for stem in STEMS[1:3]:
            shutil.copy(source / f"{stem}.{ending}", tmp_path / "voc" / part)
    formats.FORMATS["coco"].write(dataset.load(tmp_path / "voc"), tmp_path / "mugs")
    shutil.copy(settings.TO_LABEL / "0001.jpg", tmp_path / "mugs" / "images")
    return tmp_path / "mugs"


def test_a_zip_dragged_into_the_file_browser_is_taken_by_notebook_10(run, folder, coco):
    sources = code_of("10_your_own_data")
    cells = [next(each for each in sources if word in each) for word in ("uploads.PhotoUpload(", "take_zips(")]
    first = f"""
import pathlib
from workshop_utils.core import settings
from workshop_utils.data import photos
from workshop_utils.widgets import data_sets, uploads
settings.RUNS, MY_PHOTOS = pathlib.Path({str(folder / "runs")!r}), None
make_example = lambda folder: folder
"""
    page = run("10_your_own_data", [first, *cells])
    page.get_by_role("button", name="Upload photos").wait_for()
    packed = pathlib.Path(shutil.make_archive(str(coco), "zip", coco))
    for name in ("runs", "my_photos", "images"):
        page.locator(".jp-DirListing-item", has_text=name).dblclick()
        page.locator(".jp-BreadCrumbs", has_text=name).wait_for()
    drop(page, packed, page.locator(".jp-DirListing-content"))
    page.locator(".jp-DirListing-item", has_text=packed.name).wait_for()
    browser.run_all(page)
    page.get_by_text(f"{packed.name}: 2 labelled photos with").wait_for()
    mine = folder / "runs" / "my_photos"
    assert [each.boxes.shape for each in dataset.load(mine).samples] == [
        each.boxes.shape for each in dataset.load(coco.parent / "voc").samples
    ]
    assert len(photos.find(mine / "images")) == 3 and (mine / "zip_files" / packed.name).exists()


def test_a_coco_data_set_is_labelled_in_a_copy_that_is_named_with_the_way_back(run, coco):
    before = {path: path.read_bytes() for path in coco.rglob("*") if path.is_file()}
    source = f"from workshop_utils.widgets import labeler\nlabeler.Labeler({str(coco)!r}, {str(coco)!r}, {FLAVOURS})"
    page = run("02_label_images", [source])
    copy = coco.with_name("mugs-voc")
    labels = Labels(page, page.locator(".workshop-editor"), copy / "annotations")
    labels.shows(f"convert {copy} --to coco", "Photo 1 of 3")
    labels.draw(Box("blueberry", 200, 150, 300, 250))
    labels.drawn(1)
    labels.page.keyboard.press("Enter")
    labels.shows("Wrote 0001.xml: 1 box.")
    assert len(dataset.load(copy).samples) == 3
    assert {path: path.read_bytes() for path in coco.rglob("*") if path.is_file()} == before


HANDLE = ".noUi-handle, .ui-slider-handle"
"""The handle of a slider, in ipywidgets 8 and 7."""
HASTY = (
    "from workshop_utils.teaching import activations\n"
    "activations.Ascent.climb.__defaults__ = (2, 0)  # two steps do here"
)
SHORT = """
import dataclasses, pathlib
from workshop_utils.core import settings
settings.RUNS = pathlib.Path({folder!r})
short = dict(steps=30, photos=20, warmup=0, evaluate_every=30, checkpoint_every=30)
settings.RECIPES["quick"] = dataclasses.replace(settings.RECIPES["quick"], **short)
"""
SLIDERS = [
    ("01_why_transfer_learning", HASTY, r"^explorer\.\w+\(", ["channel"]),
    ("09_detect_and_classify", SHORT, r"^ipywidgets\.VBox\(", ["photo", "threshold"]),
]
"""The notebooks with sliders: code that speeds them up, the cell that shows them, and their descriptions."""


@pytest.mark.long  # short: the slider of channels on the page of widgets
@pytest.mark.parametrize(("name", "first", "shown", "descriptions"), SLIDERS, ids=["01", "09"])
def test_moving_a_slider_of_a_notebook_changes_the_picture(run, tmp_path, name, first, shown, descriptions):
    sources = code_of(name)
    target = max(place for place, source in enumerate(sources) if re.search(shown, source, re.MULTILINE))
    page = run(name, [first.format(folder=str(tmp_path)), *needed_for(sources, target)])
    page.locator(".widget-slider").first.wait_for(timeout=600 * SECOND)  # notebook 09 trains first
    for description in descriptions:
        slider = page.locator(".widget-slider", has=page.get_by_text(description, exact=True)).locator(HANDLE)
        assert_changes_the_picture(page, slider)


def assert_changes_the_picture(page, slider) -> None:
    slider.scroll_into_view_if_needed()
    seen = []
    for key in ("Home", "End", "Home"):
        slider.press(key)
        page.wait_for_timeout(SECOND // 2)
        page.locator(IDLE).wait_for()
        page.wait_for_timeout(SECOND // 2)
        seen.append(picture(page.locator(".jp-OutputArea-output", has=slider)))
    assert seen[0] != seen[1] and seen[1] != seen[2]


def picture(output) -> str:
    """Return the content of the first picture among the widgets of a cell's output, as text."""
    return output.locator(".jupyter-widgets img").first.evaluate("""async image => {
        const file = await (await fetch(image.src)).arrayBuffer();
        return new Uint8Array(file).join();
    }""")
