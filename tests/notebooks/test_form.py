"""All notebooks have the same structure, so that a reader of one finds the way in the next."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import symtable
import sys

import conftest
import exercises
import links
import pytest

from workshop_utils.core import settings
from workshop_utils.plots import charts, diagrams, drawing
from workshop_utils.teaching import checks

NAMES = (
    "00_start_here",
    "01_why_transfer_learning",
    "02_label_images",
    "03_build_the_pipeline",
    "04_fine_tune",
    "05_use_as_is",
    "06_random_init",
    "07_compare_the_strategies",
    "08_export_the_checkpoint",
    "09_detect_and_classify",
    "10_your_own_data",
    "11_scale_out",
    "12_label_what_helps",
    "13_count_on_the_belt",
)
MOST_LINES = 15
HIDDEN = "hide-input"
"""The tag of a cell whose code only composes a sentence or checks one."""
SLOW = (
    "core.tensorflow import",
    "coco_detector(",
    "load_model(",
    ".evaluate(",
    "detect_all(",
    "judging.ask(",
    "informative.order(",
)
"""What loads TensorFlow or a network, or runs it on many photos, and shows no progress."""
PROMISES = ("What you will do", "What you will learn", "What you need", "Time")
MODULES = {path.stem: ".".join(path.relative_to(settings.PROJECT).with_suffix("").parts) for path in conftest.MODULES}
FILES = {"csv", "ipynb", "json", "md", "py", "txt", "xml"}
DRAWN = {
    f"{module.__name__.rpartition('.')[2]}.{name}"
    for module in (charts, diagrams, drawing)
    for name, each in vars(module).items()
    if inspect.isfunction(each) and "alt" in inspect.signature(each).parameters
}

every_notebook = pytest.mark.parametrize("name", NAMES)


class Notebook:
    """The cells of a solved notebook."""

    def __init__(self, name: str):
        self.cells = json.loads((exercises.SOLUTIONS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        self.code = [cell for cell in self.cells if cell["cell_type"] == "code"]
        self.text = "\n\n".join(self.source(cell) for cell in self.cells if cell["cell_type"] == "markdown")

    @staticmethod
    def source(cell) -> str:
        return "".join(cell["source"])

    def places(self, begin: str) -> list[int]:
        """Return the positions of the Markdown cells with this beginning."""
        return [
            place
            for place, cell in enumerate(self.cells)
            if cell["cell_type"] == "markdown" and self.source(cell).startswith(begin)
        ]


def test_these_are_the_notebooks():
    assert [path.stem for path in sorted(exercises.SOLUTIONS.glob("*.ipynb"))] == list(NAMES)


@every_notebook
def test_it_opens_with_goals_requirements_and_time(name):
    opening = Notebook.source(Notebook(name).cells[0])
    assert re.match(rf"# {name[:2]} · [A-Z]", opening)
    found = [opening.index(f"**{promise}**: ") for promise in PROMISES]
    assert found == sorted(found)
    assert re.search(r"\*\*Time\*\*: .*\d+ minutes", opening) or name == "10_your_own_data"


@every_notebook
def test_a_participant_can_open_it_on_colab_and_binder(name):
    cells = json.loads((exercises.NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert links.badges(f"{name}.ipynb") in Notebook.source(cells[0])
    assert Notebook.source(cells[1]) == links.colab_cell().rstrip("\n")
    assert cells[1]["metadata"] == exercises.FOLDED, "its code is not what greets you"


@every_notebook
def test_its_sections_are_numbered_and_it_closes_with_a_summary_reading_and_the_next_notebook(name):
    heads = re.findall(r"^## (.+)$", Notebook(name).text, re.MULTILINE)
    *sections, learnt, reading = heads
    assert [head.split(".")[0] for head in sections] == [str(number + 1) for number in range(len(sections))]
    assert (learnt, reading) == ("What we learned", "Further reading")
    closing = Notebook(name).text.split("## Further reading")[1]
    assert 2 <= len(re.findall(r"^- .*\]\(https://\S+\)", closing, re.MULTILINE)) <= 5
    assert re.search(r"^\*\*Where to go next\*\*: .*\]\(\d\d_\w+\.ipynb\)", closing, re.MULTILINE)


@every_notebook
def test_its_exercises_have_the_same_form(name):
    notebook = Notebook(name)
    tasks = notebook.places("### Exercise ")
    least, most = {"11_scale_out": (1, 4), "01_why_transfer_learning": (2, 5)}.get(name, (2, 4))
    assert least <= len(tasks) <= most
    for number, place in enumerate(tasks, start=1):
        task, answer = notebook.cells[place], notebook.cells[place + 1]
        assert re.match(rf"### Exercise {number}: \S", notebook.source(task))
        assert re.search(r"<details><summary>Hint</summary>\n\n.+\n\n</details>\s*$", notebook.source(task), re.DOTALL)
        assert answer["metadata"].get("tags") == [exercises.TAG]
        assert exercises.stub(notebook.source(answer)) != notebook.source(answer)
        check = re.fullmatch(r"checks\.(\w+)\(.*\)", " ".join(_last_statement(notebook.source(answer)).split()))
        assert check and callable(getattr(checks, check[1]))
    tagged = [cell for cell in notebook.code if exercises.TAG in cell["metadata"].get("tags", ())]
    assert len(tagged) == len(tasks), "every tagged cell belongs to an exercise"


@every_notebook
def test_its_exercises_use_exactly_the_checks_of_its_own_module(name):
    module = importlib.import_module(f"workshop_utils.teaching.checks.{name.partition('_')[2]}")
    written = {each for each, value in vars(module).items() if hasattr(value, "__wrapped__")}
    code = "\n".join(map(Notebook.source, Notebook(name).code))
    assert written and set(re.findall(r"\bchecks\.(\w+)\(", code)) == written


def _last_statement(source: str) -> str:
    return ast.get_source_segment(source, ast.parse(source).body[-1]) or ""


@every_notebook
def test_its_cells_are_short_and_have_no_outputs(name):
    for cell in Notebook(name).code:
        source = Notebook.source(cell)
        limit = MOST_LINES + 2 * (
            exercises.TAG in cell["metadata"].get("tags", ())
        )  # participants do not see the two marks
        assert source.strip() and len(source.splitlines()) <= limit, source
        assert cell["outputs"] == [] and cell["execution_count"] is None, source


@every_notebook
def test_what_takes_seconds_is_announced_with_its_time(name):
    shown = ""
    for cell in Notebook(name).cells:
        source = Notebook.source(cell)
        if cell["cell_type"] == "markdown":
            shown = source
        else:
            shown += "".join(re.findall(r"^print\(.*", source, re.MULTILINE))
            if any(words in source for words in SLOW):
                assert re.search(r"\bseconds\b", shown), source


@every_notebook
def test_a_cell_hides_its_code_on_pages_in_jupyterlab_and_on_colab_alike(name):
    for cell in Notebook(name).code:
        metadata = cell["metadata"]
        hidden = {HIDDEN in metadata.get("tags", ()), exercises.FOLDED.items() <= metadata.items()}
        assert len(hidden) == 1, Notebook.source(cell)


@every_notebook
def test_every_picture_has_a_text(name):
    for cell in Notebook(name).code:
        source = re.sub(r"^(\s*)[%!].*$", r"\1pass", Notebook.source(cell), flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in DRAWN:
                assert "alt" in {keyword.arg for keyword in node.keywords}, ast.unparse(node)


@every_notebook
def test_every_name_from_a_module_in_its_text_exists(name):
    code = [re.sub(r"^(\s*)[%!].*$", r"\1pass", Notebook.source(cell), flags=re.M) for cell in Notebook(name).code]
    table = symtable.symtable("\n".join(code), name, "exec")
    bound = {each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()}
    imported = {each.get_name() for each in table.get_symbols() if each.is_imported()}
    for owner, taken in re.findall(r"`([a-z]\w*)\.([A-Za-z_]+)", Notebook(name).text):
        if owner in MODULES and owner not in bound - imported:
            assert hasattr(importlib.import_module(MODULES[owner]), taken), f"{owner}.{taken}"
        else:
            assert owner in bound or taken in FILES, f"{owner}.{taken}: no code cell defines {owner}"


def test_imports_of_a_notebook_are_used_and_sorted():
    command = [sys.executable, "-m", "ruff", "check", "--select", "F401,I001", "--output-format", "concise"]
    checked = subprocess.run([*command, exercises.SOLUTIONS], cwd=settings.PROJECT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@every_notebook
def test_its_links_within_the_workshop_exist(name):
    for target in re.findall(r"\]\(([^)#\s]+)", Notebook(name).text):
        if not target.startswith(("https://", "attachment:")):
            assert (exercises.NOTEBOOKS / target).exists(), target


def test_spelling_is_correct():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md", "*.ipynb", "*.py"], cwd=settings.PROJECT, stdout=subprocess.PIPE
    )
    paths = listed.stdout.decode().split("\0")[:-1]
    command = [sys.executable, "-m", "codespell_lib", "--builtin", "clear,rare", *paths]
    checked = subprocess.run(command, cwd=settings.PROJECT, capture_output=True, text=True)
    assert paths and checked.returncode == 0, checked.stdout + checked.stderr
