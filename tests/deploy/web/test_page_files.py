"""What the page consists of: its own files are whole, and its settings say what the detector is."""

import base64
import hashlib
import json
import re

from conftest import SETUP

from workshop_utils.core import settings
from workshop_utils.deploy.web import networks, page_files
from workshop_utils.model import anchors

STATIC = settings.PROJECT / "workshop_utils/deploy/web/static"
NETWORK = networks.Network("cups", b"a network", {1: "peach", 3: "vanilla"}, decodes=False)


def test_every_file_that_the_page_asks_for_is_in_it():
    found = page_files.contents(NETWORK)
    page = found["index.html"].decode()
    asked = set(re.findall(r'(?:src|href)="([\w.]+)"', page)) | set(re.findall(r'"\./([\w./-]+)"', page))
    for name, data in found.items():
        if name.endswith(".js") and "/" not in name:
            asked |= set(re.findall(r'from "\./([\w.]+)"', data.decode()))
    assert {"style.css", "page.js", "litert/core.js", "boxes.js", "zip.js"} < asked
    assert asked - found.keys() == set()
    installed = SETUP["tool"]["setuptools"]["package-data"]["workshop_utils.deploy.web"]
    assert sorted(installed) == sorted(f"static/{path.name}" for path in STATIC.iterdir())


def test_the_page_allows_its_import_map_and_no_other_script_in_it():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    (text,) = re.findall(r'<script type="importmap">(.*?)</script>', page)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert directives["script-src"] == f"'self' 'wasm-unsafe-eval' 'sha256-{digest}'"
    assert directives["default-src"] == "'none'" and directives["connect-src"] == "'self'"


def test_the_settings_name_each_class_and_hold_the_anchors_for_what_is_not_decoded():
    described = json.loads(page_files.contents(NETWORK)["detector.json"])
    assert [(each["id"], each["name"]) for each in described["labels"]] == [(1, "peach"), (3, "vanilla")]
    assert len({each["colour"] for each in described["labels"]}) == 2
    assert described["network"]["anchors"][7] == [round(float(edge), 7) for edge in anchors.anchors()[7]]
    decoding = networks.Network("cups", b"a network", {1: "peach"}, decodes=True)
    assert json.loads(page_files.contents(decoding)["detector.json"])["network"]["anchors"] is None
