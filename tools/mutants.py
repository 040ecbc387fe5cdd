"""Change the code in small ways and check that the tests notice: `make mutants`.

    python tools/mutants.py [MODULE ...]

MODULE is one of those in `TESTS`, such as `data.voc`; the default is all. Each change is one mutant. A mutant that no
test notices survives. Works on a copy in build/mutants/ and resumes after an interruption. Starts over if the module or
its tests have changed. Needs the package cosmic-ray, which `make mutants` installs. build/mutants/MODULE.txt lists the
survivors.
"""

import collections
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome

from workshop_utils.core import settings

TESTS = {
    "core.text": ["core/test_text"],
    "data.folders": ["data/test_folders", "data/test_messy_data"],
    "data.geometry": ["model/test_anchors"],
    "data.label_map": ["data/test_label_map"],
    "data.annotation_repair": ["data/test_annotation_repair", "data/test_messy_data"],
    "data.metadata": ["data/test_metadata"],
    "data.names": ["data/test_names", "data/test_label_map", "data/test_annotation_repair", "data/test_messy_data"],
    "data.rotation": ["data/test_rotation", "data/test_voc_objects"],
    "data.voc": ["data/test_voc", "data/test_messy_data"],
    "data.voc_objects": ["data/test_voc_objects", "data/test_voc", "data/test_messy_data"],
    "data.xml_file": ["data/test_xml_file", "data/test_voc", "data/test_messy_data"],
    "model.anchors": ["model/test_anchors"],
}
"""The tests of each module, the fastest file first."""

COPY = settings.PROJECT / "build" / "mutants"
SLOW = "keras or detectors_file or notebook or train or memory"
"""Tests that import TensorFlow or Jupyter. They run last, on the mutants that the others did not notice."""

CONFIG = """[cosmic-ray]
module-path = "{source}"
timeout = 180.0
test-command = "{python} runner.py {tests}"
[cosmic-ray.distributor]
name = "local"
"""

RUNNER = f"""# Run a module's tests, the fast ones first; exit with 0 if all pass.
import subprocess, sys
pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
runs = [[f"tests/{{name}}.py", "-k", "not ({SLOW})"] for name in sys.argv[1:]]
for chosen in [*runs, [*(f"tests/{{name}}.py" for name in sys.argv[1:]), "-k", "{SLOW}"]]:
    code = subprocess.run([*pytest, *chosen]).returncode
    if code not in (0, 5):  # 5: no test was selected
        sys.exit(code)
"""


def main(modules) -> int:
    if unknown := [module for module in modules if module not in TESTS]:
        print(f"usage: python tools/mutants.py [{'|'.join(TESTS)} ...], not {' '.join(unknown)}", file=sys.stderr)
        return 2
    for module in modules or TESTS:
        print(measure(module), flush=True)
    return 0


def measure(module: str) -> str:
    """Create and test the mutants of a module that were not tested yet; return a line with the number killed."""
    session = prepare(module)
    cosmic_ray = [sys.executable, "-m", "cosmic_ray.cli"]
    run([sys.executable, "runner.py", *TESTS[module]])  # if these failed, every mutant would seem to be killed
    if not session.exists():
        run([*cosmic_ray, "init", f"{module}.toml", session.name])
    run([*cosmic_ray, "exec", f"{module}.toml", session.name])
    with use_db(session, WorkDB.Mode.open) as work:
        results = dict(work.results)
        survivors = [described(item, results[item.job_id]) for item in work.work_items]
    (COPY / f"{module}.txt").write_text("\n".join(filter(None, survivors)), encoding="utf-8")
    outcomes = collections.Counter(result.test_outcome for result in results.values())
    killed, lived = outcomes[TestOutcome.KILLED], outcomes[TestOutcome.SURVIVED]
    return f"{module}: {killed} of {killed + lived} mutants killed ({killed / (killed + lived):.1%}); see {module}.txt"


def described(item, result) -> str | None:
    """Return how a surviving mutant differs, or None if it was killed."""
    if result.test_outcome != TestOutcome.SURVIVED:
        return None
    mutation = item.mutations[0]
    return f"line {mutation.start_pos[0]}, {mutation.operator_name}\n{result.diff}\n"


def prepare(module: str) -> pathlib.Path:
    """Copy what the tests need to build/mutants/; return the path of the session, which may exist already."""
    source = f"workshop_utils/{module.replace('.', '/')}.py"
    sources = [settings.PROJECT / source]
    sources += [settings.PROJECT / "tests" / f"{name}.py" for name in TESTS[module]]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]
    for name in ("workshop_utils", "tests", "docs"):
        shutil.rmtree(COPY / name, ignore_errors=True)
        shutil.copytree(settings.PROJECT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(settings.PROJECT / "pyproject.toml", COPY)
    if not (COPY / "data").exists():
        (COPY / "data").symlink_to(settings.DATA, target_is_directory=True)
    (COPY / "runner.py").write_text(RUNNER, encoding="utf-8")
    config = CONFIG.format(source=source, python=sys.executable, tests=" ".join(TESTS[module]))
    (COPY / f"{module}.toml").write_text(config, encoding="utf-8")
    return COPY / f"{module}-{digest}.sqlite"


def run(command: list[str]) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(COPY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_PROFILE": "mutants",
    }
    subprocess.run(command, cwd=COPY, env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
