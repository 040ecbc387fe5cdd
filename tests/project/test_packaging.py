"""Facts that several files repeat agree: requirements, Python versions, the lists of notebooks and sub-packages."""

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
from workshop_utils.model import architectures, coco_download

ROOT = settings.PROJECT
PACKAGE = ROOT / "workshop_utils"
PROJECT = SETUP["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))


def ranges(lines) -> dict[str, SpecifierSet]:
    """Return {package: required versions}; tensorflow-cpu counts as TensorFlow."""
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {each.name.replace("tensorflow-cpu", "tensorflow"): each.specifier for each in wanted}


REQUIREMENTS = ranges((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_conda_and_pip_require_the_same_packages():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert ranges(pip["pip"]) == REQUIREMENTS
    (python,) = [each for each in conda if each.startswith("python")]
    assert re.fullmatch(r"python=3\.\d+", python) and python.removeprefix("python=") in SpecifierSet(
        PROJECT["requires-python"]
    )
    assert conda == [python, "pip"], "more packages for conda to solve would take memory while Binder builds"


def test_colab_keeps_its_own_versions():
    lines = (ROOT / "tests/fixtures/colab/versions.txt").read_text(encoding="utf-8").splitlines()
    colab = dict(line.split("==") for line in lines if "==" in line)
    assert {"tensorflow", "keras", "numpy", "protobuf", "psutil"} <= colab.keys()
    assert [name for name in colab if name in REQUIREMENTS and colab[name] not in REQUIREMENTS[name]] == []
    assert list(colab) == [canonicalize_name(name) for name in colab], "as installed packages are named"


def test_the_lock_has_one_version_of_each_package_per_python_with_hashes_and_no_host():
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
    assert forget == "rm -f tests/outcomes/${{ matrix.trial }}.json", "otherwise, parts committed as passed do not run"
    assert attempt.startswith("make test-${{ matrix.trial }} ")


def test_once_a_week_the_site_and_the_bundle_are_made():
    weekly = [job for job in WORKFLOW["jobs"].values() if "schedule" in job.get("if", "")]
    assert {"make site", "make test-bundle"} <= {command for job in weekly for command in commands(job)}


def commands(job: dict) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_every_module_and_data_file_is_installed():
    assert SETUP["tool"]["setuptools"]["packages"]["find"]["include"] == ["workshop_utils*"]
    assert {path.parent for path in PACKAGE.rglob("*.py")} == set(PACKAGES), "pip leaves out what has no __init__.py"
    data_files = {path for path in PACKAGE.rglob("*.*") if path.suffix not in (".py", ".pyc")}
    installed = SETUP["tool"]["setuptools"]["package-data"].items()
    assert data_files == {ROOT / package.replace(".", "/") / name for package, names in installed for name in names}


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
    extras = PROJECT["optional-dependencies"]
    optional = {Requirement(each).name for extra in ("web", "heic", "video") for each in extras[extra]}
    for name in imported - set(sys.stdlib_module_names) - {"workshop_utils"}:
        packages = (canonicalize_name(each) for each in providers.get(name, []))
        listed = {each.removesuffix("-cpu").removesuffix("-binaries") for each in packages}
        required = listed & (REQUIREMENTS.keys() | optional)
        assert required, f"'{name}' is imported, but requirements.txt does not list it"


def name_of(folder: pathlib.Path) -> str:
    """Return a sub-package's name as docs/architecture.md writes it: `data`, `training.fast`."""
    return ".".join(folder.relative_to(PACKAGE).parts)


SUB_PACKAGES = {
    name_of(folder): ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    for folder in PACKAGES
    if folder != PACKAGE
}
"""Each sub-package's docstring, by its name."""
(LAYERS,) = (each["layers"] for each in SETUP["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
BELOW = {name: set(re.findall(r"\w+", " ".join(LAYERS[place + 1 :]))) for place, layer in enumerate(LAYERS)
         for name in layer.split(" | ")}  # fmt: skip
"""The sub-packages that each may import, from import-linter's contract."""


def test_readme_lists_every_notebook_and_fits_on_a_few_screens():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{path.name})" in README
    assert len(README.splitlines()) <= 150


def test_architecture_page_describes_every_sub_package_as_its_docstring_does():
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", ARCHITECTURE, re.MULTILINE))
    for name, docstring in SUB_PACKAGES.items():
        first = re.split(r"\.(?:\s|$)", " ".join(docstring.split()))[0]
        assert first and rows.get(name) == first, f"docs/architecture.md: the row {name} differs from its docstring"


def test_the_imports_a_docstring_allows_are_those_that_import_linter_allows():
    assert SUB_PACKAGES.keys() - {name for name in SUB_PACKAGES if "." in name} == BELOW.keys() - {"__main__"}
    for name in SUB_PACKAGES.keys() & BELOW.keys():
        (said,) = re.findall(r"May import (.+)\.$", " ".join(SUB_PACKAGES[name].split()))
        named = set(re.findall(r"`(\w+)`", said)) - {"workshop_utils"}
        but_named = BELOW["__main__"] - {name} - named
        assert BELOW[name] == (but_named if "everything but" in said else named), f"{name} may import {BELOW[name]}"


def test_imports_go_one_way():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as check; check()",
        "--no-cache",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and " 0 broken" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]


def functions(path: pathlib.Path, public: bool = False):
    """Yield the names and nodes of a module's functions and methods; with `public`, only of those others may
    call."""

    def within(body, owner: str):
        for node in body:
            outside = not node.name.startswith("_") if hasattr(node, "name") else True
            if isinstance(node, ast.ClassDef):
                if outside or not public:
                    yield from within(node.body, f"{owner}{node.name}.")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if outside or not public or node.name in ("__init__", "__call__"):
                    yield f"{owner}{node.name}", node
                if not public:
                    yield from within(node.body, f"{owner}{node.name}.")
            elif isinstance(node, ast.If | ast.Try | ast.With):
                yield from within(node.body, owner)

    name = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    yield from within(ast.parse(path.read_text(encoding="utf-8")).body, f"{name}: ")


def test_no_module_is_longer_than_300_lines():
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_no_function_is_longer_than_50_lines():
    lengths = {name: node.end_lineno - node.lineno + 1 for path in MODULES for name, node in functions(path)}
    assert {name: count for name, count in lengths.items() if count > 50} == {}


def unannotated(node: ast.FunctionDef) -> list[str]:
    """Return the parameters without annotation, and `return` if the return type is missing."""
    arguments = node.args
    all_of_them = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    lacking = [each.arg for each in all_of_them if each is not None and each.annotation is None]
    returned = [] if node.returns is not None or node.name == "__init__" else ["return"]
    return [name for name in lacking if name not in ("self", "cls")] + returned


def test_every_public_function_is_annotated():
    found = {name: unannotated(node) for path in MODULES for name, node in functions(path, public=True)}
    assert len(found) > 100
    assert {name: lacking for name, lacking in found.items() if lacking} == {}


TESTS_OF_NO_MODULE = {
    *(
        "data/test_fuzz",
        "data/test_workshop_films",
        "data/test_hostile_files",
        "data/test_messy_data",
        "data/test_render",
    ),
    *("data/test_workshop_photos", "test_additions", "test_command_line", "training/test_interruption"),
    *("training/fast/test_plain_keras", "training/test_version_1", "widgets/test_browser", "deploy/web/test_page"),
}
"""They test more than one module, as do those in the folders `notebooks` and `project`."""


def test_each_test_file_mirrors_the_path_of_its_module():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT / "tests").with_suffix("").as_posix()
        if name in TESTS_OF_NO_MODULE or name.split("/")[0] in ("notebooks", "project"):
            continue
        module = (PACKAGE / name).with_name(path.stem.removeprefix("test_"))
        beneath = module.parent / module.name.replace("_", "/", 1)  # checks_answer: the module checks/answer
        there = [
            each for each in (module, beneath) if each.with_suffix(".py").exists() or (each / "__init__.py").exists()
        ]
        assert there, f"tests/{name}.py tests no module of workshop_utils/{module.parent.relative_to(PACKAGE)}"


def test_every_test_file_in_the_tests_readme_exists():
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests/)?(?:\w+/)+test_\w+\.py)`", text)
    assert len(named) >= 40
    assert [name for name in named if not (ROOT / "tests" / name.removeprefix("tests/")).exists()] == []


def test_the_files_that_key_the_workflows_caches_exist():
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    patterns = re.findall(r"hashFiles\('(.+?)'\)", text)
    for step in (step for job in WORKFLOW["jobs"].values() for step in job["steps"]):
        patterns += step.get("with", {}).get("cache-dependency-path", "").split()
    assert len(patterns) >= 3 and [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


def test_makefile_and_troubleshooting_name_the_files_of_the_weights():
    weights = (settings.PRETRAINED / architectures.get().weights_file).relative_to(ROOT).as_posix()
    assert f"WEIGHTS := {weights}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert coco_download.PACKAGE in page and coco_download.TARBALL in page


def started(python: pathlib.Path, **variables: str) -> list[str]:
    """Run a program through `start`; return its two thread variables, the recipe and its argument."""
    kept = {name: value for name, value in os.environ.items() if name != "WORKSHOP_RECIPE"}
    path = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    program = r'printf "%s\n" "$OMP_NUM_THREADS" "$OPENBLAS_NUM_THREADS" "$WORKSHOP_RECIPE" "$1"'
    done = subprocess.run([ROOT / "start", "sh", "-c", program, "sh", "two words"], capture_output=True, text=True,
                          env=kept | path | variables, cwd=ROOT)  # fmt: skip
    return done.stdout.splitlines()


def test_binder_starts_jupyter_with_the_cores_of_its_container_and_the_quick_recipe():
    python = pathlib.Path(sys.executable)
    cores = str(machine.cores())
    assert started(python) == [cores, cores, "quick", "two words"]
    assert started(python, WORKSHOP_RECIPE="seed") == [cores, cores, "seed", "two words"]


def test_binder_starts_jupyter_even_if_the_cores_cannot_be_counted(tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    assert started(tmp_path / "python") == ["2", "2", "quick", "two words"]


def test_binder_installs_the_package_and_fetches_the_weights():
    assert os.access(ROOT / "postBuild", os.X_OK)
    lines = (ROOT / "postBuild").read_text(encoding="utf-8").splitlines()
    assert "python -m workshop_utils fetch" in lines and "python -m pip install --no-deps -e ." in lines
