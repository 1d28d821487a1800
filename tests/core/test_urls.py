"""URLs: how they are split, which are refused, and how parameters are appended."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import InvalidURL
from hookline.messages.params import with_params
from hookline.messages.url import split_url
from hookline.messages.url_syntax import remove_dot_segments


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target"),
    [
        ("http://example.com", "http", "example.com", None, "/"),
        ("http://example.com/", "http", "example.com", None, "/"),
        ("HTTP://EXAMPLE.com/A", "http", "example.com", None, "/A"),
        ("https://example.com:8443/a/b?c=d&e", "https", "example.com", 8443, "/a/b?c=d&e"),
        ("http://example.com?q", "http", "example.com", None, "/?q"),
        ("http://example.com:/x", "http", "example.com", None, "/x"),
        ("http://example.com./x", "http", "example.com.", None, "/x"),
        ("http://127.0.0.1:80/", "http", "127.0.0.1", 80, "/"),
        ("http://[::1]/", "http", "::1", None, "/"),
        ("http://[0:0:0:0:0:0:0:1]:80/", "http", "::1", 80, "/"),
        ("http://[fe80::1%25eth0]:80/", "http", "fe80::1%eth0", 80, "/"),
        ("http://[fe80::1%2510]/", "http", "fe80::1%10", None, "/"),
        ("http://bücher.example/", "http", "xn--bcher-kva.example", None, "/"),
        ("http://BÜCHER.example/", "http", "xn--bcher-kva.example", None, "/"),
        ("http://under_score.example/", "http", "under_score.example", None, "/"),
        ("http:/a/b", "http", "a", None, "/b"),
        ("HTTPS:a/b", "https", "a", None, "/b"),
        ("ws:a?q", "ws", "a", None, "/?q"),
        ("http://a:00080/", "http", "a", 80, "/"),
        ("http://a/%2e/%2E%2e/b/.%2e/c%2e", "http", "a", None, "/c%2e"),
        ("http://a/b%2e%2e/%2e", "http", "a", None, "/b%2e%2e/"),
        ("http://a/\ud800\udce9", "http", "a", None, "/%EF%BF%BD%E9"),
        ("http://a/?x='y'", "http", "a", None, "/?x='y'"),
        ("http://a/?x='y z'", "http", "a", None, "/?x=%27y%20z%27"),
        ("http://a/ü b", "http", "a", None, "/%C3%BC%20b"),
        ("http://a/?ü b", "http", "a", None, "/?%C3%BC%20b"),
        ("http://a/%7Eb%zz%2f", "http", "a", None, "/%7Eb%zz%2f"),
        ("http://a/b/../c/./d", "http", "a", None, "/c/d"),
        ("http://a/../../b", "http", "a", None, "/b"),
        ("http://a/.well-known/x", "http", "a", None, "/.well-known/x"),
        ("http://a/b..c/d.", "http", "a", None, "/b..c/d."),
        ('http://a/"<>', "http", "a", None, "/%22%3C%3E"),
        ("http://a/?a=b+c%20d&sig=%2B/=", "http", "a", None, "/?a=b+c%20d&sig=%2B/="),
        ("  http://a/b  ", "http", "a", None, "/b"),
    ],
)
def test_url_is_split_into_parts(url, scheme, host, port, target):
    parts = split_url(url)
    assert (parts.scheme, parts.host, parts.port, parts.target) == (scheme, host, port, target)
    assert parts.userinfo is None


@pytest.mark.parametrize(
    ("url", "userinfo", "host"),
    [
        ("http://user:pass@a/", "user:pass", "a"),
        ("http://user@a/", "user", "a"),
        ("http://@a/", "", "a"),
        ("http://evil.example@good.example/", "evil.example", "good.example"),
        ("http://a@b@c/", "a@b", "c"),
        ("http://a:b/@c", None, None),
    ],
)
def test_userinfo_is_a_part_of_its_own(url, userinfo, host):
    if host is None:
        with pytest.raises(InvalidURL):
            split_url(url)
        return
    parts = split_url(url)
    assert (parts.userinfo, parts.host) == (userinfo, host)
    assert "@" not in parts.url


def test_fragment_is_not_part_of_the_target():
    parts = split_url("http://a/b?c#d/e?f")
    assert (parts.target, parts.fragment, parts.url) == ("/b?c", "#d/e?f", "http://a/b?c#d/e?f")


def test_fragment_may_hold_control_characters_and_backslashes():
    assert split_url("http://a/#\0\x08`'é").fragment == "#%00%08%60'%C3%A9"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "example.com",
        "example.com/path",
        "http:///a/",
        "http:",
        "http:/",
        "http:?q",
        "foreign:/a/",
        "http//a",
        "http://",
        "http:///path",
        "http://?q",
        "http://:80/",
        "http://a:99999/",
        "http://a:-1/",
        "http://a:1x/",
        "http://a:１/",
        "http://a b/",
        "http://a%20b/",
        "http://a%0d%0ab/",
        "http://a\\b/",
        "http://a/b\\c",
        "http://[::1/",
        "http://[::1]x/",
        "http://[::g]/",
        "http://[::1%25x%0d%0aEvil]/",
        "http://[127.0.0.1]/",
        "http://a<b/",
        "http://" + "a" * 300 + "/",
        "http://a/\r\nEvil: x",
        "http://a/\0",
        "http://a/\t",
        "http://a/\x7f",
        "http://a/#\t",
        "http://a/#\r\n",
        "1http://a/",
        "http://\ud800/",
    ],
    ids=ascii,
)
def test_url_that_names_no_origin_is_refused(url):
    with pytest.raises(InvalidURL):
        split_url(url)


def test_error_shows_neither_userinfo_nor_query():
    with pytest.raises(InvalidURL) as caught:
        split_url("http://user:hunter2@a\\b/?token=hunter2")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(InvalidURL) as caught:
        split_url("user:hunter2@a/?token=hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://user:hunter2/x@a/", "http://user:hunter2?x@a/", "http://user:hunter2#x@a/b"])
def test_error_does_not_show_a_password_as_a_port(url):
    with pytest.raises(InvalidURL, match="percent-encoded") as caught:
        split_url(url)
    assert "hunter2" not in str(caught.value)


# the URI-encoding of AWS Signature Version 4: all but unreserved characters, in upper-case hexadecimal digits
PRINTABLE = (
    "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_"
    "%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"
)


@pytest.mark.parametrize(
    ("url", "params", "whole"),
    [
        ("http://a/", {"b": 1}, "http://a/?b=1"),
        ("http://a/?x=%7E", {"b": "c d"}, "http://a/?x=%7E&b=c%20d"),
        ("http://a/?", {"b": "c"}, "http://a/?b=c"),
        ("http://a/#f", {"b": "c"}, "http://a/?b=c#f"),
        ("http://a/", {"a b": " + "}, "http://a/?a%20b=%20%2B%20"),
        ("http://a/", {"b": "".join(map(chr, range(32, 127)))}, f"http://a/?b={PRINTABLE}"),
        ("http://a/", "a=b+c", "http://a/?a=b+c"),
        ("http://a/", urlencode({"a": "b c"}), "http://a/?a=b+c"),
        ("http://a/", {"b": ["c", "d"], "e": None, "f": True}, "http://a/?b=c&b=d&f=true"),
        ("http://a/", [("b", "c"), ("b", "ü&")], "http://a/?b=c&b=%C3%BC%26"),
        ("http://a/", "raw=%7E", "http://a/?raw=%7E"),
        ("http://a/", {}, "http://a/"),
        ("http://a/?k&x=%20&s=a%2Bb/=", {"b": []}, "http://a/?k&x=%20&s=a%2Bb/="),
        ("http://a/?k&x=%20&s=a%2Bb/=", {"b": 1}, "http://a/?k&x=%20&s=a%2Bb/=&b=1"),
        ("http://a?k&", {"b": 1}, "http://a?k&b=1"),
        ("http://a/#f?g", {"b": 1}, "http://a/?b=1#f?g"),
        ("http://a/", "a=#b", "http://a/?a=%23b"),
        ("http://a/", b"a=b", "http://a/?a=b"),
        ("http://a/", {"h": b"\xff\x00", "#": "#"}, "http://a/?h=%FF%00&%23=%23"),
        ("http://a/", {"h": "\ud800\udcff"}, "http://a/?h=%EF%BF%BD%FF"),
    ],
)
def test_params_are_appended_to_the_query_as_written(url, params, whole):
    assert with_params(url, params) == whole


@pytest.mark.parametrize("params", [[1], ["ab"], [("a", "b", "c")], {"a": {"b": "c"}}, {"a": iter("b")}])
def test_params_other_than_pairs_are_refused(params):
    with pytest.raises(TypeError):
        with_params("http://a/", params)


@pytest.mark.parametrize(
    ("path", "without"),
    # RFC 3986, section 5.2.4, and frequent mistakes
    [
        ("/a/b/c/./../../g", "/a/g"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/a/b/..", "/a/"),
        ("/..", "/"),
        ("/a//../b", "/a/b"),
        ("/...", "/..."),
    ],
)
def test_dot_segments_are_removed(path, without):
    assert remove_dot_segments(path) == without


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_refused(text):
    for url in (text, f"http://{text}", f"http://a/{text}", f"http://a/?{text}", f"http://{text}@a/"):
        try:
            parts = split_url(url)
        except InvalidURL:
            continue
        for part in (parts.target, parts.host):
            assert part.isascii()
            assert not any(c in part for c in "\r\n\0 ")
        assert parts.target.startswith("/")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), max_size=40))
def test_splitting_twice_changes_nothing(text):
    try:
        parts = split_url(f"http://example.com/{text}")
    except InvalidURL:
        return
    assert split_url(parts.url) == parts
