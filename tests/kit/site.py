"""The modules of docs/ from which the site is built, for tests: they are no package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


def site_module(name: str) -> ModuleType:
    """Import a module of docs/, such as `reference`, as Sphinx does."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS))
