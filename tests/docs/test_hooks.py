"""docs/plugins/hooks.md has every hook with its specified signature; docs/plugins/life.md shows them in their order."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from textwrap import dedent

import pytest

from hookline import Connection, DirectRoute, HttpClient, HttpRequest, HttpResponse, hookimpl
from hookline.client.hookspecs import ClientSpecifications, ConnectionSpecifications, Specifications
from hookline.hooks.implementation import ARGUMENTS
from hookline.hooks.markers import CLIENT_HOOKS, CONNECTION_HOOKS, EVENTS
from hookline_testing.server import Script, ScriptedServer, response

PLUGINS = Path(__file__).parents[2] / "docs" / "plugins"
HOOKS = (PLUGINS / "hooks.md").read_text(encoding="utf-8")
LIFE = (PLUGINS / "life.md").read_text(encoding="utf-8")


def signatures(source: str, name: str) -> dict[str, str]:
    """Return {hook: its signature as text} of the class with this name, such as `(self, response: HttpResponse) -> None`."""
    (found,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name)
    functions = [node for node in found.body if isinstance(node, ast.FunctionDef)]
    assert all(f.returns is not None for f in functions)
    return {f.name: f"({ast.unparse(f.args)}) -> {ast.unparse(f.returns)}" for f in functions if f.returns is not None}


def test_every_hook_stands_there_with_the_signature_of_its_specification() -> None:
    (code,) = re.findall(r"^```python\n(.*?class Everything.*?)^```$", HOOKS, re.DOTALL | re.MULTILINE)
    specified = signatures(dedent(inspect.getsource(Specifications)), "Specifications")
    assert signatures(code, "Everything") == specified
    assert specified.keys() == {"declare", *EVENTS}


def test_every_hook_has_a_section_with_its_arguments() -> None:
    sections = dict(re.findall(r"^## (\w+)\((.*)\)$", HOOKS, re.MULTILINE))
    specified = {name: inspect.signature(getattr(Specifications, name)) for name in ("declare", *EVENTS)}
    assert sections == {
        name: ", ".join(parameter for parameter in found.parameters if parameter != "self")
        for name, found in specified.items()
    }


@pytest.mark.parametrize(
    ("title", "specifications", "hooks"),
    [
        ("Connection hooks", ConnectionSpecifications, CONNECTION_HOOKS),
        ("Client hooks", ClientSpecifications, CLIENT_HOOKS),
    ],
)
def test_other_hooks_stand_in_a_table_with_their_arguments(
    title: str, specifications: type, hooks: tuple[str, ...]
) -> None:
    section = HOOKS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    stated = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", section, re.MULTILINE))
    specified = {name: inspect.signature(getattr(specifications, name)) for name in hooks}
    assert stated == {
        name: ", ".join(parameter for parameter in found.parameters if parameter != "self")
        for name, found in specified.items()
    }
    assert {name: tuple(found.parameters)[1:] for name, found in specified.items()} == {
        name: ARGUMENTS[name] for name in hooks
    }


def test_promises_name_each_hook_once() -> None:
    page = (PLUGINS / "promises.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \| \d+\.\d+ \| (.*)\|$", page, re.MULTILINE)
    hooks = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(hooks) == sorted(ARGUMENTS)
    added = {name for _, arguments in rows for name in re.findall(r"`(\w+)`", arguments)}
    assert added <= {name for names in ARGUMENTS.values() for name in names}


def test_every_means_is_there() -> None:
    owners = {
        "request": HttpRequest,
        "response": HttpResponse,
        "client": HttpClient,
        "connection": Connection,
        "DirectRoute": DirectRoute,
        "HttpResponse": HttpResponse,
    }
    rows = HOOKS.partition("\n## Means\n")[2]
    named = re.findall(rf"\b({'|'.join(owners)})\.(\w+)", rows)
    assert len(named) > 15
    assert [f"{owner}.{name}" for owner, name in named if not hasattr(owners[owner], name)] == []


def test_picture_shows_the_events_in_the_order_in_which_they_fire(scripted: ScriptedServer) -> None:
    seen: list[str] = []

    class Diary:
        @hookimpl
        def pre_request(self) -> None:
            seen.append("pre_request")

        @hookimpl
        def data_received(self) -> None:
            seen.append("data_received")

        @hookimpl
        def on_headers(self, interim: bool) -> None:
            seen.append("interim" if interim else "on_headers")

        @hookimpl
        def data_processed(self) -> None:
            seen.append("data_processed")

        @hookimpl
        def post_request(self) -> None:
            seen.append("post_request")

    scripted.answer(Script(b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(b"whole")))
    with HttpClient(plugins=[Diary()], autoload=False) as client:
        client.get(scripted.url())

    picture = LIFE.partition("```text\n")[2].partition("```")[0]
    drawn = re.findall(rf"^[ │├└┌─►]*({'|'.join(EVENTS)}|interim)\b|`(interim)`", picture, re.MULTILINE)
    names = ["".join(found) for found in drawn]
    assert set(names) == {*EVENTS, "interim"}
    assert seen == ["pre_request", "data_received", "interim", "on_headers", "data_processed", "post_request"]
    # the picture writes the interim heads on the line of on_headers
    assert [name for name in names if name != "interim"] == [name for name in seen if name != "interim"]
