"""The programs of docs/examples, as modules."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from types import ModuleType

from kit.environments import ROOT

FOLDER = ROOT / "docs" / "examples"


@cache
def load(name: str) -> ModuleType:
    """Import `docs/examples/NAME.py`, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
