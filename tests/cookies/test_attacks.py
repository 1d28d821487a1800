"""Each test is named after the attack that has to fail."""

import json
import logging
import traceback
from pathlib import Path

import pytest

from hookline_cookies import Cookie, CookieJar, CookieRefused, render_pairs
from hookline_cookies.cookie_store import MAX_IN_ALL, MAX_IN_DOMAIN
from hookline_cookies.selection import MAX_FIELD
from hookline_cookies.set_cookie import MAX_PAIR


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("evil.com", "com"),
        ("evil.com", ".com"),
        ("evil.co.uk", "co.uk"),
        ("evil.github.io", "github.io"),
        ("evil.com.", "com."),
        ("evil.com", "COM"),
        ("evil.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("evil.xn--55qx5d.cn", "公司.cn"),
        ("a.corp", "corp"),
    ],
)
def test_supercookie_on_a_public_suffix_is_refused(jar: CookieJar, host: str, domain: str) -> None:
    assert jar.store([f"track=1; Domain={domain}"], host=host) == 0

    assert len(jar) == 0


def test_public_suffix_that_is_a_host_keeps_its_own_cookie_to_itself(jar: CookieJar) -> None:
    jar.store(["a=1; Domain=github.io"], host="github.io")

    assert jar.header_for("github.io") == "a=1"
    assert jar.header_for("someone.github.io") is None


def test_supercookie_in_a_file_or_another_jar_is_not_taken_over(jar: CookieJar) -> None:
    assert jar.update([Cookie(name="track", value="1", domain="co.uk", host_only=False)]) == 0
    with pytest.raises(CookieRefused, match="public suffix"):
        jar.set("track", "1", domain=".co.uk")


@pytest.mark.parametrize("domain", ["0.1", "0.0.1", ".1", "1"])
def test_domain_suffix_of_an_address_is_refused(jar: CookieJar, domain: str) -> None:
    assert jar.store([f"a=1; Domain={domain}"], host="127.0.0.1") == 0

    assert jar.header_for("128.0.0.1") is None


def test_domain_of_an_address_itself_means_that_address_only(jar: CookieJar) -> None:
    jar.store(["a=1; Domain=127.0.0.1"], host="127.0.0.1")

    assert [cookie.host_only for cookie in jar] == [True]
    assert jar.header_for("127.0.0.1") == "a=1"
    assert jar.header_for("x.127.0.0.1") is None


def test_domain_of_another_site_is_refused(jar: CookieJar) -> None:
    for domain in ("bank.example.com", "example.org", "ample.com"):
        assert jar.store([f"a=1; Domain={domain}"], host="www.example.com") == 0


def test_secure_cookie_is_not_overwritten_from_http(jar: CookieJar) -> None:
    jar.store(["sid=good; Secure"], host="example.com", secure=True)

    assert jar.store(["sid=evil"], host="example.com") == 0
    assert jar.store(["sid=evil; Domain=example.com"], host="www.example.com") == 0
    assert jar.store(["sid=; Max-Age=0"], host="example.com") == 0
    assert jar.header_for("example.com", "/", True) == "sid=good"


def test_secure_cookie_of_a_domain_is_not_shadowed_from_http_of_a_subdomain(jar: CookieJar) -> None:
    jar.store(["sid=good; Secure; Domain=example.com; Path=/a"], host="example.com", secure=True)

    assert jar.store(["sid=evil; Path=/a/b"], host="www.example.com") == 0
    assert jar.store(["sid=fine; Path=/b"], host="www.example.com") == 1
    assert jar.store(["other=fine; Path=/a"], host="www.example.com") == 1
    assert jar.store(["sid=fine; Path=/a"], host="example.org") == 1


def test_secure_cookie_may_be_replaced_with_tls_and_after_it_expired(jar: CookieJar, clock: list[float]) -> None:
    jar.store(["sid=1; Secure; Max-Age=10"], host="example.com", secure=True)
    clock[0] += 11
    assert jar.store(["sid=2"], host="example.com") == 1
    jar.store(["sid=3; Secure"], host="example.com", secure=True)
    assert jar.store(["sid=4"], host="example.com", secure=True) == 1

    assert jar.store(["sid=5"], host="example.com") == 1


def test_secure_cookie_is_neither_set_nor_sent_without_tls(jar: CookieJar) -> None:
    assert jar.store(["sid=evil; Secure"], host="example.com") == 0
    jar.store(["sid=1; Secure"], host="example.com", secure=True)

    assert jar.header_for("example.com") is None
    assert jar.cookies_for("example.com") == []


@pytest.mark.parametrize(
    "line",
    [
        "__Host-sid=1; Secure; Path=/; Domain=example.com",
        "__Host-sid=1; Secure; Path=/; Domain=www.example.com",
        "__Host-sid=1; Path=/",
        "__Host-sid=1; Secure",
        "__Host-sid=1; Secure; Path=/a",
        "__HOST-sid=1; Secure; Path=/; Domain=example.com",
        "__host-sid=1; Path=/",
        "__Secure-sid=1",
        "__secure-sid=1",
        "=__Host-sid=1; Secure; Path=/",
        "=__Secure-sid=1",
    ],
)
def test_prefixed_cookie_that_breaks_its_promise_is_refused(jar: CookieJar, line: str) -> None:
    assert jar.store([line], host="www.example.com", secure=True) == 0


def test_host_prefix_from_http_is_refused(jar: CookieJar) -> None:
    assert jar.store(["__Host-sid=1; Secure; Path=/", "__Secure-sid=1; Secure"], host="example.com") == 0


def test_host_prefix_with_domain_is_refused_even_where_the_domain_means_the_host(jar: CookieJar) -> None:
    assert jar.store(["__Host-a=1; Secure; Path=/; Domain=localhost"], host="localhost", secure=True) == 0


def test_prefixed_cookie_that_keeps_its_promise_is_stored(jar: CookieJar) -> None:
    lines = ["__Host-a=1; Secure; Path=/", "__Secure-b=2; Secure; Domain=example.com"]

    assert jar.store(lines, host="www.example.com", secure=True) == 2


def test_prefixed_cookie_that_breaks_its_promise_cannot_be_set_by_hand(jar: CookieJar) -> None:
    with pytest.raises(CookieRefused, match="prefix"):
        jar.set("__Secure-a", "1", domain="example.com")
    with pytest.raises(CookieRefused, match="Path=/ and no Domain"):
        jar.set("__Host-a", "1", domain=".example.com", secure=True)


def test_same_site_none_without_secure_is_refused(jar: CookieJar) -> None:
    assert jar.store(["a=1; SameSite=None"], host="example.com", secure=True) == 0
    assert jar.store(["a=1; SameSite=None; Secure"], host="example.com", secure=True) == 1


def test_cookie_bomb_stays_within_the_limit_of_a_header(jar: CookieJar) -> None:
    jar.store(["sid=small"], host="example.com")
    jar.store([f"bomb{n}={'x' * 4000}; Domain=example.com; Path=/shop" for n in range(50)], host="evil.example.com")

    for path in ("/shop", "/shop/cart"):
        header = jar.header_for("example.com", path)
        assert header is not None
        assert len(header) <= MAX_FIELD
        assert header.endswith("; sid=small")
    assert len("Cookie: ") + MAX_FIELD < 8 * 1024


@pytest.mark.parametrize("size", [MAX_FIELD - len("; b=1"), MAX_FIELD - len("; b=1") + 1])
def test_cookie_bomb_fills_a_header_to_the_last_octet(jar: CookieJar, size: int) -> None:
    half = size // 2 - len("a=; c=") // 2
    jar.store([f"a={'x' * half}"], host="example.com")
    jar.store([f"c={'x' * (size - half - len('a=; c='))}"], host="example.com")
    jar.store(["b=1"], host="example.com")

    header = jar.header_for("example.com")

    assert header is not None
    assert header.endswith("; b=1") is (size + len("; b=1") <= MAX_FIELD)
    assert len(header) <= MAX_FIELD


def test_cookie_bomb_of_one_response_ends_after_fifty_fields(jar: CookieJar) -> None:
    assert jar.store((f"a{n}=1" for n in range(1000)), host="example.com") == 50
    assert len(jar) == 50


def test_cookie_bomb_of_one_cookie_is_refused(jar: CookieJar) -> None:
    assert jar.store(["a=" + "x" * MAX_PAIR], host="example.com") == 0
    with pytest.raises(CookieRefused, match="4096"):
        jar.set("a", "x" * MAX_PAIR, domain="example.com")


def test_cookie_with_an_endless_max_age_lives_400_days(jar: CookieJar, clock: list[float]) -> None:
    jar.store([f"a=1; Max-Age={'9' * 1000}", "b=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"], host="example.com")
    jar.set("c", "1", domain="example.com", expires=1e18)

    assert [cookie.expires for cookie in jar] == [clock[0] + 400 * 24 * 3600] * 3


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "; b=2", "\x7f", "\x1f", "\t"])
def test_injection_through_a_value_is_refused(jar: CookieJar, end: str) -> None:
    evil = f"1{end}X-Evil: yes"

    with pytest.raises(CookieRefused):
        render_pairs({"a": evil})
    with pytest.raises(CookieRefused):
        render_pairs({evil: "1"})
    with pytest.raises(CookieRefused):
        jar.set("a", evil, domain="example.com")
    assert jar.update([Cookie(name="a", value=evil, domain="example.com")]) == 0
    jar.store([f"a={evil}; Path=/", f"b={evil}".encode()], host="example.com")
    assert "Evil" not in (jar.header_for("example.com") or "")


def test_truncation_does_not_cut_off_secure(jar: CookieJar) -> None:
    for control in "\0\r\n":
        assert jar.store([f"sid=1{control}; Secure; HttpOnly"], host="example.com", secure=True) == 0


def test_path_prefix_trick_does_not_get_the_cookie_of_another_folder(jar: CookieJar) -> None:
    jar.store(["a=1; Path=/foo"], host="example.com")

    assert jar.header_for("example.com", "/foo") == "a=1"
    assert jar.header_for("example.com", "/foo/bar") == "a=1"
    assert jar.header_for("example.com", "/foo?/bar") == "a=1"
    assert jar.header_for("example.com", "/foobar") is None
    assert jar.header_for("example.com", "/bar?/foo") is None


def test_eviction_flood_from_http_does_not_push_out_secure_cookies(jar: CookieJar) -> None:
    jar.store(["sid=good; Secure", "plain=old"], host="example.com", secure=True)

    for n in range(0, 1000, 50):
        jar.store([f"flood{i}=1; Domain=example.com" for i in range(n, n + 50)], host="evil.example.com")

    assert len(jar.find(domain="example.com")) == MAX_IN_DOMAIN
    assert jar.get("sid") == "good"
    assert "plain" not in jar


def test_eviction_flood_from_http_into_a_domain_full_of_secure_cookies_changes_nothing(jar: CookieJar) -> None:
    for n in range(MAX_IN_DOMAIN):
        jar.store([f"s{n}=1; Secure"], host="example.com", secure=True)
    before = jar.find()

    jar.store(["evil=1"], host="example.com")

    assert jar.find() == before


def test_eviction_flood_of_one_site_leaves_the_others_alone(jar: CookieJar) -> None:
    jar.store(["sid=1"], host="bank.example")

    for n in range(0, 4000, 50):
        jar.store([f"flood{i}=1" for i in range(n, n + 50)], host="evil.example")

    assert jar.header_for("bank.example") == "sid=1"
    assert len(jar) == MAX_IN_DOMAIN + 1


def test_eviction_flood_of_many_sites_stays_within_the_limit_and_keeps_what_is_in_use(jar: CookieJar) -> None:
    jar.store(["sid=1"], host="bank.example")

    for n in range(MAX_IN_ALL * 2):
        jar.store(["a=1"], host=f"h{n}.example")
        if n % 100 == 0:
            assert jar.header_for("bank.example") == "sid=1"

    assert len(jar) <= MAX_IN_ALL
    assert jar.get("sid") == "1"


def test_secrets_are_in_no_repr_message_or_log(
    jar: CookieJar, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cookie = jar.set("sid", "hunter2", domain="example.com")
    shown = [repr(jar), repr(cookie), repr(list(jar))]
    jar.store(["sid=hunter2; Secure", "sid=hunter2; Domain=com", "a=hunter2\0; Path=/"], host="example.com")
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({"sid": "hunter2"})[:-1])
    columns = tmp_path / "columns.txt"
    columns.write_text("example.com\thunter2\n")
    for call in (
        lambda: jar.set("sid", "hunter2\n", domain="example.com"),
        lambda: jar.set("sid", "hunter2", domain=".com"),
        lambda: jar.set("sid", "hunter2", domain="example.com", path="a"),
        lambda: render_pairs({"sid": "hunter2;"}),
        lambda: render_pairs({"sid": b"hunter2"}),  # type: ignore[arg-type]  # what a user gets wrong
        lambda: jar.load(broken),
        lambda: jar.load(columns),
    ):
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        error: BaseException | None = caught.value
        shown += traceback.format_exception(caught.value)
        while error is not None:
            shown.append(f"{error!r} {vars(error)}")
            error = error.__context__

    assert caplog.text.count("refused") == 2
    assert "hunter2" not in caplog.text
    # Tracebacks quote the lines of this test; what counts is what the messages say.
    assert not [text for text in shown if "hunter2" in text and "File " not in text]
