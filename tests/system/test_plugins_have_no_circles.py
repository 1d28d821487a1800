"""No module of a plugin needs itself by way of others: the modules of each package can be read from the bottom up.

Every import counts, also those of annotations (`if TYPE_CHECKING`) and those within functions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = sorted(folder for folder in PLUGINS.glob("*/hookline_*") if (folder / "__init__.py").is_file())


def module_name(file: Path, package: Path) -> str:
    """Return the full name of a module: "hookline_x.a", and "hookline_x" for the package itself."""
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(tree: ast.Module, parent: str) -> Iterator[str]:
    """Yield the full name of everything that a module imports; parent is what its `from . import` refers to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parent.split(".")[: 1 - node.level or None] if node.level else []
            source = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*source, alias.name]) for alias in node.names)


def imports_within(package: Path) -> dict[str, set[str]]:
    """Return which modules of its own package each module imports."""
    files = {module_name(file, package): file for file in sorted(package.rglob("*.py"))}
    imports: dict[str, set[str]] = {}
    for name, file in files.items():
        parent = name if file.name == "__init__.py" else name.rpartition(".")[0]
        found = set()
        for target in imported_names(ast.parse(file.read_text(encoding="utf-8")), parent):
            # `from .a import b` means the module a.b where there is one, else a name in the module a.
            module = target if target in files else target.rpartition(".")[0]
            if module in files and module != name:
                found.add(module)
        imports[name] = found
    return imports


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_modules_of_a_plugin_import_each_other_one_way_only(package: Path) -> None:
    try:
        TopologicalSorter(imports_within(package)).prepare()
    except CycleError as error:
        pytest.fail(f"import circle: {' <- '.join(error.args[1])}")


def test_every_kind_of_import_counts(tmp_path: Path) -> None:
    package = tmp_path / "hookline_x"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .a import A\n")
    (package / "a.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import B\n")
    (package / "b.py").write_text("def f():\n    from . import c\n    from hookline_x.inner.d import D\n")
    (package / "c.py").write_text("import os\nimport hookline_x.a\n")
    (package / "inner" / "__init__.py").write_text("from ..c import C\n")
    (package / "inner" / "d.py").write_text("from . import e\nfrom .e import E\nfrom .. import b\n")
    (package / "inner" / "e.py").write_text("")
    assert imports_within(package) == {
        "hookline_x": {"hookline_x.a"},
        "hookline_x.a": {"hookline_x.b"},
        "hookline_x.b": {"hookline_x.c", "hookline_x.inner.d"},
        "hookline_x.c": {"hookline_x.a"},
        "hookline_x.inner": {"hookline_x.c"},
        "hookline_x.inner.d": {"hookline_x.inner.e", "hookline_x.b"},
        "hookline_x.inner.e": set(),
    }
