"""`make demo` shows the best detector there is, and opens its page in the browser."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

import demo
import pytest

from workshop_utils import cli
from workshop_utils.core import settings


def run(folder: pathlib.Path, score: float | None, finished: int, checkpoint: bool = True) -> pathlib.Path:
    """Write what `demo` reads of a run: its score, when it finished (in seconds), and whether it has a checkpoint."""
    (folder / "checkpoints").mkdir(parents=True)
    if checkpoint:
        (folder / "checkpoints" / "step-000100.weights.h5").touch()
    (folder / "metrics.json").write_text(json.dumps({"AP50": score}))
    os.utime(folder / "metrics.json", (finished, finished))
    return folder


def test_the_newest_run_that_finds_something_is_shown(tmp_path):
    run(tmp_path / "older", 0.9, finished=1)
    newest = run(tmp_path / "recipe" / "fine_tune", 0.8, finished=2)
    run(tmp_path / "recipe" / "random_init", 0.001, finished=3)
    run(tmp_path / "recipe" / "as_is", 0.9, finished=4, checkpoint=False)
    run(tmp_path / "not_measured", None, finished=5)
    (run(tmp_path / "broken", 0.9, finished=6) / "metrics.json").write_text("{")
    assert demo.best_run(tmp_path) == newest


def test_without_a_good_run_coco_s_detector_is_shown(tmp_path, monkeypatch, capsys):
    run(tmp_path / "random_init", 0.0, finished=1)
    assert demo.best_run(tmp_path) is demo.best_run(tmp_path / "nowhere") is None
    calls = []
    monkeypatch.setattr(cli, "main", lambda arguments: calls.append(arguments) or 0)
    monkeypatch.setattr(demo, "best_run", lambda: None)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--lan"])
    assert demo.main() == 0 and calls == [["web", "coco", "--serve", "--open", "--lan"]]
    assert "COCO" in capsys.readouterr().out


WITHOUT_RUNS = """
import sys, demo
from workshop_utils.deploy.web import networks

demo.best_run = lambda: None
networks.open_network = lambda source, *_: networks.Network(source, b"a network", {1: "cup"}, decodes=True)
sys.exit(demo.main())
"""
"""Without a run, and with a network that is made at once."""

BROWSER = """#!{python}
import pathlib, sys
pathlib.Path({seen!r}).write_text(sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows interrupts processes in another way")
def test_the_page_is_opened_in_the_browser_and_stays_until_it_is_interrupted(tmp_path):
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(BROWSER.format(python=sys.executable, seen=str(seen)))
    browser.chmod(0o755)
    paths = os.pathsep.join(map(str, (settings.PROJECT, settings.PROJECT / "tools")))
    environment = os.environ | {"BROWSER": f"{browser} %s", "PYTHONPATH": paths}
    command = [sys.executable, "-c", WITHOUT_RUNS, "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 120
        while not (seen.exists() and seen.read_text()):
            assert process.poll() is None and time.monotonic() < end, process.stderr.read()
            time.sleep(0.1)
        described = json.load(urllib.request.urlopen(f"{seen.read_text()}detector.json", timeout=20))
        assert described["source"] == "coco finds cup." and seen.read_text().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
