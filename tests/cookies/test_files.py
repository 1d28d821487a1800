"""Jars in files: JSON and Netscape."""

import json
import os
import stat
from http.cookiejar import MozillaCookieJar
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_cookies import Cookie, CookieJar, json_format, netscape_format

NOW = 1_700_000_000.0


def filled(jar: CookieJar) -> CookieJar:
    jar.store(
        [
            "sid=1; Secure; HttpOnly; SameSite=Strict; Path=/",
            "wide=2; Domain=example.com; Max-Age=100; Path=/x",
            b"octets=\xe6\x98\xa5\xff; Path=/\xff",
            'quoted="a b"; SameSite=Lax',
            "empty=",
            "#comment=1",
        ],
        host="www.example.com",
        secure=True,
    )
    return jar


def test_json_file_keeps_everything(jar: CookieJar, clock: list[float], tmp_path: Path) -> None:
    filled(jar).save(tmp_path / "cookies.json")

    other = CookieJar(now=lambda: clock[0])

    assert other.load(tmp_path / "cookies.json") == 6
    assert list(other) == list(jar)


def test_netscape_file_keeps_all_but_same_site(jar: CookieJar, clock: list[float], tmp_path: Path) -> None:
    filled(jar).save(tmp_path / "cookies.txt", "netscape")

    other = CookieJar(now=lambda: clock[0])

    assert other.load(str(tmp_path / "cookies.txt")) == 6
    for ours, theirs in zip(jar, other, strict=True):
        assert theirs.same_site is None
        assert (ours.value, theirs.value) == (theirs.value, ours.value)
        for field in ("name", "domain", "path", "host_only", "secure", "http_only", "expires"):
            assert getattr(ours, field) == getattr(theirs, field)


def test_host_only_survives_both_formats(jar: CookieJar, clock: list[float], tmp_path: Path) -> None:
    jar.store(["a=1", "b=1; Domain=example.com"], host="example.com")

    formats: tuple[Literal["json", "netscape"], ...] = ("json", "netscape")
    for form in formats:
        jar.save(tmp_path / form, form)
        other = CookieJar(now=lambda: clock[0])
        other.load(tmp_path / form)
        assert other.header_for("www.example.com") == "b=1"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("exists", [True, False])
def test_file_can_be_read_by_its_owner_only(jar: CookieJar, tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "cookies.json"
    if exists:
        path.write_text("old")
        path.chmod(0o644)

    jar.save(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_failed_save_leaves_the_old_file_and_nothing_else(
    jar: CookieJar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cookies.json"
    jar.save(path)
    before = path.read_bytes()
    filled(jar)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        jar.save(path)

    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["cookies.json"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_save_through_a_link_writes_what_it_points_to(jar: CookieJar, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")

    jar.save(tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").is_file()


def test_save_refuses_an_unknown_format_before_it_writes(jar: CookieJar, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'json' or 'netscape', not 'pickle'"):
        jar.save(tmp_path / "cookies", "pickle")  # type: ignore[arg-type]  # wrong on purpose

    assert os.listdir(tmp_path) == []


def test_expired_cookies_are_not_loaded(jar: CookieJar, clock: list[float], tmp_path: Path) -> None:
    jar.store(["a=1; Max-Age=10", "b=1; Max-Age=20"], host="example.com")
    jar.save(tmp_path / "cookies.json")
    clock[0] += 15

    other = CookieJar(now=lambda: clock[0])

    assert other.load(tmp_path / "cookies.json") == 1
    assert [cookie.name for cookie in other] == ["b"]


def test_load_adds_to_what_is_there(jar: CookieJar, tmp_path: Path) -> None:
    jar.store(["a=old", "b=1"], host="example.com")
    jar.save(tmp_path / "cookies.json")
    jar.store(["a=new", "c=1"], host="example.com")

    jar.load(tmp_path / "cookies.json")

    assert jar.header_for("example.com") == "a=old; b=1; c=1"


def test_supercookie_in_a_file_is_not_loaded(jar: CookieJar, tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(".co.uk\tTRUE\t/\tFALSE\t0\ttrack\t1\n.0.1\tTRUE\t/\tFALSE\t0\tip\t1\n")

    assert jar.load(path) == 1
    assert jar.header_for("127.0.0.1") is None


RECORD: dict[str, Any] = {
    "name": "a",
    "value": "1",
    "domain": "example.com",
    "path": "/",
    "host_only": True,
    "secure": False,
    "http_only": False,
    "same_site": None,
    "expires": None,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": 1}, "cookie 1: value has the wrong type"),
        ({"secure": 1}, "cookie 1: secure has the wrong type"),
        ({"expires": True}, "cookie 1: expires has the wrong type"),
        ({"expires": float("inf")}, "cookie 1: expires is not a number"),
        ({"expires": 10**400}, "cookie 1: expires is not a number"),
        ({"same_site": "lax"}, "cookie 1: same_site"),
        ({"unknown": 1}, "cookie 1 does not have exactly"),
    ],
)
def test_wrong_record_in_a_json_file_is_refused(
    jar: CookieJar, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "cookies.json"
    path.write_text(json.dumps({"format": "hookline-cookies", "version": 1, "cookies": [{**RECORD, **change}]}))

    with pytest.raises(ValueError, match=reason):
        jar.load(path)

    assert len(jar) == 0


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"format": "hookline-cookies", "version": 2, "cookies": []}',
        '{"format": "hookline-cookies", "version": 1}',
        '{"a":' * 100_000,
        "example.com\tTRUE\t/",
        "example.com\tYES\t/\tFALSE\t0\ta\t1",
        "example.com\tTRUE\t/\tFALSE\tnever\ta\t1",
        "example.com\tTRUE\t/\tFALSE\tinf\ta\t1",
        "hello",
    ],
)
def test_file_of_another_kind_is_a_value_error_that_names_it(jar: CookieJar, tmp_path: Path, text: str) -> None:
    path = tmp_path / "cookies"
    path.write_text(text)

    with pytest.raises(ValueError, match="cookies: "):
        jar.load(path)


def test_netscape_file_of_other_programs_is_read(jar: CookieJar, tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_bytes(
        b"\xef\xbb\xbf# HTTP Cookie File\r\n"
        b"\r\n"
        b"#HttpOnly_.example.com\tTRUE\t/\tFALSE\t1700000100.5\thttp\t1\r\n"
        b"example.com\tfalse\t/\ttrue\t\tsession\ta b\r\n"
        b"example.com\tFALSE\t/\tFALSE\t0\tempty\r\n"
        b"example.com\tFALSE\t/\tFALSE\t0\t\tnameless\r\n"
    )

    assert jar.load(path) == 3

    assert [(c.name, c.value, c.host_only, c.http_only, c.secure, c.expires) for c in jar] == [
        ("http", "1", False, True, False, 1700000100.5),
        ("session", "a b", True, False, True, None),
        ("empty", "", True, False, False, None),
    ]


def test_netscape_file_is_read_by_the_standard_library(jar: CookieJar, tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    jar.store(["a=1; Max-Age=9999", "b=2; Domain=example.com; Secure"], host="example.com", secure=True)
    jar.save(path, "netscape")

    standard = MozillaCookieJar(path)
    standard.load(ignore_discard=True, ignore_expires=True)

    assert {(c.name, c.value, c.domain, c.secure) for c in standard} == {
        ("a", "1", "example.com", False),
        ("b", "2", ".example.com", True),
    }


def test_netscape_file_of_the_standard_library_is_read(jar: CookieJar, clock: list[float], tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    standard = MozillaCookieJar(path)
    for cookie in filled(jar).to_cookiejar():
        if cookie.name != "octets":
            standard.set_cookie(cookie)
    standard.save(ignore_discard=True, ignore_expires=True)

    other = CookieJar(now=lambda: clock[0])

    assert other.load(path) == 5
    assert other.get("quoted") == '"a b"'


_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
_lines = st.builds(
    "{}={}{}{}{}{}".format,
    _text,
    _text,
    st.sampled_from(["", "; Domain=example.com", "; Domain=www.example.com", "; Domain=com"]),
    st.sampled_from(["", "; Path=/", "; Path=/é x", "; Path=/#"]) | _text.map("; Path=/{}".format),
    st.sampled_from(["", "; Max-Age=100", "; Max-Age=0", "; Expires=1 Jan 2024 00:00:00"]),
    st.sampled_from(["", "; Secure", "; Secure; SameSite=None", "; HttpOnly; SameSite=Lax"]),
)


@given(st.lists(_lines | st.binary(max_size=40), max_size=8))
def test_jar_survives_both_formats_whatever_the_server_sets(lines: list[str | bytes]) -> None:
    jar = CookieJar(now=lambda: NOW)
    jar.store(lines, host="www.example.com", path="/folder/page", secure=True)

    for form in (json_format, netscape_format):
        text = form.dump(jar).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
        other = CookieJar(form.parse(text), now=lambda: NOW)
        assert other.header_for("www.example.com", "/folder/x", True) == jar.header_for(
            "www.example.com", "/folder/x", True
        )
        assert form.dump(other) == form.dump(jar)


@given(st.text(st.characters(codec=None)) | st.from_regex(r"\{.*", fullmatch=True))
def test_readers_raise_nothing_but_value_error(text: str) -> None:
    for form in (json_format, netscape_format):
        try:
            cookies = form.parse(text)
        except ValueError:
            continue
        assert all(isinstance(cookie, Cookie) for cookie in cookies)
