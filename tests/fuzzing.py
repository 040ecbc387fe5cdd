"""Inputs nobody thought of, for what reads strangers' files: only our own, named errors may come out.

    python tests/fuzzing.py [TARGET ...]

runs each target at full length (`make fuzz`). `test_fuzz.py` gives each a share of a minute. Inputs are whole files,
changed in a few places; which, hypothesis decides. They come in batches, each with its number for a seed: what was
interrupted goes on with the next batch, and a batch can be repeated. Where this file or the module that reads has
changed, it begins anew. The counts stand in build/fuzz/TARGET.json, an input that broke something in
build/fuzz/TARGET.broke.
"""

import collections
import datetime
import hashlib
import io
import json
import pathlib
import sys
import tempfile
import time

import hypothesis
import hypothesis.strategies as st
from PIL import Image, features

from workshop_utils.core import files, settings
from workshop_utils.data import photos, voc

FIXTURES = pathlib.Path(__file__).with_name("fixtures")
RECORDS = settings.PROJECT / "build" / "fuzz"
BATCH = 2500

NUMBERS = ("0", "-1", "1e999", "nan", "inf", "-0", "1_000", "٣", "9" * 400, "0x10", "1.5", "")
MARKS = ("<", ">", "&", "&amp;", "&#0;", "&#x110000;", "&e9;", "]]>", "<!--", "-->", "<![CDATA[", "<?xml?>", "<?", "/>")
ELEMENTS = ("<object>", "</object>", "<name>", "<bndbox/>", "<size>", "</annotation>", "<xmin>", "<depth>", 'xmlns="x"')
ENTITIES = ('<!DOCTYPE a [<!ENTITY e9 "ha">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">')
ENCODINGS = ("utf-8", "utf-16", "utf-7", "latin-1", "cp037", "utf-32", "rot13", "hex", "idna", "no-such-code")
CHARACTERS = ("\n", "\0", " ", "\ufffe", "\ufeff", "é", "e\u0301")
TOKENS = (*NUMBERS, *MARKS, *ELEMENTS, *ENTITIES, *ENCODINGS, *CHARACTERS)


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
             "TIFF": ["RGB"], "ICO": ["RGBA"], "PPM": ["RGB"], "WEBP": ["RGB"] * features.check("webp")}  # fmt: skip
    plain = [_photo(kind, mode) for kind, each in modes.items() for mode in each]
    return [*plain, _photo("JPEG", "RGB", exif=_turned(), progressive=True)]


def _annotations() -> list[bytes]:
    plain = [path.read_bytes() for path in sorted(FIXTURES.glob("labelimg*.xml"))]
    declared = [f'<?xml version="1.0" encoding="{name}"?>\n'.encode() + plain[0] for name in ENCODINGS]
    return [*plain * 4, *declared]


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
    """Return a file's bytes with changes made to it, one after another."""
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
    """Return a strategy for whole files with a few changes, and now and then for any bytes at all."""
    spoilt = st.builds(changed, st.sampled_from(seeds), st.lists(CHANGE, min_size=1, max_size=3))
    return st.one_of(*[spoilt] * 9, st.binary(max_size=300))


def read_annotation(data: bytes, folder: pathlib.Path) -> str:
    """Read bytes as an annotation; what is taken must survive writing. Return what became of it."""
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
    """Read bytes as a photo. Return what became of it."""
    try:
        image = photos.read(data, "input.jpg")
    except photos.PhotoError as fault:
        assert str(fault).startswith("input.jpg: ") and len(str(fault)) > 20
        return "refused"
    assert image.mode == "RGB" and photos.shrink(image).shape[2] == 3
    return "taken"


TARGETS = {
    "annotation": (read_annotation, inputs(_annotations()), 100_000, voc),
    "photo": (read_photo, inputs(_photos()), 20_000, photos),
}


def fuzz(target: str, count: int, seed: int = 0) -> collections.Counter:
    """Try so many inputs; return what became of how many. Whatever is no named error of ours is raised."""
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
    """Fuzz in batches up to the target's count, going on behind what is recorded of the same code, and record each."""
    *_, wanted, module = TARGETS[target]
    sources = [pathlib.Path(source).read_bytes() for source in (__file__, module.__file__)]
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
