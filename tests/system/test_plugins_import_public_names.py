"""Plugins and the command line import from core only what `hookline` exports."""

from __future__ import annotations

from pathlib import Path

import pytest

import hookline
from kit.imports import imported_names

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = sorted(folder for folder in PLUGINS.glob("*/hookline_*") if (folder / "__init__.py").is_file())
PUBLIC = {"__version__", *hookline.__all__}


def private_imports(text: str) -> list[str]:
    """Return what a module imports from core and what is not public: names of `hookline`, and the modules within it."""
    private = (
        name
        for name in imported_names(text)
        if name.startswith("hookline.") and name.removeprefix("hookline.") not in PUBLIC
    )
    return [name.rpartition(".")[0] if name.count(".") > 1 else name for name in private]


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
