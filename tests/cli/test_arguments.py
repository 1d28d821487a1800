"""The words of a command line, as the client gets them."""

from __future__ import annotations

import pytest

from hookline_cli.request.plan import with_scheme


@pytest.mark.parametrize(
    ("word", "url"),
    [
        ("h/x", "http://h/x"),
        ("h:80/x", "http://h:80/x"),
        ("http://h", "http://h"),
        ("http:/h", "http:/h"),
        ("http:h", "http:h"),
        ("WSS:h", "WSS:h"),
        ("wss", "http://wss"),
        ("https", "http://https"),
        ("https.example:80", "http://https.example:80"),
        ("h2+x.y-z://q", "h2+x.y-z://q"),
    ],
)
def test_http_is_added_to_what_the_client_reads_as_no_url(word: str, url: str) -> None:
    assert with_scheme(word) == url
