"""Checks of the participants' answers to the exercises. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which the notebook shows below
the cell. A check never raises, no matter what the answer is or what a participant's function does, so Run All runs to
the end. If WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.

Each notebook has a module of the same name, and calls its checks from here: `checks.NAME(answer)`. Every check of every
module in this folder is found automatically.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from workshop_utils.teaching.checks.answer import STRICT, NotRight, Verdict, check

__all__ = ["STRICT", "NotRight", "Verdict", "check"]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Verdict]: ...


for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    for _name, _value in vars(importlib.import_module(_module.name)).items():
        if hasattr(_value, "__wrapped__"):  # made by `check`
            globals()[_name] = _value
            __all__ += [_name]
