"""Every public docstring has an example, or ends with a link to one.

A short example stands in the docstring, as an indented block after a line `Example::`; it is run here. Where a page has a
longer one, the last line of the docstring is `Example: docs/responses.md#streams`: a page, seen from the root of the
repository, and one of its headings. Both count only if their code uses the name, as a name, an attribute or a definition:
an import, a comment or a string is no use. A method or property without either is covered by an example in the docstring of
its class, or of another method of its class, if the code of that example uses it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from docs.test_code_blocks import BLOCK, STAND_IN, make_answer, run_block
from hookline_testing.server import ScriptedServer

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    ".".join(path.relative_to(ROOT / "plugins").parts[1:-1])
    for path in (ROOT / "plugins").glob("*/hookline_*/**/__init__.py")
    if re.search(r"^__all__ = ", path.read_text(encoding="utf-8"), re.MULTILINE)
)
LINK = re.compile(r"^Example: (\S+\.md)#(\S+)$", re.MULTILINE)
INLINE = re.compile(r"^Example::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)


@cache
def load_reference() -> ModuleType:
    """Return docs/reference.py, which says what the public members of a class are."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Public:
    """A public name: of a package, or of a class of one. `owner` is the class, None for names of packages."""

    path: str
    name: str
    docstring: str
    owner: str | None = None

    def __str__(self) -> str:
        return self.path


def is_explained_here(value: object) -> bool:
    """Say whether a public value has a docstring of its own: not a constant, nor an object of pluggy such as `hookspec`."""
    return isinstance(value, (type, FunctionType))


def members_of(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties which the project's own classes define."""
    is_documented: Callable[[Any], bool] = load_reference().is_documented
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.partition(".")[0].startswith("hookline"):
            found.update(vars(base))
    for name, member in found.items():
        # what a hook implementation is for, docs/plugins/hooks.md says; only core calls it
        if not name.startswith("_") and is_documented(member) and not hasattr(member, "hookline_impl"):
            yield name, member


def public_names() -> list[Public]:
    """Return all public names, each docstring once: for the class that defines it, or the first that inherits it."""
    found: dict[str, Public] = {}
    seen: set[int] = set()
    for package in ("hookline", *PACKAGES):
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if id(value) in seen or not is_explained_here(value):
                continue
            seen.add(id(value))
            path = f"{package}.{name}"
            found[path] = Public(path, name, inspect.cleandoc(value.__doc__ or ""))
            for member_name, member in members_of(value) if inspect.isclass(value) else ():
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if id(function) not in seen:
                    seen.add(id(function))
                    docstring = inspect.cleandoc(member.__doc__ or "")
                    found[f"{path}.{member_name}"] = Public(f"{path}.{member_name}", member_name, docstring, path)
    return list(found.values())


PUBLIC = public_names()
BY_PATH = {public.path: public for public in PUBLIC}


def anchor_of(heading: str) -> str:
    """Return the anchor that MyST makes of a heading: that of GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def sections_of(page: Path) -> dict[str, str]:
    """Return the text of each section by its anchor; that of the title ends at the next heading."""
    text = page.read_text(encoding="utf-8")
    # A line of a code block that begins with # is no heading.
    blanked = BLOCK.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)
    headings = list(HEADING.finditer(blanked))
    found: dict[str, str] = {}
    for index, heading in enumerate(headings):
        level = len(heading[1])
        ends = (other.start() for other in headings[index + 1 :] if level == 1 or len(other[1]) <= level)
        anchor = anchor_of(heading[2])
        assert anchor not in found or page.name == "CHANGELOG.md", f"{page.name} has two headings {anchor!r}"
        found[anchor] = text[heading.start() : next(ends, len(text))]
    return found


def names_used(code: str) -> set[str]:
    """Return the names that code uses or defines; an import alone is no use."""
    found: set[str] = set()
    tree = compile(code, "example", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
    return found


@cache
def names_of_section(page: Path, anchor: str) -> frozenset[str]:
    """Return the names that the code of a section uses, and those of the classes that its output shows."""
    found: set[str] = set()
    for block in BLOCK.finditer(sections_of(page)[anchor]):
        if block[1].startswith("python"):
            found |= names_used(block[2])
        elif block[1] == "text":
            found |= set(re.findall(r"\b([A-Z]\w+)\(", block[2]))
    return frozenset(found)


def inline_code(docstring: str) -> str:
    """Return the example within a docstring; an empty str if it has none."""
    found = INLINE.search(docstring + "\n")
    return inspect.cleandoc("\n" + found[1]) if found is not None else ""


def names_shown(docstring: str) -> set[str] | frozenset[str]:
    """Return the names that the example of a docstring uses, in the docstring or behind its link."""
    code = inline_code(docstring)
    if code:
        return names_used(code)
    link = LINK.search(docstring)
    if link is None or not (ROOT / link[1]).is_file() or link[2] not in sections_of(ROOT / link[1]):
        return frozenset()
    return names_of_section(ROOT / link[1], link[2])


def serving(code: str, server: ScriptedServer) -> str:
    """Return code whose requests go to the server of the test."""
    return code.replace(STAND_IN, server.url("")).replace("ws" + STAND_IN[4:], "ws" + server.url("")[4:])


def is_shown(public: Public) -> bool:
    """Say whether an example uses the name: its own, or else that of its class."""
    if "\nExample:" in public.docstring:
        return public.name in names_shown(public.docstring)
    return public.owner is not None and public.name in names_of_class(public.owner)


@cache
def names_of_class(path: str) -> frozenset[str]:
    """Return the names that the examples of a class and of its methods use; behind links only those of the class."""
    found = set(names_shown(BY_PATH[path].docstring))
    for public in PUBLIC:
        if public.owner == path:
            code = inline_code(public.docstring)
            found |= names_used(code) if code else set()
    return frozenset(found)


def package_of(public: Public) -> str:
    """Return the package that lists a name, which may be within another one."""
    return max((package for package in ("hookline", *PACKAGES) if public.path.startswith(f"{package}.")), key=len)


@pytest.mark.parametrize("package", sorted({package_of(public) for public in PUBLIC}))
def test_every_public_docstring_leads_to_an_example_that_uses_the_name(package: str) -> None:
    assert not [public.path for public in PUBLIC if package_of(public) == package and not is_shown(public)]


def test_each_example_is_one_block_or_one_link_at_the_end() -> None:
    for public in PUBLIC:
        examples = re.findall(r"^ *Example\b.*", public.docstring, re.MULTILINE | re.IGNORECASE)
        if examples:
            (example,) = examples
            last = public.docstring.rstrip().split(example)[-1]
            link = LINK.fullmatch(example)
            assert (link and not last) or (example == "Example::" and inline_code(public.docstring)), public.path


def test_each_link_leads_to_a_section() -> None:
    links = {link.groups() for public in PUBLIC for link in LINK.finditer(public.docstring)}
    assert links
    assert not [f"{page}#{anchor}" for page, anchor in links if anchor not in sections_of(ROOT / page)]


@pytest.mark.parametrize("public", [public for public in PUBLIC if inline_code(public.docstring)], ids=str)
def test_example_of_a_docstring_runs(public: Public, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOOKLINE_DISABLE", "HOOKLINE_PLUGINS", "HOOKLINE_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(variable, raising=False)
    scripted.respond(make_answer())
    run_block(serving(inline_code(public.docstring), scripted), public.path)


@pytest.mark.parametrize(
    ("docstring", "names"),
    [
        ("Do it.\n\nExample: docs/responses.md#timings", {"timings"}),
        ("Do it.\n\nExample: docs/responses.md#no-such-section", set()),
        ("Do it.\n\nExample: docs/no-such-page.md#timings", set()),
        ("Do it.\n\nExample::\n\n    thing.start()  # and stop()\n    print('close')\n", {"thing", "start", "print"}),
        ("Do it.\n\nExample::\n\n    from thing import start\n", set()),
        ("Do it, as in thing.start().", set()),
    ],
    ids=["link", "section", "page", "code", "import", "prose"],
)
def test_only_names_in_code_that_is_there_count(docstring: str, names: set[str]) -> None:
    assert names_shown(docstring) >= names
    if not names or "::" in docstring:
        assert names_shown(docstring) == names


def test_anchors_are_those_of_the_site() -> None:
    anchors = sections_of(ROOT / "docs/plugins/promises.md").keys() | sections_of(ROOT / "docs/oauth.md").keys()
    assert {"oauth-1-signed-requests", "an-argument-that-only-newer-versions-have"} <= anchors
    for page in (ROOT / "docs").glob("**/*.md"):
        linked = re.findall(r"\]\(([\w./-]*\.md)#([\w-]+)\)", page.read_text(encoding="utf-8"))
        assert not [link for link in linked if link[1] not in sections_of((page.parent / link[0]).resolve())]
