"""The page as one HTML file that you open with a double click.

A page that was opened from disk may load nothing else, so everything is inside it: the modules as data: addresses in
the import map, the runtime and the network compressed with gzip, in base64. static/assets.js unpacks them.
"""

import base64
import gzip
import json
import re

from workshop_utils.deploy.web import litert_js, page_files

MARK = b'<meta name="made-by" content="workshop_utils web --single-file">'
"""Tells a page that was made here from other files."""

BUILD = "litert_wasm_compat_internal"
"""The build of the runtime that the file holds: the one that every browser with SIMD runs."""

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data: blob: 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src blob: data:; media-src blob:; base-uri 'none'; form-action 'none'"
)
"""What the page may load: only what is inside it."""

EMBEDDED = (page_files.SETTINGS, page_files.NETWORK, *(f"{litert_js.FOLDER}{BUILD}{end}" for end in (".js", ".wasm")))


def join(contents: dict[str, bytes]) -> bytes:
    """Return one HTML file that holds the page.

    Args:
        contents: As `page_files.contents` returns them.
    """
    style, modules = contents["style.css"].decode(), _import_map(contents)
    embedded = "".join(_embedded(name, contents[name]) for name in EMBEDDED)
    page = contents["index.html"].decode()
    for pattern, replacement in (
        (r'(?<=http-equiv="Content-Security-Policy" content=")[^"]*', POLICY),
        (r'<meta charset="utf-8">', f'<meta charset="utf-8">\n{MARK.decode()}'),
        (r'<link rel="stylesheet" href="style\.css">', f"<style>\n{style}</style>"),
        (r'(?<=<script type="importmap">).*?(?=</script>)', modules),
        (r'<script type="module" src="page\.js">', '<script type="module">import "page/page.js";'),
        (r"(?=</body>)", embedded),
    ):
        page = _replace_one(pattern, replacement, page)
    return page.encode()


def _replace_one(pattern: str, replacement: str, page: str) -> str:
    replaced, count = re.subn(pattern, lambda _: replacement, page)
    assert count == 1, f"index.html has changed: {pattern} is in it {count} times"
    return replaced


def _import_map(contents: dict[str, bytes]) -> str:
    """Return the import map. A data: address has no folder, so "./boxes.js" becomes "page/boxes.js"."""
    own = {
        f"page/{name}": re.sub(r'from "\./', 'from "page/', data.decode()).encode()
        for name, data in contents.items()
        if name.endswith(".js") and "/" not in name
    }
    googles = {f"@litertjs/{name}": contents[f"{litert_js.FOLDER}{name}.js"] for name in ("core", "wasm-utils")}
    addresses = {
        name: f"data:text/javascript;base64,{base64.b64encode(data).decode()}" for name, data in (own | googles).items()
    }
    return json.dumps({"imports": addresses})


def _embedded(name: str, data: bytes) -> str:
    packed = base64.b64encode(gzip.compress(data, mtime=0)).decode()
    return f'<script type="application/octet-stream" data-file="{name}">{packed}</script>\n'
