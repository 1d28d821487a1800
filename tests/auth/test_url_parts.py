"""Origin and request target of a URL."""

from __future__ import annotations

import pytest

from hookline_auth.url_parts import origin, request_target


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.COM/x", ("http", "example.com", 80)),
        ("HTTPS://example.com:443", ("https", "example.com", 443)),
        ("https://example.com:8443/", ("https", "example.com", 8443)),
        ("http://user:pw@example.com:81/", ("http", "example.com", 81)),
        ("http://known.example:@evil.example/", ("http", "evil.example", 80)),
        ("ws://[::1]:9/", ("ws", "::1", 9)),
        ("http://127.1/", ("http", "127.0.0.1", 80)),
        ("http://[::ffff:127.0.0.1]/", ("http", "::ffff:7f00:1", 80)),
        ("http://☃.net/", ("http", "xn--n3h.net", 80)),
        ("unix://x/", ("unix", "x", 0)),
    ],
)
def test_origin_is_scheme_host_and_port(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "/path",
        "example.com",
        "http://good.example\\@evil.example/",
        "http://a b/",
        "http://a\t/",
        "http://a:x/",
        "http:/a/",
        "http://user:hunter2/",
        "http://a:" + "9" * 5000,
        "http://[a/",
        "http://a\u2100b/",
    ],
    ids=lambda url: ascii(url[:20]),
)
def test_url_that_parsers_read_differently_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"absolute URL") as caught:
        origin(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", "/"),
        ("http://h?x=1", "/?x=1"),
        ("http://h/a%2Fb/?#f", "/a%2Fb/?"),
        ("http://h/a?b?c=/d#f?g", "/a?b?c=/d"),
        ("http://h//a//b", "//a//b"),
    ],
)
def test_request_target_is_cut_out_unchanged(url: str, expected: str) -> None:
    assert request_target(url) == expected
