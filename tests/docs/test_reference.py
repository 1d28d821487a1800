"""The pages of the reference have every public name once; docs/reference.py takes its section from the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections import Counter
from pathlib import Path

import pytest

import hookline
from hookline import HttpClient
from kit.site import DOCS, site_module

ROOT = DOCS.parent

reference = site_module("reference")
DIRECTIVE = site_module("check_site").DIRECTIVE


def public_modules(member: Path) -> dict[str, list[str]]:
    """Return the public modules of a member with the names that they list and their package does not."""
    package = member / f"hookline_{member.name}"
    listed: dict[str, list[str]] = {}
    for path in (package / "__init__.py", *sorted(package.glob("*/__init__.py")), *sorted(package.glob("[a-z]*.py"))):
        if names := names_listed_in(path):
            parts = path.relative_to(member).with_suffix("").parts
            listed[".".join(part for part in parts if part != "__init__")] = names
    above = listed.get(package.name, [])
    return {
        module: names if module == package.name else own
        for module, names in listed.items()
        if (own := [name for name in names if name not in above]) or module == package.name
    }


def names_listed_in(path: Path) -> list[str]:
    """Return what a module assigns to `__all__`, read and not imported."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(statement.value)
            return names
    return []


MEMBERS = [path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))]
NAMES = [("hookline", name) for name in hookline.__all__] + [
    (module, name) for member in MEMBERS for module, names in public_modules(member).items() for name in names
]


def test_pages_have_every_public_name_of_hookline_once() -> None:
    text = "\n".join((DOCS / page).read_text(encoding="utf-8") for page in ("reference.md", "plugins/reference.md"))
    named = Counter(name for module, names in DIRECTIVE.findall(text) for name in names.split() if not module)
    assert named == Counter(hookline.__all__)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_each_member_has_a_page_with_its_readme_and_all_its_public_modules(member: Path) -> None:
    page = (DOCS / "packages" / f"{member.name}.md").read_text(encoding="utf-8")
    assert f"```{{include}} ../../plugins/{member.name}/README.md\n" in page
    assert sorted(DIRECTIVE.findall(page)) == [(module, "") for module in sorted(public_modules(member))]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_names_of_a_module_are_those_that_it_lists(member: Path) -> None:
    for module, names in public_modules(member).items():
        assert reference.public_names(module) == names


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_section_explains_the_name_and_all_its_public_members(module: str, name: str) -> None:
    section = reference.markdown_of(name, module)
    assert section.startswith(f"### {name}\n")
    assert re.search(rf"^`{{3,}}\{{py:\w+\}} {name}\b.*\n(?::.*\n)*\n[^\n]", section, re.MULTILINE), section
    found = getattr(importlib.import_module(module), name)
    if inspect.isclass(found):
        for member in reference.members_of(found):
            pattern = rf"^`{{3,}}\{{py:(?:method|property)\}} {member}(?:\(.*)?\n(?::.*\n)*\n(?!```).+"
            assert re.findall(pattern, section, re.MULTILINE), member


def test_parameters_become_a_list_and_code_stays_code() -> None:
    docstring = """Send something.

    Two lines
    of prose: with a colon.

        async with client:
            await client.get(url)

            print(url)

    first: the first, which
        continues here.
    second, third: both. fourth: behind the end of a sentence.

    Raises: ValueError, for
    nothing; HttpTimeout, and not Anything.
    """
    assert reference.paragraphs(inspect.cleandoc(docstring)) == [
        "Send something.",
        "Two lines\nof prose: with a colon.",
        "```python\nasync with client:\n    await client.get(url)\n\n    print(url)\n```",
        "- `first`: the first, which continues here.\n"
        "- `second`, `third`: both.\n"
        "- `fourth`: behind the end of a sentence.",
        "*Raises:* `ValueError`, for nothing; `HttpTimeout`, and not Anything.",
    ]


def test_exceptions_below_a_label_become_a_list() -> None:
    docstring = "Do it.\n\nRaises:\n    TypeError: first,\n        continued.\n    ValueError: second."
    assert reference.paragraphs(docstring)[1:] == [
        "*Raises:*",
        "- `TypeError`: first, continued.\n- `ValueError`: second.",
    ]


@pytest.mark.parametrize(
    ("line", "link"),
    [
        ("docs/responses.md#streams", "[Reading responses, Streams](/responses.md#streams)"),
        ("docs/websocket.md", "[Using websockets](/websocket.md)"),
        ("docs/plugins/hooks.md#answers", "[Every hook, Answers](/plugins/hooks.md#answers)"),
        ("plugins/retry/README.md#the-budget", "[hookline-retry, The budget](/packages/retry.md#the-budget)"),
    ],
    ids=["section", "page", "folder", "readme"],
)
@pytest.mark.parametrize("before", ["", "Raises: ValueError\n", "name: a parameter\n", "Prose.\n\n"])
def test_example_elsewhere_becomes_a_link_with_titles(before: str, line: str, link: str) -> None:
    assert reference.paragraphs(f"Do it.\n\n{before}Example: {line}")[-1] == f"*Example:* {link}"


@pytest.mark.parametrize("line", ["docs/responses.md#no-such-section", "docs/no-such-page.md"])
def test_example_that_is_not_there_is_an_error(line: str) -> None:
    with pytest.raises((ValueError, OSError), match="no-such"):
        reference.paragraphs(f"Do it.\n\nExample: {line}")


@pytest.mark.parametrize("gap", ["", "\n"], ids=["directly", "after a blank line"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [("await client.get(url)", "python"), (">>> 1 + 1\n2", "pycon"), ("pip install hookline", "text")],
    ids=["python", "doctest", "other"],
)
def test_example_of_its_own_is_a_block_of_code(gap: str, code: str, kind: str) -> None:
    docstring = f"Do it.\n\nExample::\n{gap}{textwrap.indent(code, '    ')}\n\nRaises: OSError."
    assert reference.paragraphs(docstring)[1:] == ["*Example:*", f"```{kind}\n{code}\n```", "*Raises:* `OSError`."]


def test_signature_has_each_parameter_with_its_type_and_default() -> None:
    section = reference.markdown_of("Timeout")
    assert "{py:class} Timeout(total: float | None = None, *, pool: float | None = None, " in section
    section = reference.markdown_of("Option")
    assert "convert: ~collections.abc.Callable[[~typing.Any], ~typing.Any] | None = None" in section
    assert "doc: str = ''" in section


@pytest.mark.parametrize(
    ("name", "module", "found"),
    [
        ("Iterable", "hookline.client.client", "collections.abc.Iterable"),
        ("ssl.SSLContext", "hookline.network.tls", "ssl.SSLContext"),
        ("HttpResponse", "hookline.client.client", "hookline.HttpResponse"),
        ("Scheme", "hookline_sigv4", "hookline_sigv4.Scheme"),
        ("ScriptedServer", "hookline_testing.server.scripted_server", "hookline_testing.server.ScriptedServer"),
        ("HandlerT", "hookline.hooks.handlers", "HandlerT"),
        ("str", "hookline.client.client", "str"),
    ],
)
def test_types_have_the_name_under_which_they_are_described(name: str, module: str, found: str) -> None:
    assert reference.qualified(name, module) == found


def test_public_members_are_those_of_the_package_itself() -> None:
    assert {"get", "event", "plugins"} <= reference.members_of(HttpClient).keys()
    stream_reset = importlib.import_module("hookline_http2").StreamReset
    assert "response" not in reference.members_of(stream_reset)
