"""Core knows no plugin: neither by name nor by import; and it keeps its own modules in one direction."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Generic

import pytest

import hookline
from kit.imports import imports_of_modules, imports_within

ROOT = Path(hookline.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
FORBIDDEN = re.compile(
    r"(?i)cookie(?!jar)|websocket|wsproto|oauth|(?-i:Digest)|allow_redirect|100-continue|gzip|brotli|(?-i:hookline_[a-z])"
)
# From the bottom up: a module imports only from its own folder and from those before it. "" is the root of the package.
LAYERS = ("", "messages", "hooks", "wire", "http1", "network", "plugins", "exchange", "client")
TOP = ("hookline", "hookline.__main__")  # above all layers


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {name_of(path): path for path in SOURCES}


OWN = imports_within(ROOT)  # by full names: "hookline.errors", and "hookline.hooks" for a package itself


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_source_names_no_behaviour(path: Path) -> None:
    found = [f"{n}: {line}" for n, line in enumerate(path.read_text().splitlines(), 1) if FORBIDDEN.search(line)]
    assert found == []


@pytest.mark.parametrize("text", ["Cookie", "WebSocket", "a Digest", "hookline_x", "allow_redirects", "GZIP"])
def test_expression_finds_what_is_forbidden(text: str) -> None:
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("text", ["cookiejar", "the digest of a body", "hexdigest", "HOOKLINE_DISABLE", "hookline"])
def test_expression_lets_the_rest_pass(text: str) -> None:
    assert not FORBIDDEN.search(text)


def test_imports_have_no_cycles() -> None:
    try:
        TopologicalSorter(OWN).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(map(str, error.args[1])))


def test_imports_go_from_upper_layers_to_lower_ones() -> None:
    def level(name: str) -> int:
        folder = name.removeprefix("hookline.").partition(".")[0]
        return len(LAYERS) if name in TOP else LAYERS.index(folder) if (ROOT / folder).is_dir() else 0

    wrong = [f"{name} imports {other}" for name in OWN for other in OWN[name] if level(other) > level(name)]
    assert wrong == []


def test_classes_of_users_stand_in_one_file_or_two() -> None:
    """One object, one room: what the state of an exchange is, and what users see of it; and one class for a request."""
    own = {cls for cls in hookline.HttpResponse.__mro__ if cls not in (object, Generic)}
    assert {cls.__name__ for cls in own} == {"HttpResponse", "ExchangeState"}
    assert hookline.HttpRequest.__mro__ == (hookline.HttpRequest, object)


def test_only_the_parser_imports_httptools() -> None:
    importing = [
        name for name, every in imports_of_modules(ROOT).items() if any(i.startswith("httptools") for i in every)
    ]
    assert importing == ["hookline.http1.parser"]


def test_modules_say_what_they_are_for() -> None:
    for name, path in MODULES.items():
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        assert docstring, name


def test_public_names_are_sorted_and_documented() -> None:
    def rank(name: str) -> tuple[int, str]:
        """Constants, classes, functions: the order that ruff keeps."""
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert hookline.__all__ == sorted(hookline.__all__, key=rank)
    assert len(set(hookline.__all__)) == len(hookline.__all__)
    for name in hookline.__all__:
        public = getattr(hookline, name)
        own = public.__dict__.get("__doc__") if isinstance(public, type) else public.__doc__
        assert own, name


def test_public_methods_are_documented() -> None:
    for name in hookline.__all__:
        public = getattr(hookline, name)
        for member, value in vars(public).items() if isinstance(public, type) else ():
            if member.startswith("_") or not callable(value) or isinstance(value, type):
                continue
            inherited = [getattr(base, member, None) for base in public.__mro__[1:]]
            assert value.__doc__ or any(getattr(i, "__doc__", None) for i in inherited), f"{name}.{member}"


@pytest.mark.parametrize("name", ["importlib.metadata", "wsproto", "oauthlib"])
def test_import_is_lean(name: str) -> None:
    program = f"import sys, hookline; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match="'hookline' has no attribute 'Nothing', and no installed plugin exports it"
    ):
        hookline.Nothing  # noqa: B018
