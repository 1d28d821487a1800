"""docs/crosslinks.py and docs/python_pages.py: what code on the site leads to."""

from __future__ import annotations

import builtins
import importlib
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit.site import site_module

# A name of each kind that no table has, and of each module.
OF_MODULES = [
    "str", "bytes", "OSError", "RuntimeError", "collections.abc.Mapping", "contextlib.suppress", "datetime.timedelta",
    "decimal.Decimal", "enum.Enum", "functools.partial", "http.cookiejar.CookieJar", "http.cookies.SimpleCookie", "io.BytesIO",
    "json.dumps", "logging.Logger", "os.PathLike", "pathlib.Path", "socket.socket", "ssl.SSLContext", "threading.Thread",
    "typing.Any", "uuid.UUID",
]  # fmt: skip
# Where Debian's package python3-doc has the index of Python's documentation.
INVENTORY = Path("/usr/share/doc/python3/html/objects.inv")

python_pages = site_module("python_pages")
described_name = site_module("crosslinks").described_name
DESCRIBED = dict.fromkeys(
    ("hookline.HttpClient", "hookline.HttpClient.get", "hookline.HttpResponse.text", "hookline_sse.SSEClient")
)


@pytest.mark.parametrize(
    ("text", "package", "name"),
    [
        ("HttpClient", None, "hookline.HttpClient"),
        ("HttpClient()", None, "hookline.HttpClient"),
        ("client.get", None, "hookline.HttpClient.get"),
        ("response.text", None, "hookline.HttpResponse.text"),
        ("SSEClient", "hookline_sse", "hookline_sse.SSEClient"),
        ("SSEClient", None, None),
        ("get", None, None),
        ("HttpClient(timeout=10)", None, None),
    ],
)
def test_code_leads_to_what_it_names(text: str, package: str | None, name: str | None) -> None:
    assert described_name(text, DESCRIBED, package) == name


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("str", "stdtypes.html#str"),
        ("object", "functions.html#object"),
        ("TimeoutError", "exceptions.html#TimeoutError"),
        ("ssl.SSLContext", "ssl.html#ssl.SSLContext"),
        ("collections.abc.Mapping", "collections.abc.html#collections.abc.Mapping"),
        ("asyncio.Task", "asyncio-task.html#asyncio.Task"),
    ],
)
def test_names_of_python_have_a_page(name: str, page: str) -> None:
    assert python_pages.page_of(name) == python_pages.PYTHON + page


@pytest.mark.parametrize(
    "name",
    [
        "HttpClient", "hookline.HttpClient", "multidict.CIMultiDict", "print", "ResponseT", "token.py", "http.request.method",
        "io.BufferedReader(response.raw)", "http.cookiejar", "asyncio.no_such_name", "ssl.no_such_name",
    ],
)  # fmt: skip
def test_other_names_have_none(name: str) -> None:
    assert python_pages.page_of(name) is None


def test_each_module_has_a_name_that_is_compared() -> None:
    assert {name.rpartition(".")[0] for name in OF_MODULES} - {""} == python_pages._MODULES


def names_in_the_table() -> list[str]:
    found: list[str] = [*python_pages._PAGES]
    return found


@pytest.mark.parametrize("name", names_in_the_table())
def test_names_of_the_table_exist(name: str) -> None:
    module, _, last = name.rpartition(".")
    place: Any = importlib.import_module(module) if module else builtins
    assert hasattr(place, last)


@pytest.mark.skipif(not INVENTORY.exists(), reason="python3-doc is not installed")
@pytest.mark.parametrize("name", [*names_in_the_table(), *OF_MODULES])
def test_python_describes_the_names_where_the_table_says(name: str) -> None:
    assert f"library/{python_pages.page_of(name).removeprefix(python_pages.PYTHON)}" in described_by_python()


@cache
def described_by_python() -> set[str]:
    """Return the places of Python's documentation, as `library/ssl.html#ssl.SSLContext`, from its inventory (version 2)."""
    body = INVENTORY.read_bytes().split(b"\n", 4)[4]
    rows = [line.split(" ", 4) for line in zlib.decompress(body).decode().splitlines()]
    return {place.removesuffix("$") + name if place.endswith("$") else place for name, _, _, place, *_ in rows}
