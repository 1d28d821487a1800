"""The cache of Cookie fields: a field is made once, and again when a cookie of its host has changed."""

import random

import pytest

from hookline_cookies import CookieJar
from hookline_cookies.field_cache import MAX_HOSTS, MAX_PATHS


def test_field_is_made_once_per_host_while_all_paths_are_the_root(jar: CookieJar) -> None:
    jar.store([f"a{n}=1; Max-Age=60" for n in range(20)], host="example.com")

    first = jar.header_for("example.com", "/x")

    assert jar.header_for("example.com", "/y") is first
    assert jar.header_for("example.com", "/x", True) == first


def test_field_is_made_once_per_path_otherwise(jar: CookieJar) -> None:
    jar.store(["a=1; Path=/x", "b=1"], host="example.com")

    first = jar.header_for("example.com", "/x/1?q=1")

    assert jar.header_for("example.com", "/x/1?q=2") is first
    assert jar.header_for("example.com", "/y") == "b=1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["b=2"], "a=1; b=2"),
        (["a=2"], "a=2"),
        (["a=; Max-Age=0"], None),
        (["b=2; Domain=example.com"], "a=1; b=2"),
        (["a=1; Path=/x"], "a=1"),
    ],
)
def test_field_is_made_anew_after_a_change(jar: CookieJar, change: list[str], expected: str | None) -> None:
    jar.store(["a=1"], host="www.example.com")
    assert jar.header_for("www.example.com") == "a=1"

    jar.store(change, host="www.example.com")

    assert jar.header_for("www.example.com") == expected


def test_field_of_a_subdomain_is_made_anew_when_the_domain_changes(jar: CookieJar) -> None:
    assert jar.header_for("www.example.com") is None

    jar.store(["a=1; Domain=example.com"], host="example.com")
    assert jar.header_for("www.example.com") == "a=1"
    jar.clear()

    assert jar.header_for("www.example.com") is None


def test_field_stays_when_a_cookie_is_set_as_it_was(jar: CookieJar) -> None:
    jar.store(["a=1"], host="example.com")
    first = jar.header_for("example.com")

    jar.store(["a=1"], host="example.com")

    assert jar.header_for("example.com") is first


def test_field_is_made_anew_at_the_first_expiry(jar: CookieJar, clock: list[float]) -> None:
    jar.store(["a=1; Max-Age=10", "b=1; Max-Age=20", "c=1"], host="example.com")
    seen = []
    for _ in range(3):
        seen.append(jar.header_for("example.com"))
        clock[0] += 10

    assert seen == ["a=1; b=1; c=1", "b=1; c=1", "c=1"]


def test_many_hosts_and_paths_do_not_grow_the_memory(jar: CookieJar) -> None:
    jar.store(["a=1; Path=/x"], host="example.com")

    for n in range(MAX_HOSTS * 2):
        assert jar.header_for(f"h{n}.example.org") is None
    for n in range(MAX_PATHS * 2):
        assert jar.header_for("example.com", f"/x/{n}") == "a=1"

    assert len(jar._fields.plain) <= MAX_HOSTS
    assert len(jar._fields.plain["example.com"].by_path) <= MAX_PATHS


@pytest.mark.parametrize("seed", range(20))
def test_field_says_the_same_as_a_fresh_look(seed: int, jar: CookieJar, clock: list[float]) -> None:
    choose = random.Random(seed).choice
    hosts = ("example.com", "www.example.com", "a.www.example.com", "example.org", "127.0.0.1")
    for _ in range(400):
        match choose(("store", "store", "ask", "ask", "ask", "ask", "clear", "wait")):
            case "store":
                line = f"{choose('abc')}={choose('12')}"
                line += choose(("", "; Domain=example.com", "; Domain=www.example.com"))
                line += choose(("", "; Path=/", "; Path=/x", "; Path=/x/y"))
                line += choose(("", "", "; Max-Age=30", "; Max-Age=0", "; Secure"))
                jar.store([line], host=choose(hosts), secure=choose((True, False)))
            case "clear":
                jar.clear(choose("abc"))
            case "wait":
                clock[0] += 5
        host, path, secure = choose(hosts), choose(("/", "/x", "/x/y?z", "/w", "/%78/y")), choose((True, False))
        fresh = "; ".join(f"{c.name}={c.value}" for c in jar.cookies_for(host, path, secure))
        assert jar.header_for(host, path, secure) == (fresh or None)
