"""What is said in several places is said alike: requirements, Python versions, the lists in the README."""

import ast
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys

import trial
import yaml
from conftest import MODULES, PACKAGES, SETUP
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from workshop_utils.core import machine, settings
from workshop_utils.model import pretrained

ROOT = settings.PROJECT
PROJECT = SETUP["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))


def ranges(lines) -> dict[str, SpecifierSet]:
    """Return {package: the versions asked for}; tensorflow-cpu is TensorFlow."""
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {each.name.replace("tensorflow-cpu", "tensorflow"): each.specifier for each in wanted}


REQUIREMENTS = ranges((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_conda_asks_for_the_same_packages_as_pip():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert ranges(pip["pip"]) == REQUIREMENTS
    (python,) = [each for each in conda if each.startswith("python")]
    assert re.fullmatch(r"python=3\.\d+", python) and python.removeprefix("python=") in SpecifierSet(
        PROJECT["requires-python"]
    )
    assert conda == [python, "pip"], "whatever conda has to solve together takes memory while Binder builds"


def test_colab_keeps_its_own_versions():
    lines = (ROOT / "tests/fixtures/colab/versions.txt").read_text(encoding="utf-8").splitlines()
    colab = dict(line.split("==") for line in lines if "==" in line)
    assert {"tensorflow", "keras", "numpy", "protobuf", "psutil"} <= colab.keys()
    assert [name for name in colab if name in REQUIREMENTS and colab[name] not in REQUIREMENTS[name]] == []
    assert list(colab) == [canonicalize_name(name) for name in colab], "so they are found among what is installed"


def test_the_lock_holds_one_version_of_each_package_for_each_python_with_hashes_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE)
    locked = re.findall(r"^(\S+)==([^\s;]+)(?: ; (.+?))? \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.MULTILINE)
    assert len(locked) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
    for minor in (11, 12, 13):
        here = {"python_full_version": f"3.{minor}.5", "python_version": f"3.{minor}"}
        there = [
            (canonicalize_name(name), version)
            for name, version, marker, _ in locked
            if not marker or Marker(marker).evaluate(here)
        ]
        assert len(there) == len(dict(there))
        assert all(dict(there)[name] in specifier for name, specifier in REQUIREMENTS.items()), "run `make lock`"


def test_python_versions_agree():
    tested = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(30) if f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])]
    assert tested == [line.split()[-1] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", line)]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "python" + " python".join(reversed(tested)) in makefile
    assert "({}) <= sys.version_info[:2] <= ({})".format(*(tested[i].replace(".", ", ") for i in (0, -1))) in makefile
    assert f"Python {tested[0]} to {tested[-1]}" in README


def test_once_a_week_the_oldest_the_newest_and_colabs_versions_are_tried():
    assert "schedule" in WORKFLOW[True], "YAML reads the word `on` as true"
    job = WORKFLOW["jobs"]["versions"]
    assert "schedule" in job["if"]
    tried = {each["trial"]: each["python"] for each in job["strategy"]["matrix"]["include"]}
    assert tried == {name: each.python for name, each in trial.TRIALS.items()}
    forget, attempt = commands(job)
    assert forget == "rm -f tests/outcomes/${{ matrix.trial }}.json", "else what is committed as passed is not tried"
    assert attempt.startswith("make test-${{ matrix.trial }} ")


def test_once_a_week_the_site_and_the_bundle_are_made():
    weekly = [job for job in WORKFLOW["jobs"].values() if "schedule" in job.get("if", "")]
    assert {"make site", "make test-bundle"} <= {command for job in weekly for command in commands(job)}


def commands(job: dict) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_every_package_is_installed():
    there = {path.parent for path in (ROOT / "workshop_utils").rglob("__init__.py")}
    assert there == set(PACKAGES), "pyproject.toml names the packages that pip installs"


def test_every_import_is_required():
    sources = [path.read_text(encoding="utf-8") for path in MODULES]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        sources.append(re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.MULTILINE))
    imported = set()
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    providers = importlib.metadata.packages_distributions()
    for name in imported - set(sys.stdlib_module_names) - {"workshop_utils"}:
        packages = (canonicalize_name(each) for each in providers.get(name, []))
        listed = {each.removesuffix("-cpu").removesuffix("-binaries") for each in packages}
        assert listed & REQUIREMENTS.keys(), f"'{name}' is imported, but requirements.txt does not list it"


def named(path: pathlib.Path) -> str:
    """Return a module's name as the README has it: `voc`, `checks.answer`, or `checks` for the package itself."""
    return ".".join(path.relative_to(ROOT / "workshop_utils").with_suffix("").parts).removesuffix(".__init__")


def imported(path: pathlib.Path) -> set[str]:
    """Return which of our modules a module imports, anywhere in it, by their names in the README."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "workshop_utils":
            found |= {f"workshop_utils.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return {name.removeprefix("workshop_utils.") for name in found if name.startswith(("workshop_utils", "."))}


NAMED = {named(path): path for path in MODULES if not named(path).startswith("__")}
ROWS = [name for name in re.findall(r"^\| `([\w.]+)` \|", README, re.MULTILINE) if name not in settings.RECIPES]
CHAPTERS = {f"checks.{path.stem.partition('_')[2]}" for path in (ROOT / "notebooks").glob("*.ipynb")}
"""The modules that stand in the row of `checks`: the checks of a notebook each, and of its name."""


def test_readme_lists_every_notebook_and_every_module():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{path.name})" in README
    assert {*ROWS, *CHAPTERS} == NAMED.keys(), "each module has a row, but those that are named after a notebook"


def test_modules_import_only_from_rows_above_their_own_in_the_readme():
    for name, path in NAMED.items():
        row = ROWS.index("checks" if name in CHAPTERS else name)
        above = {*ROWS[:row], *(CHAPTERS if name == "checks" else ())}
        assert imported(path) <= above, f"{name} imports {imported(path) - above}"


def test_where_the_weights_come_from_and_go_to():
    weights = (settings.PRETRAINED / pretrained.WEIGHTS).relative_to(ROOT).as_posix()
    assert f"WEIGHTS := {weights}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert pretrained.PACKAGE in README and pretrained.TARBALL in README


def started(python: pathlib.Path, **variables: str) -> list[str]:
    """Return what a program that `start` starts finds: threads twice, the recipe, and its own argument."""
    kept = {name: value for name, value in os.environ.items() if name != "WORKSHOP_RECIPE"}
    path = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    program = r'printf "%s\n" "$OMP_NUM_THREADS" "$OPENBLAS_NUM_THREADS" "$WORKSHOP_RECIPE" "$1"'
    done = subprocess.run([ROOT / "start", "sh", "-c", program, "sh", "two words"], capture_output=True, text=True,
                          env=kept | path | variables, cwd=ROOT)  # fmt: skip
    return done.stdout.splitlines()


def test_binder_starts_jupyter_with_the_cores_of_its_container_and_a_recipe_for_few():
    python = pathlib.Path(sys.executable)
    cores = str(machine.cores())
    assert started(python) == [cores, cores, "quick", "two words"]
    assert started(python, WORKSHOP_RECIPE="seed") == [cores, cores, "seed", "two words"]


def test_binder_starts_jupyter_also_where_the_cores_cannot_be_counted(tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    assert started(tmp_path / "python") == ["2", "2", "quick", "two words"]


def test_binder_installs_the_package_and_fetches_the_weights():
    assert os.access(ROOT / "postBuild", os.X_OK)
    lines = (ROOT / "postBuild").read_text(encoding="utf-8").splitlines()
    assert "python -m workshop_utils fetch" in lines and "python -m pip install --no-deps -e ." in lines
