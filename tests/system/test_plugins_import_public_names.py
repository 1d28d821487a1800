"""Plugins and the command line import from core only what `hookline` exports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hookline

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = sorted(folder for folder in PLUGINS.glob("*/hookline_*") if (folder / "__init__.py").is_file())
PUBLIC = {"__version__", *hookline.__all__}


def private_imports(text: str) -> list[str]:
    """Return the names that a module imports from core and that are not public."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("hookline.")]
        elif isinstance(node, ast.ImportFrom) and node.module == "hookline" and not node.level:
            found += [f"hookline.{alias.name}" for alias in node.names if alias.name not in PUBLIC]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hookline.") and not node.level:
            found.append(str(node.module))
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_package_imports_public_names_of_core_only(package: Path) -> None:
    found = {file.name: private_imports(file.read_text(encoding="utf-8")) for file in sorted(package.rglob("*.py"))}
    assert {name: imports for name, imports in found.items() if imports} == {}


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("from hookline import HttpClient, __version__", []),
        ("from hookline_x import y\nfrom .hookline import z", []),
        ("import hookline.errors", ["hookline.errors"]),
        ("from hookline import errors", ["hookline.errors"]),
        ("def f():\n    from hookline.messages.url import split_host", ["hookline.messages.url"]),
    ],
)
def test_every_kind_of_import_counts(text: str, imports: list[str]) -> None:
    assert private_imports(text) == imports
