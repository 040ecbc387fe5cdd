"""The command `web`."""

import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from workshop_utils.cli import main, web
from workshop_utils.deploy.web import networks


@pytest.fixture
def cups(monkeypatch):
    """Any source is a network that is made at once."""
    network = networks.Network("cups", b"a network", {1: "peach"}, decodes=True)
    monkeypatch.setattr(networks, "open_network", lambda *_: network)
    return network


@pytest.mark.parametrize(
    "arguments",
    [
        ["web", "coco"],
        ["web", "coco", "--single-file"],
        ["web", "coco", "--single-file", "--out", "x.html", "--serve"],
        ["web", "coco", "--out", "page", "--lan"],
        ["web", "coco", "--out", "page", "--port", "8000"],
        ["web", "coco", "--out", "page", "--open"],
        ["web", "coco", "--out", "page", "--int8"],
        ["web", "cups", "--out", "page", "--architecture", "ssd_mobilenet_v1"],
    ],
)
def test_wrong_usage_is_one_line_that_says_so(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("usage: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_written_into_a_folder_or_a_file(cups, tmp_path, capsys):
    assert main(["web", "cups", "--out", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page" / "index.html").exists()
    for out, path in (("one.html", "one.html"), ("one", "one/index.html")):
        assert main(["web", "cups", "--single-file", "--out", str(tmp_path / out)]) == 0
        assert (tmp_path / path).read_bytes().startswith(b"<!doctype html>")
    (tmp_path / "page" / "style.css").write_text("mine")
    capsys.readouterr()
    assert main(["web", "cups", "--out", str(tmp_path / "page")]) == 0
    assert f"{tmp_path / 'page' / 'style.css'}: was changed" in capsys.readouterr().out


def test_what_is_not_there_or_in_the_way_is_named(cups, tmp_path, capsys, monkeypatch):
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["web", "cups", "--out", str(tmp_path)]) == 1
    assert "thesis.txt" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(["web", str(tmp_path / "nowhere"), "--out", str(tmp_path / "page")]) == 1
    assert "nowhere" in capsys.readouterr().err


SERVE = """
import sys
from workshop_utils.cli import main, web
from workshop_utils.deploy.web import networks
network = networks.Network("cups", b"a network", {1: "peach"}, decodes=True)
networks.open_network = lambda *_: network
sys.exit(main(["web", "cups", *sys.argv[1:]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows interrupts processes in another way")
@pytest.mark.parametrize("lan", [[], ["--lan", "127.0.0.1"]], ids=["here", "lan"])
def test_the_page_is_served_until_it_is_interrupted(lan):
    command = [sys.executable, "-c", SERVE, "--serve", "--port", "0", *lan]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = re.fullmatch(r"The page is at (https?://127\.0\.0\.1:\d+/)\n", process.stdout.readline())[1]
        assert address.startswith("https:" if lan else "http:")
        if not lan:
            assert urllib.request.urlopen(address, timeout=20).status == 200
        process.stderr.readline()
        time.sleep(3)  # until it waits for requests: with --lan it prints more first
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        out, err = process.stdout.read(), process.stderr.read()
    finally:
        process.kill()
    assert process.returncode == 0 and "Traceback" not in err
    if lan:
        assert web.ANYONE in out and set("█▀▄") & set(out), "who can see it, and a QR code"
    else:
        assert out == ""
