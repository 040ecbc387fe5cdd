"""The runtime for browsers: whole, checked, and nothing but the files that the page needs."""

import re
import shutil

import pytest

from workshop_utils.core import npm, settings
from workshop_utils.deploy.web import litert_js


def test_the_runtime_holds_its_modules_and_each_build_with_its_code():
    found = litert_js.contents()
    assert {"litert/core.js", "litert/wasm-utils.js"} < found.keys()
    for build in litert_js.BUILDS:
        assert found[f"litert/{build}.wasm"].startswith(b"\0asm") and found[f"litert/{build}.js"]
    assert len(found) == 2 + 2 * len(litert_js.BUILDS)


def test_a_tarball_that_was_changed_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    litert_js.fetch()
    for each in litert_js.PACKAGES:
        shutil.copy(settings.PRETRAINED / each.tarball, tmp_path)
    with open(tmp_path / litert_js.PACKAGES[0].tarball, "r+b") as stream:
        stream.write(b"!")
    monkeypatch.setattr(litert_js.tarfile, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(npm.PackageError, match=re.escape(litert_js.PACKAGES[0].tarball)):
        litert_js.contents(tmp_path)
