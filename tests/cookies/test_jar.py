"""The jar: what it keeps, gives, and lets its owner do."""

import pytest

from hookline_cookies import Cookie, CookieJar, CookieRefused, parse_set_cookie
from hookline_cookies.cookie_store import MAX_IN_DOMAIN


def names(cookies: list[Cookie]) -> list[str]:
    return [cookie.name for cookie in cookies]


def test_jar_sends_host_only_cookies_to_their_host_alone(jar: CookieJar) -> None:
    jar.store(["a=1"], host="example.com")

    assert jar.header_for("example.com") == "a=1"
    assert jar.header_for("www.example.com") is None


def test_jar_sends_domain_cookies_to_subdomains(jar: CookieJar) -> None:
    jar.store(["a=1; Domain=example.com"], host="www.example.com")

    assert [jar.header_for(host) for host in ("example.com", "x.y.example.com")] == ["a=1", "a=1"]
    assert jar.header_for("notexample.com") is None


def test_jar_keeps_host_only_and_domain_cookies_of_one_name_apart(jar: CookieJar) -> None:
    jar.store(["a=1", "a=2; Domain=example.com"], host="example.com")

    assert jar.header_for("example.com") == "a=1; a=2"
    assert jar.header_for("www.example.com") == "a=2"


def test_jar_sends_longer_paths_first_then_older_cookies(jar: CookieJar) -> None:
    jar.store(["a=root; Path=/", "a=deep; Path=/x/y", "b=root; Path=/", "a=mid; Path=/x"], host="example.com")
    jar.store(["a=domain; Path=/; Domain=example.com"], host="example.com")

    assert jar.header_for("example.com", "/x/y/z") == "a=deep; a=mid; a=root; b=root; a=domain"


def test_replaced_cookie_keeps_its_place_and_new_attributes(jar: CookieJar) -> None:
    jar.store(["a=1", "b=1"], host="example.com", secure=True)

    jar.store(["a=2; Secure; HttpOnly; SameSite=Strict; Max-Age=9"], host="example.com", secure=True)

    assert jar.header_for("example.com", "/", True) == "a=2; b=1"
    assert jar.find("a") == [
        Cookie(
            name="a",
            value="2",
            domain="example.com",
            secure=True,
            http_only=True,
            same_site="Strict",
            expires=1_700_000_009.0,
        )
    ]


def test_jar_takes_a_cookie_away_when_it_is_set_as_expired(jar: CookieJar) -> None:
    jar.store(["a=1", "b=1", "c=1"], host="example.com")

    jar.store(["a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "c=; Max-Age=-5"], host="example.com")

    assert list(jar) == []
    assert jar.header_for("example.com") is None


def test_jar_says_whether_a_host_has_cookies(jar: CookieJar, clock: list[float]) -> None:
    assert not jar.has_cookies_for("example.com")

    jar.store(["a=1; Max-Age=10; Path=/deep"], host="example.com")
    jar.store(["b=1; Secure"], host="secure.example", secure=True)

    assert jar.has_cookies_for("example.com")
    assert not jar.has_cookies_for("www.example.com")
    assert [jar.has_cookies_for("secure.example", secure) for secure in (False, True)] == [False, True]
    assert not jar.has_cookies_for("no host")
    clock[0] += 10
    assert not jar.has_cookies_for("example.com")


def test_expired_cookies_are_neither_sent_nor_shown(jar: CookieJar, clock: list[float]) -> None:
    jar.store(["a=1; Max-Age=10", "b=1; Max-Age=20; Path=/x"], host="example.com")
    assert jar.header_for("example.com", "/x") == "b=1; a=1"

    clock[0] += 10

    assert jar.header_for("example.com", "/x") == "b=1"
    assert names(jar.find()) == ["b"]
    assert (len(jar), "a" in jar, jar.get("a")) == (1, False, None)
    clock[0] += 10
    assert jar.header_for("example.com", "/x") is None
    assert jar.cookies_for("example.com", "/x") == []


def test_max_age_goes_before_expires(jar: CookieJar, clock: list[float]) -> None:
    jar.store(["a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], host="example.com")

    assert jar.find("a")[0].expires == clock[0] + 10


def test_store_takes_parsed_fields_and_octets(jar: CookieJar) -> None:
    parsed = parse_set_cookie("a=1")
    assert parsed is not None

    assert jar.store([parsed, b"b=\xff", "nameless"], host="EXAMPLE.com") == 2

    assert jar.header_for("example.com") == "a=1; b=\udcff"


def test_jar_takes_hosts_as_users_write_them(jar: CookieJar) -> None:
    jar.store(["a=1"], host="[::1]")
    jar.store(["b=1"], host="Bücher.Example")

    assert jar.header_for("[::1]") == jar.header_for("::1") == "a=1"
    assert jar.header_for("xn--bcher-kva.example") == jar.header_for("bücher.example") == "b=1"
    assert jar.header_for("not a host") is None
    assert jar.cookies_for("not a host") == []
    assert jar.store(["a=1"], host="not a host") == 0


def test_default_path_of_a_cookie_is_the_folder_of_the_request(jar: CookieJar) -> None:
    jar.store(["a=1", "b=1; Path=x"], host="example.com", path="/shop/cart?x=/y/")

    assert {cookie.path for cookie in jar} == {"/shop"}


def test_get_finds_by_name_domain_and_path(jar: CookieJar) -> None:
    jar.set("a", "1", domain="example.com")
    jar.set("a", "2", domain="example.com", path="/x")
    jar.set("a", "3", domain="example.org")

    assert jar.get("a", domain="example.org") == "3"
    assert jar.get("a", domain=".EXAMPLE.com", path="/x") == "2"
    assert jar.get("a", domain="example.net") is None
    assert jar.get("b", "default") == "default"
    with pytest.raises(LookupError, match="3 cookies are named 'a': say which"):
        jar.get("a")
    assert len(jar.find("a", domain="example.com")) == 2
    assert jar.find(domain="not a host") == []


def test_jar_is_read_like_a_collection(jar: CookieJar) -> None:
    jar.set("b", "1", domain="example.com")
    jar.set("a", "2", domain="example.com")

    assert names(list(jar)) == ["b", "a"]
    assert (len(jar), jar["a"], "a" in jar, "c" in jar, 1 in jar) == (2, "2", True, False, False)
    assert repr(jar) == "<CookieJar with 2 cookies>"
    with pytest.raises(KeyError):
        jar["c"]


def test_jar_may_change_while_it_is_iterated_over(jar: CookieJar) -> None:
    jar.store(["a=1", "b=1"], host="example.com")

    for cookie in jar:
        jar.clear(cookie.name)

    assert len(jar) == 0


def test_clear_takes_out_what_matches_and_says_how_many(jar: CookieJar) -> None:
    jar.store(["a=1", "a=2; Path=/x", "b=1"], host="example.com")
    jar.store(["a=1"], host="example.org")

    assert jar.header_for("example.com", "/x") == "a=2; a=1; b=1"
    assert jar.clear("a", domain="example.com", path="/x") == 1
    assert jar.header_for("example.com", "/x") == "a=1; b=1"
    assert jar.clear(domain="example.com") == 2
    assert jar.clear("nothing") == 0
    assert jar.clear() == 1
    assert len(jar) == 0


def test_set_makes_a_host_only_cookie_unless_told_otherwise(jar: CookieJar) -> None:
    assert jar.set("a", "1", domain="Example.com").host_only
    assert not jar.set("b", "1", domain=".example.com").host_only
    assert not jar.set("c", "1", domain="example.com", host_only=False).host_only

    assert jar.header_for("www.example.com") == "b=1; c=1"


def test_set_with_a_past_expiry_takes_away(jar: CookieJar) -> None:
    jar.set("a", "1", domain="example.com")

    jar.set("a", "", domain="example.com", expires=0)

    assert len(jar) == 0


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": "a=b"}, "'='"),
        ({"value": "a "}, "space"),
        ({"value": "\ud800"}, "surrogate"),
        ({"domain": ""}, "domain"),
        ({"domain": "a b"}, "domain"),
        ({"domain": "a..b"}, "domain"),
        ({"path": "x"}, "path"),
        ({"path": "/\n"}, "path"),
        ({"path": "/\ud800"}, "path"),
        ({"same_site": "Some"}, "SameSite"),
        ({"same_site": "None"}, "needs Secure"),
        ({"expires": float("nan")}, "expiry"),
    ],
)
def test_set_refuses_what_no_server_could_set(jar: CookieJar, changed: dict[str, object], reason: str) -> None:
    given: dict[str, object] = {"name": "a", "value": "1", "domain": "example.com", **changed}

    with pytest.raises(CookieRefused, match=reason):
        jar.set(**given)  # type: ignore[arg-type]  # wrong on purpose

    assert len(jar) == 0


def test_same_jar_may_be_taken_over_into_itself_and_another(jar: CookieJar, clock: list[float]) -> None:
    jar.store(["a=1; Path=/x", "b=1"], host="example.com")

    other = CookieJar(jar, now=lambda: clock[0])

    assert list(other) == list(jar)
    assert jar.update(jar) == 2


def test_least_recently_used_cookie_leaves_a_full_domain_first(jar: CookieJar) -> None:
    for n in range(MAX_IN_DOMAIN):
        jar.store([f"a{n}=1; Path=/{n}; Domain=example.com"], host="example.com")
    for host in ("example.com", "www.example.com"):
        assert jar.header_for(host, "/0") == "a0=1"

    jar.store(["new=1"], host="example.com")

    assert len(jar) == MAX_IN_DOMAIN
    assert "a0" in jar
    assert "a1" not in jar


def test_expired_cookies_leave_a_full_domain_first(jar: CookieJar, clock: list[float]) -> None:
    for n in range(MAX_IN_DOMAIN):
        jar.store([f"a{n}=1" + ("; Max-Age=5" if n == 100 else "")], host="example.com")
    clock[0] += 5

    jar.store(["new=1"], host="example.com")

    assert len(jar) == MAX_IN_DOMAIN
    assert "a0" in jar
