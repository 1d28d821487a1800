"""docs/plugins/reference.md has every public name; docs/reference.py takes its section from the code."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

import hookline

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_has_every_public_name_once() -> None:
    page = (DOCS / "plugins" / "reference.md").read_text(encoding="utf-8")
    named = Counter(" ".join(re.findall(r"^```\{reference\}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)).split())
    assert named == Counter(hookline.__all__)


@pytest.mark.parametrize("name", hookline.__all__)
def test_section_explains_the_name_and_all_its_public_members(reference: ModuleType, name: str) -> None:
    section = reference.markdown_of(name)
    assert section.startswith(f"### {name}\n")
    assert len(section.splitlines()) > 5  # more than a heading and a signature
    found = getattr(hookline, name)
    if inspect.isclass(found):
        for member in reference.members_of(found):
            (text,) = re.findall(
                rf"^#### {name}\.{member}\n\n```python\n.*?^```\n\n(.+)", section, re.DOTALL | re.MULTILINE
            )
            assert text.strip()


def test_parameters_become_a_list_and_code_stays_code(reference: ModuleType) -> None:
    docstring = """Send something.

    Two lines
    of prose: with a colon.

        await client.get(url)

    first: the first, which
        continues here.
    second, third: both. fourth: behind the end of a sentence.

    Raises: ValueError, for
    nothing.
    """
    assert list(reference.paragraphs(inspect.cleandoc(docstring))) == [
        "Send something.",
        "Two lines\nof prose: with a colon.",
        "```text\nawait client.get(url)\n```",
        "- `first`: the first, which continues here.\n"
        "- `second`, `third`: both.\n"
        "- `fourth`: behind the end of a sentence.",
        "*Raises:* ValueError, for nothing.",
    ]


def test_signature_has_each_parameter_with_its_default(reference: ModuleType) -> None:
    section = reference.markdown_of("Timeout")
    assert "    total: float | None = None,\n    *,\n    pool: float | None = None,\n" in section
