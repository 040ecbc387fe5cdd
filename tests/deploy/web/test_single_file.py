"""The page as one file: it holds what it needs, and refers to nothing outside."""

import base64
import gzip
import json
import re

from workshop_utils.deploy.web import networks, page_files, single_file

CLOSING = "</script><script>alert(1)</script>"


def test_a_single_file_holds_everything_and_refers_to_nothing_outside():
    network = networks.Network(CLOSING, b"a network", {1: CLOSING}, decodes=True)
    contents = page_files.contents(network)
    page = single_file.join(contents).decode()
    assert CLOSING not in page
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"], "the icon, which is empty"
    held = dict(re.findall(r'data-file="([^"]+)">([^<]+)<', page))
    unpacked = {name: gzip.decompress(base64.b64decode(text)) for name, text in held.items()}
    assert unpacked.keys() == set(single_file.EMBEDDED)
    assert all(unpacked[name] == contents[name] for name in unpacked)
    (text,) = re.findall(r'<script type="importmap">(.*?)</script>', page)
    modules = json.loads(text)["imports"]
    sources = [base64.b64decode(address.partition(",")[2]).decode() for address in modules.values()]
    wanted = {name for source in sources for name in re.findall(r'from "([^"]+)"', source)}
    assert {"page/boxes.js", "@litertjs/wasm-utils"} < wanted <= modules.keys()
