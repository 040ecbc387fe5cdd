"""Notebooks find every check in one place, without importing TensorFlow."""

import importlib
import pkgutil
import subprocess
import sys

from workshop_utils.teaching import checks


def test_every_check_is_called_from_one_place():
    names = [each.name for each in pkgutil.iter_modules(checks.__path__, "workshop_utils.teaching.checks.")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    written = [value for value in values if hasattr(value, "__wrapped__")]
    assert written
    for check in written:
        there = getattr(checks, check.__name__, None)
        assert there is check, f"checks.{check.__name__} is {there}, not the one of {check.__module__}"


def test_checks_need_no_tensorflow():
    blocked = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
    blocked += "from workshop_utils.teaching import checks"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
