"""docs/examples/tour.ipynb: its cells run as IPython runs them, against httpbin."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from kit.examples import FOLDER
from servers.addresses import Site

PATH = FOLDER / "tour.ipynb"


def code_cells() -> list[str]:
    cells = json.loads(PATH.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


async def run_cell(code: str, names: dict[str, Any], show: Callable[[Any], object]) -> None:
    """Run a cell, which may await; `show` gets the value of its last line if that is an expression, and not None."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    parts: list[tuple[ast.Module | ast.Expression, str]] = [(tree, "exec")]
    if isinstance(last, ast.Expr):
        parts.append((ast.Expression(last.value), "eval"))
    for part, mode in parts:
        value = eval(compile(part, "<cell>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307
        if inspect.iscoroutine(value):
            value = await value
        if mode == "eval" and value is not None:
            show(value)


async def test_cells_run(httpbin: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TOUR_URL", httpbin.origin)
    names: dict[str, Any] = {}
    shown: list[Any] = []
    for cell in code_cells():
        await run_cell(cell, names, shown.append)
    first, many, size, hops, plugins = shown
    assert first == (200, "Sample Slide Show")
    assert many == (20_000, 10)
    assert size == 100_000
    assert hops == [302, 302]
    assert "redirects" in plugins
    assert capsys.readouterr().out.split("\n") == [
        "418", "HttpTimeout", "302 /redirect/2", "302 /relative-redirect/1", "200 /get", "",
    ]  # fmt: skip


def test_file_is_a_notebook_without_outputs() -> None:
    notebook = json.loads(PATH.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            wanted |= {"execution_count", "outputs"}
            assert (cell["execution_count"], cell["outputs"]) == (None, [])
        assert cell.keys() == wanted
    if find_spec("nbformat") is not None:
        import nbformat

        nbformat.validate(notebook)


@pytest.mark.slow
def test_cells_are_typed(tmp_path: Path) -> None:
    code = "\n".join(code_cells())
    (tmp_path / "tour.py").write_text(f"async def main() -> None:\n{textwrap.indent(code, '    ')}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--python-executable",
        sys.executable,
        "tour.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
