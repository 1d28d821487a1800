"""docs/examples/README.md lists all examples, and each program says what it shows and how to run it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from kit.examples import FOLDER

PROGRAMS = sorted(FOLDER.glob("*.py"))


def test_page_lists_all_examples() -> None:
    rows = re.findall(r"^\| \[[^\]]+\]\(([^)]+)\) \| .+ \|$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    listed = {row.partition("/")[0] for row in rows}
    assert all((FOLDER / row).is_file() for row in rows)
    assert listed == {path.name for path in FOLDER.iterdir() if path.name not in ("README.md", "__pycache__")}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_program_says_what_it_shows_and_how_to_run_it(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring is not None
    first, blank, command, *_ = docstring.splitlines()
    assert first.endswith(".")
    assert blank == ""
    assert re.match(rf"    (\w+=\S+ )*python {re.escape(path.name)} ", command)
