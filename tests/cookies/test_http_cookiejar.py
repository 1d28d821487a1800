"""Cookies from and for `http.cookiejar`, and what a user may give as `cookies=`."""

import http.cookiejar
import os
import subprocess
import sys
import urllib.request
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hookline_cookies
from hookline_cookies import Cookie, CookieJar, split_source

ROOT = str(Path(hookline_cookies.__file__).parents[1])


def standard_jar(url: str, *lines: str) -> http.cookiejar.CookieJar:
    """Return a jar of the standard library that has seen a response with these Set-Cookie fields."""
    jar = http.cookiejar.CookieJar()
    head = Message()
    for line in lines:
        head["Set-Cookie"] = line
    response: Any = SimpleNamespace(info=lambda: head)
    jar.extract_cookies(response, standard_request(url))
    return jar


def standard_request(url: str) -> urllib.request.Request:
    return urllib.request.Request(url)  # noqa: S310 # never opened


def standard_cookie(**given: Any) -> http.cookiejar.Cookie:
    fields: dict[str, Any] = dict.fromkeys(
        ("port", "port_specified", "domain_specified", "domain_initial_dot", "comment", "comment_url", "expires")
    )
    fields |= {"version": 0, "path": "/", "path_specified": True, "secure": False, "discard": True, "rest": {}}
    return http.cookiejar.Cookie(**{**fields, **given})


def test_jar_takes_over_cookies_of_the_standard_library(jar: CookieJar) -> None:
    source = standard_jar(
        "https://www.example.com/x/y",
        "host=1; HttpOnly; samesite=strict",
        "wide=2; Domain=.example.com; Path=/; Secure; Max-Age=99999999999",
    )
    source_cookies = {cookie.name: cookie for cookie in source}

    jar.update(source)

    assert sorted(jar, key=lambda cookie: cookie.name) == [
        Cookie(name="host", value="1", domain="www.example.com", path="/x", http_only=True, same_site="Strict"),
        Cookie(
            name="wide",
            value="2",
            domain="example.com",
            host_only=False,
            secure=True,
            expires=1_700_000_000.0 + 400 * 24 * 3600,
        ),
    ]
    assert source_cookies["wide"].expires is not None


def test_jar_does_not_take_over_what_the_standard_library_should_not_have(jar: CookieJar) -> None:
    source = http.cookiejar.CookieJar()
    source.set_cookie(standard_cookie(name="track", value="1", domain=".co.uk"))
    source.set_cookie(standard_cookie(name="__Host-a", value="1", domain="example.com"))
    source.set_cookie(standard_cookie(name="nameless", value=None, domain="example.com"))
    source.set_cookie(standard_cookie(name="old", value="1", domain="example.com", expires=1))
    source.set_cookie(standard_cookie(name="ip", value="1", domain=".0.1"))

    assert jar.update(source) == 1
    assert jar.header_for("127.0.0.1") is None


def test_standard_library_gets_the_same_cookies(jar: CookieJar) -> None:
    jar.store(
        ["host=1; HttpOnly; SameSite=Lax", "wide=2; Domain=example.com; Secure; Max-Age=60"],
        host="www.example.com",
        secure=True,
    )

    standard = jar.to_cookiejar()

    back = CookieJar(standard, now=lambda: 1_700_000_000.0)
    assert sorted(back, key=lambda cookie: cookie.name) == list(jar)
    for url, sent in (
        ("http://www.example.com/", {"host=1"}),
        ("http://x.example.com/", set()),
        ("http://example.org/", set()),
    ):
        request = standard_request(url)
        standard.add_cookie_header(request)
        assert set((request.get_header("Cookie") or "").split("; ")) - {""} == sent


@pytest.mark.parametrize("host", ["localhost", "printer.local", "127.0.0.1", "a.b.local"])
def test_hosts_without_a_dot_are_the_same_on_both_sides(jar: CookieJar, host: str) -> None:
    jar.update(standard_jar(f"http://{host}/", "a=1"))
    assert jar.header_for(host) == "a=1"

    standard = jar.to_cookiejar()

    request = standard_request(f"http://{host}/")
    standard.add_cookie_header(request)
    assert request.get_header("Cookie") == "a=1"


def test_source_of_a_user_is_split_into_cookies_and_pairs(jar: CookieJar) -> None:
    source = http.cookiejar.CookieJar()
    source.set_cookie(standard_cookie(name="a", value="1", domain="example.com"))
    source.set_cookie(standard_cookie(name="b", value="2", domain=""))
    jar.set("c", "3", domain="example.com")

    cookies, pairs = split_source(source)

    assert ([cookie.name for cookie in cookies], pairs) == (["a"], {"b": "2"})
    assert split_source({"a": "1"}) == ([], {"a": "1"})
    assert split_source(jar) == (list(jar), {})
    assert split_source(list(jar)) == (list(jar), {})


def test_jar_that_is_a_mapping_too_is_taken_as_a_jar() -> None:
    class Both(http.cookiejar.CookieJar, dict[str, str]):
        __iter__ = http.cookiejar.CookieJar.__iter__  # type: ignore[assignment]  # so does the one of requests

    both = Both()
    both.set_cookie(standard_cookie(name="a", value="1", domain="example.com"))

    assert [cookie.name for cookie in split_source(both)[0]] == ["a"]


@pytest.mark.parametrize("source", ["a=1", [("a", "1")], [1]])
def test_source_of_another_kind_is_a_type_error(source: Any) -> None:
    with pytest.raises(TypeError, match="cookies are a dict, a CookieJar or Cookie objects, not"):
        split_source(source)


def test_import_brings_neither_the_public_suffix_list_nor_the_standard_jar() -> None:
    code = (
        "import sys, hookline; before = set(sys.modules);"
        "from hookline_cookies import CookieJar; j = CookieJar(); j.store(['a=1'], host='a.b');"
        "assert j.header_for('a.b') == 'a=1';"
        "print(*{'publicsuffixlist', 'http.cookiejar', 'urllib.request', 'json', 'tempfile', 'datetime'}"
        " & (set(sys.modules) - before))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT}
    )

    assert done.stdout.split() == []
