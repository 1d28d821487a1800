"""docs/migrating-from-pulsar.md lists every name of pulsar's documentation, and each name that it calls kept exists."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from hookline import HttpClient, HttpResponse
from hookline_testing.server import ScriptedServer, response
from kit.migrating import HooklineNames

ROOT = Path(__file__).parents[2]
SEED = (ROOT / (os.environ.get("HOOKLINE_CONFORMANCE") or "../shared/conformance")).parent / "seed.txt"
FATES = {"kept", "changed", "dropped"}
EVENTS = ("pre_request", "on_headers", "post_request", "data_received", "data_processed")


class Row(NamedTuple):
    """A line of the page's tables."""

    name: str
    fate: str
    where: str

    def __str__(self) -> str:
        return self.name


def rows() -> list[Row]:
    text = (ROOT / "docs" / "migrating-from-pulsar.md").read_text(encoding="utf-8")
    return [Row(*found) for found in re.findall(r"^\| `(.+?)` \| (\w+) \| (\w+) \|", text, re.MULTILINE)]


ROWS = rows()
NAMES = {row.name for row in ROWS}


def section(text: str, start: str, end: str) -> str:
    """Return the part of pulsar's API reference between two headings."""
    return text.partition(f"\n{start}\n\n")[2].partition(f"\n{end}\n\n")[0]


def members(text: str) -> set[str]:
    """Return the members of a class of the reference: attributes on lines of their own, and methods with arguments."""
    return set(re.findall(r"^(\w+)(?: = .*|\(.*\)\[source\])?$", text, re.MULTILINE))


def parameters(text: str, name: str) -> set[str]:
    """Return the parameters of a class of the reference."""
    (signature,) = re.findall(rf"^class pulsar\.apps\.http\.{name}\((.*?)\)(?:\[source\])?$", text, re.MULTILINE)
    return {part.partition("=")[0].strip() for part in signature.split(",") if "*" not in part}


def names_of_seed(text: str) -> set[str]:
    """Return all names of pulsar's documentation, in the form of the first column of our tables."""
    reference = text.partition("\nAPI\n\n")[2]
    found = {f"HttpClient({name}=)" for name in parameters(reference, "HttpClient")}
    found |= {f"request({name}=)" for name in parameters(reference, "HttpRequest")}
    found |= {f"request({name}=)" for name in re.findall(r"sessions\.\w+\([^)]*?\b(\w+)=", text)}
    ends = [("HTTP Client", "HTTP Request"), ("HTTP Request", "HTTP Response"), ("HTTP Response", "OAuth1")]
    for owner, (start, end) in zip(("HttpClient", "HttpRequest", "HttpResponse"), ends, strict=True):
        found |= {f"{owner}.{name}" for name in members(section(reference, start, end))}
    found |= {f"HttpResponse.{name}" for name in re.findall(r"\bresponse\.(\w+)", text)}
    found |= {f"HttpRequest.{name}" for name in re.findall(r"(?<!urllib\.)\brequest\.(\w+)", text)}
    found |= {f"HttpClient.{name}" for name in re.findall(r"\b(?:sessions|s)\.(\w+)", text)}
    found |= set(re.findall(r"^from pulsar\.apps\.http import (\w+)", text, re.MULTILINE))
    found |= set(re.findall(r"^class pulsar\.apps\.http\.(?:oauth\.)?(\w+)\(", text, re.MULTILINE))
    found |= {"pulsar.apps.http", "AbstractClient", "Pool", "StreamConsumedError", "WS", "HttpResponse.links"}
    return found | {f'event("{event}")' for event in EVENTS}


@pytest.mark.skipif(
    not SEED.exists(), reason=f"{SEED.name} is not beside the conformance data: set HOOKLINE_CONFORMANCE"
)
def test_every_name_of_pulsar_has_a_row() -> None:
    found = names_of_seed(SEED.read_text(encoding="utf-8"))
    assert len(found) > 90
    assert sorted(found - NAMES) == []


def test_rows_are_well_formed() -> None:
    assert len(NAMES) == len(ROWS) > 90
    assert {row.fate for row in ROWS} == FATES
    plugins = {path.name for path in (ROOT / "plugins").iterdir()} | {
        "core",
        "auth",
        "oauth",
        "tunnel",
        "expect",
        "websocket",
    }
    assert {row.where for row in ROWS} <= plugins


@pytest.fixture(scope="module")
def client() -> HttpClient:
    return HttpClient()


def is_there(client: HttpClient, answer: HttpResponse, row: Row) -> bool:
    """Return whether Hookline has the name of a row."""
    if row.name == "pulsar.apps.http":
        return True
    if (found := re.fullmatch(r"HttpClient\((\w+)=\)", row.name)) and not hasattr(client, found[1]):
        return False
    is_of_plugin = row.where != "core" and row.name.isidentifier()
    return HooklineNames(client, answer).has(f"hookline_{row.where}.{row.name}" if is_of_plugin else row.name)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row_says_what_is_there(client: HttpClient, scripted: ScriptedServer, row: Row) -> None:
    if row.where != "core" and find_spec(f"hookline_{row.where}") is None:
        pytest.skip(f"hookline-{row.where} is not installed")
    scripted.always(response(b""))
    with client:
        answer = client.get(scripted.url())
    assert is_there(client, answer, row) is (row.fate != "dropped")
