"""The tables of docs/architecture.md name every module of core, and say what it contains in the words of its docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "hookline"
PAGE = ROOT / "docs" / "architecture.md"


def first_paragraph(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def stated() -> dict[str, dict[str, str]]:
    """Folder, module, and what the page says of it."""
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        "" if section.startswith("Root") else section.partition("\n")[0]: dict(
            re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
        )
        for section in sections
    }


def test_tables_say_what_each_module_contains() -> None:
    found: dict[str, dict[str, str]] = {}
    for path in sorted(CORE.rglob("*.py")):
        folder = path.parent.relative_to(CORE).as_posix().strip(".")
        if path.name != "__init__.py" or not folder:
            found.setdefault(folder, {})[path.stem] = first_paragraph(path)
    assert stated() == found


def test_page_describes_each_folder_as_its_package_does() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    for package in CORE.glob("*/__init__.py"):
        assert f"### {package.parent.name} {first_paragraph(package)}" in page
