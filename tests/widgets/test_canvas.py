"""The canvas as a browser gets it. What it does there is in test_browser.py."""

import shutil
import subprocess

import pytest

from workshop_utils.widgets import canvas


def test_the_librarys_code_and_ours_are_one_module_with_one_export(tmp_path):
    script = canvas.Canvas()._esm
    assert script.count("const library = ") == 1 and script.count("export default") == 1 and "export {" not in script
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node to parse JavaScript with")
    (tmp_path / "canvas.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run([node, "--check", tmp_path / "canvas.mjs"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_boxes_from_the_browser_are_not_sent_back_to_it(monkeypatch):
    shown, sent = canvas.Canvas(), []
    monkeypatch.setattr(shown, "_send", lambda message, buffers=None: sent.append(message))
    shown.take(bboxes=[{"x": 1}], selected_index=0, current="peach")
    assert (shown.bboxes, shown.selected_index, shown.current) == ([{"x": 1}], 0, "peach") and sent == []
