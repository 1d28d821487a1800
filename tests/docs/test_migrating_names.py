"""docs/migrating-from-*.md: they list every public name of requests, httpx, httpx2 and aiohttp; each name in them exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import GenericAlias, ModuleType
from typing import Any

import aiohttp
import aiohttp.web
import httpx
import httpx2
import httpx2.websockets
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

    tables: the heads of the first columns of its tables. names: returns its public names.
    objects: instances that have attributes which their classes have not, by the path of the class; with `()` at its end, a path
    stands for the callable whose parameters it has.
    absent: names of the tables that it has not, although another library of the same tables has them.
    """

    module: ModuleType
    page: str
    tables: tuple[str, ...]
    names: Callable[[], set[str]]
    objects: Mapping[str, Any] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.module.__name__

    def rows(self) -> list[Row]:
        return [row for table in self.tables for row in rows_of(self.page, table)]


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


def objects_of_httpx(module: Any) -> dict[str, Any]:
    """Return instances of classes of httpx or httpx2 that have attributes of their own."""
    return {
        "Request": module.Request("GET", URL),
        "Response": module.Response(200),
        "Timeout": module.Timeout(5),
        "Limits": module.Limits(),
        "Proxy": module.Proxy(URL),
    }


def names_of_httpx(module: Any) -> set[str]:
    """Return the names of httpx or httpx2, the members of the classes and their parameters.

    What a class for coroutines has is named once, for the class of blocking calls. The keywords of a call are those of
    `Client.request`, and what another method has beside them.
    """
    objects = objects_of_httpx(module)
    names = set(module.__all__)
    places = [(name, getattr(module, name)) for name in module.__all__ if name != "main"]
    if module is httpx2:
        places += [(f"websockets.{name}", getattr(httpx2.websockets, name)) for name in httpx2.websockets.__all__]
        names |= {name for name, _ in places}
    for name, value in places:
        twin = name.replace("Async", "")
        twin = twin if name != twin and twin in dict(places) else name
        if not isinstance(value, type) or issubclass(value, Exception):
            continue
        for found in members(value, name) | members(objects.get(name, value), name):
            has_twin = hasattr(dict(places)[twin], found.rpartition(".")[2])
            names.add(found.replace(name, twin) if has_twin else found)
        if not issubclass(value, int):  # no enumerations: httpx.codes
            names |= {found.replace(name, twin) for found in parameters(value, name)}
    keywords = parameters(module.Client.request, "Client.request")
    names |= keywords
    for method in (
        "get",
        "post",
        "stream",
        "build_request",
        "send",
        *(("query", "sse", "websocket") if module is httpx2 else ()),
    ):
        for found in parameters(getattr(module.Client, method), f"Client.{method}"):
            if found.replace(method, "request") not in keywords or method == "send":
                names.add(found)
    # The members of the class `int`, and constructors of classes that programs do not make.
    return {name for name in names if not name.startswith(("codes.", "websockets.")) or "(" not in name}


AIOHTTP_SIGNATURES = {
    "ClientSession.request()": aiohttp.ClientSession._request,  # the public methods take **kwargs
    "ClientSession.ws_connect()": aiohttp.ClientSession._ws_connect,
}


def names_of_aiohttp() -> set[str]:
    """Return the names of aiohttp, the members of its classes and their parameters; exceptions and types without these."""
    names = {*aiohttp.__all__, "web"}
    for name in aiohttp.__all__:
        value = getattr(aiohttp, name)
        is_class = isinstance(value, type) and not isinstance(value, GenericAlias)
        if is_class and issubclass(value, Exception):
            names |= {found for found in members(value, name) if found.rpartition(".")[2] in vars(value)}
        elif is_class:
            names |= members(value, name) | parameters(value, name)
    for path, function in AIOHTTP_SIGNATURES.items():
        names |= parameters(function, path.removesuffix("()"))
    return names


LIBRARIES = (
    Library(aiohttp, "migrating-from-aiohttp.md", ("aiohttp",), names_of_aiohttp, AIOHTTP_SIGNATURES),
    Library(requests, "migrating-from-requests.md", ("requests",), names_of_requests, REQUESTS_OBJECTS),
    Library(httpx, "migrating-from-httpx.md", ("httpx",), partial(names_of_httpx, httpx), objects_of_httpx(httpx)),
    Library(
        httpx2,
        "migrating-from-httpx.md",
        ("httpx", "httpx2"),
        partial(names_of_httpx, httpx2),
        objects_of_httpx(httpx2),
        frozenset({"main"}),
    ),
)
PAGES = sorted({library.page for library in LIBRARIES})


@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_every_name_of_a_library_has_one_row(library: Library) -> None:
    expected = library.names()
    rows = library.rows()
    names = names_in(rows)

    assert len(expected) > 250
    assert missing(expected, rows) == []
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_rows_name_what_the_library_has(library: Library) -> None:
    rows = library.rows()

    assert all(row.theirs for row in rows)
    absent = {name for name in names_in(rows) if not is_there(library.module, name, library.objects)}
    assert absent <= library.absent


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


@pytest.mark.parametrize("library", LIBRARIES, ids=str)
def test_rows_name_what_hookline_has(hookline_names: HooklineNames, library: Library) -> None:
    rows = library.rows()

    assert [str(row) for row in rows if not row.ours and row.says != "none"] == []
    assert [(str(row), name) for row in rows for name in row.ours if not hookline_names.has(name)] == []


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


@pytest.mark.parametrize(
    "name", ["Session.gett", "Session.request(tiemout=)", "exceptions.ReadTimeOut", "Response.okay"]
)
def test_names_that_requests_has_not_are_found_out(name: str) -> None:
    assert not is_there(requests, name, REQUESTS_OBJECTS)
