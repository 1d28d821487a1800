"""docs/migrating-from-*.md: they list every public name of requests, httpx, httpx2 and aiohttp, and each of their names exists."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
import requests

import hookline_websocket
from hookline import HttpClient, Stats
from hookline_cookies import CookieJar
from hookline_testing import Mock
from kit.migrating import (
    HooklineNames,
    Row,
    is_there,
    members,
    missing,
    names_in,
    names_of_hookline,
    parameters,
    rows_of,
)

URL = "http://a.example/"


@dataclass(frozen=True)
class Library:
    """A library that has a page.

    names: returns its public names. objects: instances that have attributes which their classes have not, by the path of the class;
    with `()` at its end, a path stands for the callable whose parameters it has.
    """

    module: ModuleType
    page: str
    names: Callable[[], set[str]]
    objects: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.module.__name__


REQUESTS_MODULES = (
    "api", "adapters", "auth", "certs", "cookies", "exceptions", "hooks", "models", "sessions", "status_codes", "structures",
    "utils",
)  # fmt: skip
REQUESTS_OBJECTS = {
    "Session": requests.Session(),
    "Request": requests.Request(),
    "PreparedRequest": requests.PreparedRequest(),
    "Response": requests.Response(),
    "adapters.HTTPAdapter": requests.adapters.HTTPAdapter(),
}


def names_of_requests() -> set[str]:
    """Return the names of the package and its modules, the members of its classes and their parameters.

    What several modules have is named once, on the top level if it is there.
    """
    found: dict[str, Any] = {}
    for name, value in vars(requests).items():
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if not name.startswith("_") and str(home).startswith("requests"):
            found[name] = value
    for module in REQUESTS_MODULES:
        for name, value in vars(getattr(requests, module)).items():
            is_new = not any(value is other for other in found.values())
            if not name.startswith("_") and getattr(value, "__module__", None) == f"requests.{module}" and is_new:
                found[f"{module}.{name}"] = value
    names = set(found)
    for path in ("adapters.BaseAdapter", "cookies.RequestsCookieJar", "structures.CaseInsensitiveDict"):
        names |= members(found[path], path)
    for path, example in REQUESTS_OBJECTS.items():
        names |= members(type(example), path) | members(example, path)
    names |= parameters(requests.Session.request, "Session.request")
    for path in ("Request", "adapters.HTTPAdapter", "auth.HTTPBasicAuth", "auth.HTTPDigestAuth"):
        names |= parameters(found[path], path)
    return names


LIBRARIES = (Library(requests, "migrating-from-requests.md", names_of_requests, REQUESTS_OBJECTS),)
ROWS = [(library, row) for library in LIBRARIES for row in rows_of(library.page, str(library))]
IDS = [f"{library}-{row}" for library, row in ROWS]
PAGES = sorted({library.page for library in LIBRARIES})


@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_every_name_of_a_library_has_one_row(library: Library) -> None:
    expected = library.names()
    rows = rows_of(library.page, str(library))
    names = names_in(rows)

    assert len(expected) > 250
    assert missing(expected, rows) == []
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize(("library", "row"), ROWS, ids=IDS)
def test_row_names_what_the_library_has(library: Library, row: Row) -> None:
    assert row.theirs
    assert [name for name in row.theirs if not is_there(library.module, name, library.objects)] == []


@pytest.fixture(scope="module")
def hookline_names() -> Iterator[HooklineNames]:
    """One client with the plugins that the pages name, and what it has made."""
    plugins = ("retry", "otel")
    with Mock() as mock, HttpClient(plugins=plugins) as client:
        mock.get(URL).reply(text="hello")
        answer = client.get(URL, timings=True)
        yield HooklineNames(
            client,
            answer,
            ResponseStream=answer.raw,
            Timings=answer.timings,
            CookieJar=CookieJar,
            WebSocket=hookline_websocket.WebSocket,
            Stats=Stats,
        )


@pytest.mark.parametrize(("library", "row"), ROWS, ids=IDS)
def test_row_names_what_hookline_has(hookline_names: HooklineNames, library: Library, row: Row) -> None:
    assert [name for name in row.ours if not hookline_names.has(name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_prose_names_what_hookline_has(hookline_names: HooklineNames, page: str) -> None:
    names = names_of_hookline(page)

    assert len(names) > 50
    assert [name for name in names if not hookline_names.has(name)] == []


@pytest.mark.parametrize(
    "name",
    ["HttpClient(tiemout=)", "request(pool_size=)", "HttpClient.mount", "HttpResponse.next", "Timeout(sock_read=)", "Session",
     "hookline_auth.NTLM", "hookline_none"],
)  # fmt: skip
def test_names_that_hookline_has_not_are_found_out(hookline_names: HooklineNames, name: str) -> None:
    assert not hookline_names.has(name)


@pytest.mark.parametrize("name", ["Session.gett", "Session.request(tiemout=)", "exceptions.ReadTimeOut", "Response.okay"])
def test_names_that_requests_has_not_are_found_out(name: str) -> None:
    assert not is_there(requests, name, REQUESTS_OBJECTS)
