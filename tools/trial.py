"""Run the notebooks and the tests on other versions than those in .venv, and record the outcomes.

    python tools/trial.py colab              # the notebooks, on the versions that Colab has
    python tools/trial.py oldest             # the tests and the notebooks, on the lowest allowed versions
    python tools/trial.py newest             # on the highest allowed versions
    python tools/trial.py oldest voc 00      # only tests and notebooks with these words in their names
    python tools/trial.py missing            # list what was not tried yet, or changed since

`make test-colab`, `make test-oldest` and `make test-newest` run this. A trial runs the last commit, in a clone and a
virtual environment in build/trials/, and records the outcomes in tests/outcomes/. A part that passed runs again only if
the part, something it uses (see `USED`) or a version has changed. So an interrupted trial continues where it stopped.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable

import outcomes
from resolver import output, uv

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError

FOLDER = settings.PROJECT / "build" / "trials"
FIXTURES = settings.PROJECT / "tests" / "fixtures"
STAND_IN = FIXTURES / "colab"
NOT_TRIED = ("test_notebooks", "test_outcomes")
"""The notebooks run one by one instead, and this program writes the outcomes."""
LONGEST = 3600
"""Seconds after which a test file or a notebook counts as hanging."""
USED = (
    *("data/yoghurt", "data/yoghurt_new_line", "data/to_label", "data/to_label_truth", "results", "workshop_utils"),
    *("requirements.txt", "start", "tests/notebooks/test_notebooks.py", "tools/colab.py", "tools/jupyter"),
)
USED_BY_TESTS = (*USED, "tests/conftest.py", "tests/fixtures", "tests/verdicts.py", "tools")
"""What a notebook's or a test's outcome depends on in addition to its own code: if it changes, the part runs again.
Text files are not included. `results` counts only for parts that mention recorded runs."""


class TrialError(WorkshopError, RuntimeError):
    """A trial that could not begin. The message says why."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """A Python version, and the package versions that `uv pip compile` chooses for the requirements in some files."""

    name: str
    python: str
    requirements: tuple[pathlib.Path, ...] = (settings.PROJECT / "requirements.txt",)
    resolution: str = "highest"
    tests: bool = True
    """Whether to run the tests in addition to the notebooks."""
    without: tuple[str, ...] = ()
    """Notebooks to leave out."""
    command: str = ""
    """The command for this trial, if it is not `make test-NAME`."""

    @property
    def folder(self) -> pathlib.Path:
        return FOLDER / self.name

    @property
    def venv_python(self) -> pathlib.Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def clone(self) -> pathlib.Path:
        return self.folder / "workshop"


@dataclasses.dataclass(frozen=True)
class Attempt:
    """The outcome of one part: whether it passed, a message, and measurements."""

    passed: bool
    said: str
    measured: dict = dataclasses.field(default_factory=dict)


TRIALS = {
    "colab": Trial("colab", "3.13", (STAND_IN / "versions.txt",), tests=False),
    "oldest": Trial(
        "oldest", "3.11", (settings.PROJECT / "requirements.txt", FIXTURES / "oldest.txt"), resolution="lowest-direct"
    ),
    "newest": Trial("newest", "3.13"),
}


def main(name: str = "", *parts: str) -> int:
    if name == "missing":
        return list_missing(TRIALS.values())
    if name not in TRIALS:
        print(f"usage: python tools/trial.py {'|'.join(TRIALS)}|missing [PART...]", file=sys.stderr)
        return 2
    return run(TRIALS[name], try_on_colab if name == "colab" else try_tests, parts)


def run(trial: Trial, attempt: Callable[[Trial, str], Attempt], parts: tuple[str, ...]) -> int:
    """Prepare a trial and run its parts, by default all; return 0 or 1. `parts` are words in their names."""

    def work() -> int:
        versions = make_environment(trial)
        clone_head(trial)
        return try_all(trial, versions, attempt, parts)

    return outcomes.exit_code(work)


def list_missing(trials: Iterable[Trial]) -> int:
    """Print the parts of these trials that have to run; return 0, or 1 if that cannot be determined."""
    try:
        for trial in trials:
            parts = parts_of(trial)
            lacking = missing(trial, pinned(resolved(trial)), parts)
            print(f"{trial.name}: {len(parts) - len(lacking)} of {len(parts)} up to date")
            for part, why in lacking.items():
                print(f"  {part:32} {why}")
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def missing(trial: Trial, versions: dict[str, str], parts: list[str]) -> dict[str, str]:
    """Return the parts of a trial that have to run, each with the reason."""
    commit, came = _head(settings.PROJECT), Outcomes(trial, versions)
    return {part: why for part in parts if (why := came.lacks(part, digest_of(trial, part, versions, commit)))}


def parts_of(trial: Trial) -> list[str]:
    """Return the parts of a trial: its test files, if it runs tests, and notebooks."""
    tests = sorted(path.stem for path in (settings.PROJECT / "tests").rglob("test_*.py"))
    notebooks = sorted(path.stem for path in (settings.PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    parts = [name for name in tests if trial.tests and name not in NOT_TRIED] + notebooks
    return [name for name in parts if name not in trial.without]


def test_file(part: str) -> str:
    """Return the path of the test file with this name. Raises TrialError if there is not exactly one."""
    found = sorted((settings.PROJECT / "tests").rglob(f"{part}.py"))
    if len(found) != 1:
        raise TrialError(f"tests/ should contain one {part}.py, and contains {len(found)}.")
    return found[0].relative_to(settings.PROJECT).as_posix()


def make_environment(trial: Trial) -> dict[str, str]:
    """Create the trial's virtual environment if its versions have changed; return {package: version}."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    text = resolved(trial)
    listed = trial.folder / "versions.txt"
    if not (listed.exists() and listed.read_text(encoding="utf-8") == text):
        print(f"Installing the versions of '{trial.name}' into {trial.folder / 'venv'}.", flush=True)
        listed.unlink(missing_ok=True)
        shutil.rmtree(trial.folder / "venv", ignore_errors=True)
        uv("venv", "--seed", "--no-python-downloads", "--python", interpreter(trial.python), trial.folder / "venv")
        files.write_text(text, trial.folder / "wanted.txt")
        uv("pip", "install", "--python", trial.venv_python, "--only-binary", ":all:", "-r", trial.folder / "wanted.txt")
        if trial.tests:
            project = tomllib.loads((settings.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            tools = project["optional-dependencies"]["dev"]
            uv("pip", "install", "--python", trial.venv_python, "-c", trial.folder / "wanted.txt", *tools)
        (trial.folder / "wanted.txt").rename(listed)
    return pinned(text)


def pinned(text: str) -> dict[str, str]:
    """Return {package: version} of the lines `package==version`."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))


def resolved(trial: Trial) -> str:
    """Return the versions of a trial, one line `package==version` each."""
    command = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-version", trial.python, "--resolution", trial.resolution, *trial.requirements]
    return "".join(f"{line.split(' ;')[0]}\n" for line in uv(*command).splitlines() if "==" in line)


def interpreter(version: str) -> str:
    """Return the path of a Python of this version. Raises TrialError."""
    try:
        command = [f"python{version}", "-c", "import sys; print(sys.executable)"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise TrialError(f"There is no python{version} here, but this trial needs it: install it first.") from None


def clone_head(trial: Trial) -> None:
    """Check out the last commit in the trial's clone, and copy the COCO weights if they exist here.

    On Colab the notebooks clone the workshop. So that trial gets a repository to clone from.
    """
    if trial.name == "colab":
        origin = trial.folder / "origin.git"
        shutil.rmtree(origin, ignore_errors=True)
        _git("clone", "--quiet", "--bare", settings.PROJECT, origin)
        _git("-C", origin, "branch", "--force", "trial", "HEAD")
        if trial.clone.exists() and _head(trial.clone) != _head(settings.PROJECT):
            shutil.rmtree(trial.clone)
        return
    if not trial.clone.exists():
        _git("clone", "--quiet", settings.PROJECT, trial.clone)
    _git("-C", trial.clone, "fetch", "--quiet", settings.PROJECT, "HEAD")
    _git("-C", trial.clone, "checkout", "--quiet", "--force", "--detach", _head(settings.PROJECT))
    uv("pip", "install", "--quiet", "--python", trial.venv_python, "--no-deps", "--editable", trial.clone)
    if settings.PRETRAINED.exists():
        shutil.copytree(settings.PRETRAINED, trial.clone / "data" / "pretrained", dirs_exist_ok=True)


def try_all(trial: Trial, versions: dict[str, str], attempt, chosen: tuple[str, ...]) -> int:
    """Run every part that has not passed yet; return the exit code."""
    commit = _head(settings.PROJECT)  # the commit in the clone, even if another follows while this runs
    parts = parts_of(trial)
    came = Outcomes(trial, versions)
    came.keep_only(parts)
    failed = 0
    for part in parts:
        if chosen and not any(word in part for word in chosen):
            continue
        digest = digest_of(trial, part, versions, commit)
        if not came.lacks(part, digest):
            print(f"  {part:32} passed on {came.parts[part]['date']}", flush=True)
            continue
        print(f"  {part:32} ", end="", flush=True)
        began = time.monotonic()
        outcome = changes_nothing(trial, attempt(trial, part))
        came.add(part, digest, outcome, round(time.monotonic() - began, 1))
        print(f"{'passed' if outcome.passed else 'FAILED'}: {outcome.said}", flush=True)
        failed += not outcome.passed
    return int(failed > 0)


def changes_nothing(trial: Trial, outcome: Attempt) -> Attempt:
    """Return the outcome, failed if the part changed a tracked file or left one that git does not ignore.

    Such changes would cause conflicts, for example when nbgitpuller updates a participant's folder.
    """
    changed = _git("-C", trial.clone, "status", "--porcelain") if outcome.passed else ""
    return Attempt(False, f"it changed tracked files or left new ones: {changed}") if changed else outcome


def try_tests(trial: Trial, part: str) -> Attempt:
    """Run a test file, or the tests of one notebook in test_notebooks.py. The message is pytest's last line."""
    arguments = [test_file(part)] if part.startswith("test_") else [test_file("test_notebooks"), "-k", part]
    command = [trial.venv_python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=0", *arguments]
    log = trial.folder / "logs" / f"{part}.txt"
    log.parent.mkdir(exist_ok=True)
    with open(log, "w", encoding="utf-8") as stream:
        try:
            code = subprocess.run(command, cwd=trial.clone, env=environment_of(trial), stdout=stream, stderr=stream,
                                  timeout=LONGEST).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return Attempt(False, f"it took longer than {LONGEST} s")
    last = log.read_text(encoding="utf-8").strip().splitlines()[-1]
    counted = re.sub(r" in [\d.]+s.*|=+ ?| ?=+|, \d+ warnings?", "", last)
    return Attempt(code == 0, counted if code == 0 else f"{counted} (see {log.relative_to(settings.PROJECT)})")


def try_on_colab(trial: Trial, part: str) -> Attempt:
    """Run a notebook as if it were opened from its badge: in an empty folder, without any trained runs.

    Only Colab's packages are installed, so pip in the first cell has to find versions that fit them.
    """
    import execute
    import links

    uv("pip", "sync", "--quiet", "--python", trial.venv_python, trial.folder / "versions.txt")
    cell = links.COLAB_CELL.format(repository=f"file://{trial.folder / 'origin.git'}", tag="trial", folder=trial.clone)
    notebook = json.loads(_git("-C", trial.folder / "origin.git", "show", f"trial:notebooks/{part}.ipynb"))
    first = next(each for each in notebook["cells"] if each["cell_type"] == "code")
    first["source"] = cell.rstrip("\n").splitlines(keepends=True)
    opened = trial.folder / "content" / f"{part}.ipynb"
    opened.parent.mkdir(exist_ok=True)
    files.write_text(json.dumps(notebook), opened)
    shutil.rmtree(trial.clone / "runs", ignore_errors=True)
    startup = trial.folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "00-colab.py").write_text("import google.colab\n")
    environment = environment_of(trial) | {"IPYTHONDIR": str(trial.folder / "ipython"), "PYTHONPATH": str(STAND_IN)}
    try:
        execute.execute(opened, trial.folder / "executed", str(trial.venv_python), environment)
    except execute.NotebookError as fault:
        return Attempt(False, str(fault).strip().splitlines()[0])
    executed = json.loads((trial.folder / "executed" / f"{part}.ipynb").read_text(encoding="utf-8"))
    brought = pinned((trial.folder / "versions.txt").read_text(encoding="utf-8"))
    came = judge_colab(executed, brought, pinned(uv("pip", "freeze", "--python", trial.venv_python)))
    return dataclasses.replace(came, said=came.said.replace(str(trial.clone), links.COLAB_FOLDER))


def judge_colab(executed: dict, brought: dict[str, str], there: dict[str, str]) -> Attempt:
    """Return the outcome of a notebook that ran to its end.

    Args:
        executed: The executed notebook.
        brought: The versions of the packages that Colab had before.
        there: The versions of all packages afterwards.
    """
    texts = ["".join(map(_text, cell["outputs"])) for cell in executed["cells"] if cell["cell_type"] == "code"]
    said = texts[0].strip().splitlines()
    if replaced := [name for name, version in brought.items() if there.get(name) != version]:
        return Attempt(False, f"Colab's own {', '.join(replaced)} was replaced")
    if not said or not said[-1].startswith("Ready: "):
        return Attempt(False, f"its first cell did not prepare Colab: {said}")
    if not re.search(r"\d+ packages installed", said[-1]):
        return Attempt(False, f"it installed nothing, so these are not Colab's packages: {said[-1]}")
    if found := [text for text in texts if "Missing:" in text]:
        return Attempt(False, f"it asks Colab users to install something: {found[0]}")
    return Attempt(True, said[-1], {"installed": {name: there[name] for name in there if name not in brought}})


def _text(output: dict) -> str:
    """Return the text of a cell's output."""
    data = output.get("data", {})
    return "".join("".join(text) for text in (output.get("text", ""), *data.values()) if not isinstance(text, dict))


def digest_of(trial: Trial, part: str, versions: dict[str, str], commit: str) -> str:
    """Return a digest of everything that a part's outcome depends on: its code, what that uses, the versions."""
    code = _code(part, commit)
    used = USED_BY_TESTS if part.startswith("test_") else USED
    used = [name for name in used if name != "results" or "recorded" in code]
    hashes = _git("-C", settings.PROJECT, "ls-tree", commit, "--", *used)
    return hashlib.sha256(json.dumps([code, hashes, trial.python, versions]).encode()).hexdigest()[:12]


def _code(part: str, commit: str) -> str:
    """Return a test file's text, or the code cells of a notebook and its solved version."""
    if part.startswith("test_"):
        return _git("-C", settings.PROJECT, "show", f"{commit}:{test_file(part)}")
    texts = (
        _git("-C", settings.PROJECT, "show", f"{commit}:{folder}/{part}.ipynb")
        for folder in ("notebooks", "notebooks/solutions")
    )
    cells = (cell for text in texts for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    return "\n".join("".join(cell["source"]) for cell in cells)


class Outcomes:
    """The outcomes of a trial's parts: tests/outcomes/NAME.json, written after each part."""

    def __init__(self, trial: Trial, versions: dict[str, str]):
        self.name = trial.name
        ours = (settings.PROJECT / "requirements.txt").read_text(encoding="utf-8")
        asked = re.findall(r"^([\w-]+)[<>=]", ours, re.MULTILINE)
        self.about = {
            "command": trial.command or f"make test-{trial.name}",
            "python": trial.python,
            "versions": {name: versions[name] for name in (*asked, "tensorflow-cpu") if name in versions},
        }

        before = outcomes.read(trial.name)
        same = all(before.get(key) == self.about[key] for key in ("python", "versions"))
        self.parts = before["parts"] if same else {}

    def keep_only(self, parts: list[str]) -> None:
        self.parts = {name: self.parts[name] for name in parts if name in self.parts}

    def lacks(self, part: str, digest: str) -> str:
        """Return why a part has to run, or an empty string if its outcome is up to date."""
        if part not in self.parts:
            return "not tried on these versions"
        if not self.parts[part]["passed"]:
            return f"failed on {self.parts[part]['date']}"
        return "" if self.parts[part]["digest"] == digest else f"changed since {self.parts[part]['date']}"

    def add(self, part: str, digest: str, came: Attempt, seconds: float) -> None:
        entry = {"passed": came.passed, "said": came.said, **came.measured, "seconds": seconds}
        entry |= {"machine": outcomes.here(), "date": outcomes.today(), "digest": digest}
        self.parts = dict(sorted((self.parts | {part: entry}).items()))
        outcomes.write(self.name, self.about | {"parts": self.parts})


def environment_of(trial: Trial) -> dict[str, str]:
    """Return the environment variables for programs in a trial: its Python first, without ours."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    path = f"{trial.venv_python.parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {
        "PATH": path,
        "WORKSHOP_RECIPE": os.environ.get("WORKSHOP_RECIPE") or "quick",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _head(folder: pathlib.Path) -> str:
    return _git("-C", folder, "rev-parse", "HEAD")


def _git(*arguments) -> str:
    return output("git", *arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
