"""Imports in source files: those at the top of a module, within functions, and for annotations alone (`if TYPE_CHECKING`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def module_name(file: Path, package: Path) -> str:
    """Return the full name of a module: "hookline_x.a", and "hookline_x" for the package itself."""
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(text: str, parent: str = "") -> Iterator[str]:
    """Yield the full name of everything that a module imports.

    `from a import b` gives "a.b", whether b is a module or not. parent: the package that `from . import` refers to.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parent.split(".")[: 1 - node.level or None] if node.level else []
            source = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*source, alias.name]) for alias in node.names)


def imports_of_modules(package: Path) -> dict[str, set[str]]:
    """Return all that each module of a package imports, by full names."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        name = module_name(file, package)
        parent = name if file.name == "__init__.py" else name.rpartition(".")[0]
        found[name] = set(imported_names(file.read_text(encoding="utf-8"), parent))
    return found


def imports_within(package: Path) -> dict[str, set[str]]:
    """Return which modules of its own package each module imports.

    `from .a import b` means the module a.b where there is one, else a name in the module a.
    """
    imports = imports_of_modules(package)
    return {
        name: {
            module
            for target in targets
            if (module := target if target in imports else target.rpartition(".")[0]) in imports and module != name
        }
        for name, targets in imports.items()
    }
