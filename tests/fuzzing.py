"""Feed random inputs to the readers of untrusted files. They may raise only our own errors.

    python tests/fuzzing.py [TARGET ...]

`make fuzz` runs each target at full length, `test_fuzz.py` for a few seconds. Inputs are valid files that hypothesis
changes in a few places. They come in batches with the batch number as the seed. So an interrupted run resumes with the
next batch, and a batch can be repeated. A run starts over if this file or the reader has changed. The counts are in
build/fuzz/TARGET.json, and an input that raised another error in build/fuzz/TARGET.broke.
"""

import collections
import datetime
import hashlib
import io
import json
import pathlib
import struct
import sys
import tempfile
import time
import zlib

import hypothesis
import hypothesis.strategies as st
import pillow_heif
from PIL import Image, features

from workshop_utils.core import files, settings, text
from workshop_utils.data import (
    coco_annotations,
    coco_file,
    heif,
    label_map,
    labels,
    metadata,
    photos,
    voc,
    voc_objects,
    xml_file,
    yolo_lines,
    yolo_names,
)
from workshop_utils.data.dataset import DatasetError

FIXTURES = pathlib.Path(__file__).with_name("fixtures")
RECORDS = settings.PROJECT / "build" / "fuzz"
BATCH = 2500

NUMBERS = ("0", "-1", "1e999", "nan", "inf", "-0", "1_000", "٣", "9" * 400, "0x10", "1.5", "")
MARKS = ("<", ">", "&", "&amp;", "&#0;", "&#x110000;", "&e9;", "]]>", "<!--", "-->", "<![CDATA[", "<?xml?>", "<?", "/>")
ELEMENTS = ("<object>", "</object>", "<name>", "<bndbox/>", "<size>", "</annotation>", "<xmin>", "<depth>", 'xmlns="x"')
ENTITIES = ('<!DOCTYPE a [<!ENTITY e9 "ha">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">')
TURNED = (
    "<robndbox>",
    "<angle>0.5</angle>",
    "<part>",
    "<objects>",
    "<Object>",
    "<attribute>",
    "rotation",
    "90.0",
    "yes",
)
ENCODINGS = ("utf-8", "utf-16", "utf-7", "latin-1", "cp037", "utf-32", "rot13", "hex", "idna", "no-such-code", "gbk",
             "gb2312", "shift_jis", "euc-kr", "big5", "windows-1250", "iso-2022-jp", "unicode_escape")  # fmt: skip
CHARACTERS = ("\n", "\0", " ", "\ufffe", "\ufeff", "é", "e\u0301")
LISTED = ("item {", "}", "id: 1", "name: 'cup'", "display_name: ", "'", '"', "\\377", "\\ud800", "# ", "[a.b]", "<")
TOKENS = (*NUMBERS, *MARKS, *ELEMENTS, *TURNED, *ENTITIES, *ENCODINGS, *CHARACTERS, *LISTED)


def _photo(kind: str, mode: str, **options) -> bytes:
    stream = io.BytesIO()
    image = Image.linear_gradient("L").resize((24, 16)).convert(mode)
    image.save(stream, kind, **options)
    return stream.getvalue()


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _photos() -> list[bytes]:
    modes = {"JPEG": ["RGB", "CMYK", "L"], "PNG": ["RGB", "P", "RGBA", "1", "I;16"], "BMP": ["RGB", "P"], "GIF": ["P"],
             "TIFF": ["RGB"], "ICO": ["RGBA"], "PPM": ["RGB"]}  # fmt: skip
    if features.check("webp"):
        modes["WEBP"] = ["RGB"]
    plain = [_photo(kind, mode) for kind, each in modes.items() for mode in each]
    return [*plain, _photo("JPEG", "RGB", exif=_turned(), progressive=True)]


def _heic() -> list[bytes]:
    pillow_heif.register_heif_opener()
    plain = [_photo("HEIF", mode) for mode in ("RGB", "RGBA", "L")]
    return [*plain, _photo("HEIF", "RGB", exif=_turned()), _photo("AVIF", "RGB")]


def _coco() -> list[bytes]:
    row = {"id": 1, "image_id": 3, "category_id": 2, "bbox": [1, 2.5, 3, 4], "iscrowd": 0, "area": 12}
    polygon = row | {"id": 2, "bbox": [], "segmentation": [[1, 2, 3, 4, 5, 6]], "attributes": {"rotation": 30.0}}
    content = {"images": [{"id": 3, "file_name": "a/b.jpg", "width": 9, "height": 9}], "annotations": [row, polygon],
               "categories": [{"id": 2, "name": "K\u00e4se"}]}  # fmt: skip
    return [json.dumps(content, ensure_ascii=False).encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16")]


def _yolo() -> list[bytes]:
    words = ("0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.9 0.1 0.5 0.9\r\n1 .5 .5 1e-1 .2 0.9\n", "0 0.5 0.5 0.2 0.2\n",
             "path: ..\ntrain: [a, b.txt]\nval: c\nnames: {0: cup, 1: no}\n", "names: [cup, &a mug, *a]\n")  # fmt: skip
    return [each.encode(encoding) for each in words for encoding in ("utf-8", "utf-16")]


def _annotations() -> list[bytes]:
    plain = [path.read_bytes() for path in sorted(FIXTURES.glob("labelimg*.xml"))]
    declared = [f'<?xml version="1.0" encoding="{name}"?>\n'.encode() + plain[0] for name in ENCODINGS]
    bndbox = b"<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    rotation = b"<attributes><attribute><name>rotation</name><value>30</value></attribute></attributes>"
    robndbox = b"<robndbox><cx>50</cx><cy>60</cy><w>20</w><h>30</h><angle>0.1</angle></robndbox>"
    part = b"<part><name>lid</name>" + bndbox + b"</part>"
    inside = [plain[0].replace(b"</object>", each + b"</object>", 1) for each in (bndbox, rotation, robndbox, part)]
    nested = (
        plain[0].replace(b"<object>", b"<objects><object>", 1).replace(b"</annotation>", b"</objects></annotation>")
    )
    marked = [plain[0].decode().encode(encoding) for encoding in ("utf-16", "utf-8-sig", "utf-16-be")]
    return [*plain * 8, *declared, *inside, nested, plain[0].replace(b"object", b"Object"), *marked]


def _label_maps() -> list[bytes]:
    words = "item {\n  id: 1\n  name: 'K\u00e4se'\n}\nitem {\n  id: 2\n  display_name: \"cup \" # two\n}\n"
    return [words.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252")]


def _texts() -> list[bytes]:
    words = "p0001.jpg\r\nK\u00e4se 2.jpg\r\n"
    return [words.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252")]


PLACE = st.integers(0, 2**16)
PIECE = st.sampled_from([token.encode() for token in TOKENS]) | st.binary(min_size=1, max_size=8)
CHANGE = st.one_of(
    st.tuples(st.just("flip"), PLACE, st.integers(0, 7)),
    st.tuples(st.just("insert"), PLACE, PIECE),
    st.tuples(st.just("overwrite"), PLACE, PIECE),
    st.tuples(st.just("delete"), PLACE, st.integers(1, 60)),
    st.tuples(st.just("repeat"), PLACE, st.integers(1, 60)),
    st.tuples(st.just("cut"), PLACE, st.just(0)),
    st.tuples(st.just("text"), PLACE, PIECE),
)


def changed(data: bytes, changes) -> bytes:
    """Return a file's bytes after these changes."""
    for how, place, what in changes:
        place %= len(data) + 1
        if how == "flip":
            data = data[:place] + bytes(byte ^ (1 << what) for byte in data[place : place + 1]) + data[place + 1 :]
        elif how == "insert":
            data = data[:place] + what + data[place:]
        elif how == "overwrite":
            data = data[:place] + what + data[place + len(what) :]
        elif how == "delete":
            data = data[:place] + data[place + what :]
        elif how == "repeat":
            data = data[:place] + data[place : place + what] * 2 + data[place + what :]
        elif how == "cut":
            data = data[:place]
        else:  # the text of an XML element, from the next ">" to the "<" after it
            start = data.find(b">", place) + 1
            end = data.find(b"<", start)
            data = data[:start] + what + data[end:] if 0 < start < end else data
    return data


def inputs(seeds: list[bytes]):
    """Return a strategy for files with a few changes, and sometimes for arbitrary bytes."""
    damaged = st.builds(changed, st.sampled_from(seeds), st.lists(CHANGE, min_size=1, max_size=3))
    return st.one_of(*[damaged] * 9, st.binary(max_size=300))


TAGS = (0x0112, 0x011A, 0x011B, 0x0128, 0x8769, 0x8825, 0xA005, 0x927C, 0x010F, 0x9204, 0xB001, 0xB002)
COUNTS = st.sampled_from([1, 1, 1, 2, 3, 0, 100, 2**16 - 1, 2**31, 2**32 - 1])
RAW = st.binary(min_size=4, max_size=4) | st.integers(0, 80).map(lambda place: struct.pack("<L", place))
ENTRY = st.tuples(st.sampled_from(TAGS), st.integers(0, 14), COUNTS, RAW)


@st.composite
def exif(draw) -> bytes:
    """A block of EXIF: usually an orientation, and entries with arbitrary values. Some blocks are changed or cut."""
    order, start = draw(st.sampled_from("<<>")), draw(st.sampled_from([*[8] * 12, 0, 9, 2**32 - 1]))
    orientation = (0x0112, 3, 1, struct.pack(f"{order}HH", draw(st.integers(0, 9)), 0))
    entries = [
        *draw(st.sampled_from([[orientation], [orientation], []])),
        *draw(st.lists(ENTRY, min_size=1, max_size=5)),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", start)
    table = b"".join(struct.pack(f"{order}HHL", tag, kind, count) + raw for tag, kind, count, raw in entries)
    count = draw(st.sampled_from([*[len(entries)] * 8, 0, 2**16 - 1]))
    block = head + struct.pack(f"{order}H", count) + table + bytes(4) + draw(st.binary(max_size=40))
    return changed(block, draw(st.sampled_from([[], [], []]) | st.lists(CHANGE, max_size=2)))


SEGMENTS = {
    "EXIF": [(0xE1, metadata.HEADER)],
    "EXIF twice": [(0xE1, metadata.HEADER)] * 2,
    "MPF": [(0xE2, b"MPF\0")],
    "JFIF": [(0xE0, b"JFIF")],
    "Adobe": [(0xEE, b"Adobe")],
    "Photoshop": [(0xED, b"Photoshop 3.0\x008BIM")],
}
CHUNKS = (b"eXIf", b"pHYs", b"iCCP", b"gAMA", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"sRGB", b"cHRM")


@st.composite
def photos_with_exif(draw) -> bytes:
    """An intact photo with arbitrary EXIF or other metadata."""
    block = draw(exif())
    how = draw(st.sampled_from([*["EXIF"] * 6, *SEGMENTS, *[b"eXIf"] * 2, *CHUNKS, "WEBP"]))
    if how == "WEBP":
        return _photo("WEBP", "RGB", exif=block or b" ", lossless=True)
    if how in SEGMENTS:
        block = block if how.startswith("EXIF") or how == "MPF" else block[: draw(st.integers(0, 20))]
        parts = [head + block for _, head in SEGMENTS[how]]
        segments = [
            struct.pack(">BBH", 0xFF, mark, 2 + len(part)) + part for (mark, _), part in zip(SEGMENTS[how], parts)
        ]
        return b"".join([PLAIN["JPEG"][:2], *segments, PLAIN["JPEG"][2:]])
    data = how + (block if how == b"eXIf" else block[: draw(st.integers(0, 20))])
    chunk = struct.pack(">L", len(data) - 4) + data + struct.pack(">L", zlib.crc32(data))
    return PLAIN["PNG"][:33] + chunk + PLAIN["PNG"][33:]


PLAIN = {kind: _photo(kind, "RGB") for kind in ("JPEG", "PNG", "WEBP")}


def read_exif(data: bytes, folder: pathlib.Path) -> str:
    """Read a photo with arbitrary EXIF. Reading must succeed. Return whether the photo was turned."""
    found = photos.decode(data, "input.jpg")
    plain = photos.decode(PLAIN[found.format]).image
    upright = plain.transpose(photos.UPRIGHT[found.orientation]) if found.orientation > 1 else plain
    if found.format != "WEBP":  # which is encoded again each time
        assert found.image.tobytes() == upright.tobytes()
    assert found.image.size == upright.size
    return "unreadable" if found.broken_metadata else "turned" if found.orientation > 1 else "upright"


def read_text(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as text, in the detected encoding and in a declared one. Return the outcome."""
    path = folder / "input.txt"
    path.write_bytes(data)
    try:
        words = text.read(path)
    except text.EncodingError as fault:
        assert str(fault).startswith(f"{path}: ")
        return "refused"
    assert "\r" not in words and words == text.decode(data)
    text.decode(words.encode("utf-8", "surrogatepass"), ENCODINGS[len(data) % len(ENCODINGS)])
    return "taken"


def read_label_map(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as a label map. If it is accepted, it must survive writing. Return the outcome."""
    path = folder / label_map.FILENAME
    path.write_bytes(data)
    try:
        names = label_map.read(path)
    except label_map.LabelMapError as fault:
        assert str(fault).startswith(f"{path}: ")
        return "refused"
    label_map.write(names, path)
    assert label_map.read(path) == names
    return "taken"


def read_annotation(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as an annotation. If it is accepted, it must survive writing. Return the outcome."""
    path = folder / "input.xml"
    path.write_bytes(data)
    try:
        voc.read_as_written(path)
        annotation = voc.read(path)
    except voc.VocError as fault:
        assert str(fault).startswith(f"{path}: ") and len(str(fault)) > len(str(path)) + 10
        return "refused"
    try:
        voc.write(annotation, folder / "again.xml")
    except voc.VocError as fault:
        assert "cannot hold the character" in str(fault)
        return "taken, not to be written"
    assert voc.read(folder / "again.xml").boxes == annotation.boxes
    return "taken"


def read_photo(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as a photo. Return the outcome."""
    try:
        image = photos.read(data, "input.jpg")
    except photos.PhotoError as fault:
        assert str(fault).startswith("input.jpg: ") and len(str(fault)) > 20
        return "refused"
    assert image.mode == "RGB" and photos.shrink(image).shape[2] == 3
    return "taken"


def read_coco(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as COCO's JSON, and each annotation in it. Return the outcome."""
    path = folder / "input.json"
    path.write_bytes(data)
    coco_file.is_coco(path)
    try:
        content = coco_file.read(path)
    except DatasetError as fault:
        assert str(fault).startswith(f"{path}: ") and len(str(fault)) < 1000
        return "refused"
    content.has_corners()
    for row in (row for rows in content.rows.values() for row in rows):
        try:
            coco_annotations.read(row, content.names)
        except labels.UnreadError as fault:
            assert len(str(fault)) > 10
            return "a box refused"
    return "taken"


def read_yolo(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as a YOLO label file, as data.yaml and as classes.txt. Return the outcome of the first."""
    for name in ("data.yaml", "classes.txt"):
        (folder / name).write_bytes(data)
        try:
            yolo_names.is_names_file(folder / name)
            yolo_names.read(folder / name)
        except DatasetError as fault:
            assert str(fault).startswith(f"{folder / name}: ") and len(str(fault)) < 1000
    try:
        boxes, _ = yolo_lines.read(text.decode(data), {0: "cup", 1: "mug"})
    except (labels.UnreadError, text.EncodingError) as fault:
        assert len(str(fault)) > 10
        return "refused"
    return "taken" if boxes else "empty"


TARGETS = {
    "annotation": (read_annotation, inputs(_annotations()), 100_000, (voc, voc_objects, xml_file, text)),
    "photo": (read_photo, inputs(_photos()), 20_000, (photos, metadata)),
    "heic": (read_photo, inputs(_heic()), 6_000, (photos, metadata, heif)),
    "coco": (read_coco, inputs(_coco()), 20_000, (coco_file, coco_annotations, text)),
    "yolo": (read_yolo, inputs(_yolo()), 20_000, (yolo_lines, yolo_names, text)),
    "exif": (read_exif, photos_with_exif(), 6_000, (photos, metadata)),
    "text": (read_text, inputs(_texts()), 20_000, (text,)),
    "label_map": (read_label_map, inputs(_label_maps()), 20_000, (label_map, text)),
}
"""{target: the reader, the inputs, their number at full length, the modules whose change starts a run over}"""


def fuzz(target: str, count: int, seed: int = 0) -> collections.Counter:
    """Try `count` inputs; return the number of each outcome. Raises any error that is not our own."""
    check, strategy, *_ = TARGETS[target]
    outcomes: collections.Counter = collections.Counter()

    with tempfile.TemporaryDirectory() as scratch:

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=count,
            deadline=None,
            database=None,
            derandomize=False,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(strategy)
        def run(data):
            try:
                outcomes[check(data, pathlib.Path(scratch))] += 1
            except BaseException:
                RECORDS.mkdir(parents=True, exist_ok=True)
                (RECORDS / f"{target}.broke").write_bytes(data)
                raise

        run()
    return outcomes


def at_length(target: str) -> None:
    """Fuzz in batches up to the target's count. Continue after the recorded batches of the same code."""
    *_, wanted, modules = TARGETS[target]
    sources = [pathlib.Path(source).read_bytes() for source in (__file__, *(each.__file__ for each in modules))]
    digest = hashlib.sha256(b"".join(sources)).hexdigest()[:8]
    path = RECORDS / f"{target}.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    if record.get("code") != digest:
        record = {"batches": 0, "seconds": 0.0, "outcomes": {}}
    while sum(record["outcomes"].values()) < wanted:
        began = time.monotonic()
        outcomes = fuzz(target, BATCH, seed=record["batches"])
        record = {
            "target": target,
            "code": digest,
            "batches": record["batches"] + 1,
            "seconds": round(record["seconds"] + time.monotonic() - began, 1),
            "outcomes": dict(collections.Counter(record["outcomes"]) + outcomes),
            "date": datetime.date.today().isoformat(),
        }
        RECORDS.mkdir(parents=True, exist_ok=True)
        files.write_text(json.dumps(record, indent=1) + "\n", path)
    inputs_tried = sum(record["outcomes"].values())
    print(f"{target}: {inputs_tried} inputs in {record['seconds']:.0f} s, {record['outcomes']}; see {path}", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or TARGETS:
        at_length(name)
