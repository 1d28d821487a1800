"""The examples of docs/bridges/sdks.md run, and print what the page says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from docs.test_code_blocks import BLOCK, STAND_IN, Example, python_examples, run_block
from hookline_testing.server import ScriptedServer
from servers.model_apis import model_answer

PAGE = Path(__file__).parents[3] / "docs/bridges/sdks.md"
EXAMPLES = python_examples(PAGE)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example_runs(example: Example, scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    scripted.respond(model_answer)
    code = example.code.replace(STAND_IN, scripted.url(""))
    if not hasattr(importlib.import_module("openai")._base_client, "httpx2"):  # earlier releases, as the page says
        code = code.replace("httpx2", "httpx")
    run_block("\n" * (example.line - 1) + code, example.page)
    assert capsys.readouterr().out.rstrip("\n") == (example.output or "").rstrip("\n")


def test_every_block_of_the_page_is_run_and_compared() -> None:
    text = PAGE.read_text(encoding="utf-8")
    kinds = [block[1] for block in BLOCK.finditer(text)]
    assert 2 * len(kinds) == len(re.findall(r"^```", text, re.MULTILINE))
    assert sorted(set(kinds)) == ["python", "sh", "text"]
    assert len(EXAMPLES) == kinds.count("python") == kinds.count("text") == 7
    assert all(example.output for example in EXAMPLES)
