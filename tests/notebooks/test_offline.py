"""Without a network everything that is installed runs, nothing calls home, and files are written only where allowed.

So do the notebooks: `test_notebooks.py` runs them without a network, if the system allows network namespaces.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import MODULES, without_network

from workshop_utils.core import settings

COMMANDS_WITHOUT_NETWORK = """
import os, pathlib, socket, sys

data, out, extent, *allowed = sys.argv[1:]
calls, written = [], []

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"):
        if event == "socket.bind" and arguments[1][0] in ("127.0.0.1", "::1"):
            return  # urllib3 tests for IPv6, at an address that no other machine can reach
        calls.append((event, arguments[1:] or arguments))
        raise OSError(f"there is no network: {event}")
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike) and arguments[2] & (
        os.O_WRONLY | os.O_RDWR | os.O_CREAT
    ):
        written.append(arguments[0])
    if event in ("os.mkdir", "os.rename", "os.symlink", "os.link"):
        written.append(arguments[1] if event != "os.mkdir" else arguments[0])

sys.addaudithook(watch)
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    raise SystemExit("the network is still there")
except OSError:
    calls.clear()

from workshop_utils.cli import main
from workshop_utils.deploy import export_formats

run = out + "/run"
photos = [f"{data}/images/0001.jpg", f"{data}/images/0002.jpg"]
tiny = ["--recipe", "quick", "--set", "steps=2", "photos=6", "batch_size=2", "--train-from", "block_16_project_BN"]
commands = [
    ["fetch"],
    ["check", data],
    ["check", data, "--fix", "--out", out + "/copy"],
    ["shard", data, "--out", out + "/shards", "--shards", "2"],
    ["detect", "coco", *photos, "--out", out + "/seen"],
]
if extent == "all":
    commands += [
        ["train", data, *tiny, "--experiment", run],
        ["detect", run, *photos, "--out", out + "/found"],
        ["evaluate", run, "--out", out + "/scores"],
        ["export", run],
    ]
    for each in export_formats.defaults():
        exported = f"{run}/export/{export_formats.FORMATS[each].file_name}"
        commands.append(["detect", exported, *photos, "--out", out + "/found_again"])
for command in commands:
    assert main(command) == 0, command

places = [pathlib.Path(os.path.abspath(os.fsdecode(path))) for path in written]
astray = sorted({str(path) for path in places if not any(path.is_relative_to(each) for each in [out, *allowed])})
print("calls:", calls)
print("astray:", astray)
"""


@pytest.fixture(scope="module", params=["short", pytest.param("all", marks=pytest.mark.long)])
def extent(request) -> str:
    """Whether all commands run, or those that take seconds."""
    return request.param


@pytest.fixture(scope="module")
def places(extent, tmp_path_factory) -> dict[str, pathlib.Path]:
    return {name: tmp_path_factory.mktemp(name) for name in ("home", "cwd", "tmp", "out", "data")}


@pytest.fixture(scope="module")
def done(places, extent) -> subprocess.CompletedProcess:
    """The process of all commands, run without a network, with their own home folder."""
    cups = places["data"] / "cups"
    for part in ("images", "annotations"):
        (cups / part).mkdir(parents=True)
        for path in sorted((settings.YOGHURT / part).iterdir())[:6]:
            shutil.copy(path, cups / part)
    moved = {
        "HOME": places["home"],
        "TMPDIR": places["tmp"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": settings.PROJECT,
    }
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        os.environ.pop(name, None)
    allowed = [places["tmp"], *(places["home"] / name for name in (".cache", ".config", ".keras")), "/dev"]
    command = [sys.executable, "-c", COMMANDS_WITHOUT_NETWORK, str(cups), str(places["out"])]
    command += [extent, *map(str, allowed)]
    environment = os.environ | {name: str(place) for name, place in moved.items()}
    return subprocess.run(
        [*without_network(), *command], cwd=places["cwd"], env=environment, capture_output=True, text=True, timeout=900
    )


def test_every_command_runs_without_a_network(done):
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def test_nothing_calls_home_and_nothing_listens(done):
    assert "calls: []" in done.stdout, done.stdout[-2000:]


def test_only_matplotlib_and_keras_write_outside_the_output_folder(done, places):
    assert "astray: []" in done.stdout, done.stdout[-2000:]
    assert list(places["cwd"].iterdir()) == []
    assert {path.name for path in places["home"].iterdir()} <= {".cache", ".config", ".keras"}
    assert {path.name for path in places["home"].glob(".*/*")} <= {"matplotlib", "keras.json"}
    assert list(places["tmp"].iterdir()) == [], "temporary files are deleted"
    left = {path.name for path in (places["data"] / "cups").iterdir()}
    assert left == {"images", "annotations"}, "the data set is only read"


def test_onnx_runtime_creates_no_identifier_of_this_machine(tmp_path):
    program = "import workshop_utils, onnxruntime"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(settings.PROJECT)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


def makefile(target: str) -> str:
    text = (settings.PROJECT / "Makefile").read_text(encoding="utf-8")
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)[1]


def test_jupyterlab_listens_on_this_machine_only():
    assert "--ip=127.0.0.1" in makefile("lab")


WHAT_JUPYTERLAB_READS = """
import json, sys
from jupyterlab.labapp import LabApp
from jupyterlab_server.settings_utils import get_settings

lab = LabApp()
lab.load_config_file()
plugin = "@jupyterlab/apputils-extension:notification"
schema = get_settings(lab.app_settings_dir, lab.schemas_dir, sys.argv[1], plugin)[0]["schema"]["properties"]
print(json.dumps({
    "fetches news": schema["fetchNews"]["default"],
    "news from": lab.news_url,
    "checks": schema["checkForUpdates"]["default"],
    "checks by": lab.check_for_updates_class.__name__,
    "takes": lab.config.ServerApp.tornado_settings["websocket_max_message_size"],
}))
"""


def test_jupyterlab_fetches_no_news_and_accepts_large_uploads(tmp_path):
    """As `make lab` and Binder start it, without your own settings."""
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_NO_CONFIG": ""}
    environment["JUPYTER_CONFIG_PATH"] = str(settings.PROJECT / "tools" / "jupyter")
    for started in ("Makefile", "start"):
        assert re.search(r"JUPYTER_CONFIG_PATH=.*/tools/jupyter", (settings.PROJECT / started).read_text()), started
    command = [sys.executable, "-c", WHAT_JUPYTERLAB_READS, str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "fetches news": "false",
        "news from": None,
        "checks": False,
        "checks by": "NeverCheckForUpdate",
        "takes": 300_000_000,
    }


OPENED = (
    r"0\.0\.0\.0|--bind_all|--ip=\*|ip ?= ?['\"]\*|token=['\"]{2}|--no-token|--IdentityProvider\.token|password=''"
    r"|(create_server|bind)\(\(['\"]{2}|(?m:^(?!.*--host 127\.0\.0\.1).*tensorboard.*--logdir)"
)


@pytest.mark.parametrize("line", ["jupyter lab --ip=*", 'create_server(("", 80))', "%tensorboard --logdir runs"])
def test_a_server_open_to_all_machines_is_recognised(line):
    assert re.search(OPENED, f"above\n{line}\nbelow")
    assert not re.search(OPENED, "tensorboard --host 127.0.0.1 --logdir runs")


def test_nothing_in_the_project_starts_a_server_open_to_all_machines():
    names = ("Makefile", "README.md", "INSTRUCTORS.md", "environment.yml", "start", "postBuild")
    paths = [*(settings.PROJECT / name for name in names), *MODULES, *(settings.PROJECT / "docs").rglob("*.*")]
    for folder in ("notebooks", "tools", "benchmarks"):
        paths += (settings.PROJECT / folder).iterdir()
    for path in paths:
        if path.suffix in ("", ".py", ".ipynb", ".html", ".md", ".yml") and path.is_file():
            assert not re.search(OPENED, path.read_text(encoding="utf-8")), path


def test_the_report_and_the_notebooks_load_nothing_from_the_web():
    for path in [settings.PROJECT / "tools" / "report.html", *(settings.PROJECT / "notebooks").glob("*.ipynb")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=\\?[\"']?(https?:)?//", text), path
