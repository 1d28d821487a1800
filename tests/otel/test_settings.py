"""Redaction, excluded URLs, captured fields, the hooks of the user, and settings that are wrong."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import HttpClient
from hookline_otel import OpenTelemetry
from hookline_otel.redaction import redact_url
from hookline_testing.server import ScriptedServer, response
from kit.otel import Telemetry


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("http://a/", "http://a/"),
        ("http://a", "http://a"),
        ("http://a/b?", "http://a/b?"),
        ("http://a/?k=v", "http://a/?k=REDACTED"),
        ("http://a/?k=v&k=w", "http://a/?k=REDACTED&k=REDACTED"),
        ("http://a/?k=", "http://a/?k=REDACTED"),
        ("http://a/?k=v=w", "http://a/?k=REDACTED"),
        ("http://a/?k=a;l=b", "http://a/?k=REDACTED"),
        ("http://a/?token", "http://a/?REDACTED"),
        ("http://a/?a&&b=1", "http://a/?REDACTED&&b=REDACTED"),
        ("http://a/?page=2&k=v", "http://a/?page=2&k=REDACTED"),
        ("http://a/?k=v?page=2", "http://a/?k=REDACTED"),
        ("http://a/b#access_token=v", "http://a/b"),
        ("http://a/?k=v#f?page=2", "http://a/?k=REDACTED"),
        ("http://user:password@a/b", "http://a/b"),
        ("http://a/@b?k=@v", "http://a/@b?k=REDACTED"),
    ],
)
def test_url_is_redacted(url: str, redacted: str) -> None:
    assert redact_url(url, {"page"}) == redacted


@given(st.lists(st.tuples(st.text("abc%;=?", max_size=5), st.text("abc%;=?#", max_size=5)), max_size=5))
def test_no_value_is_left_whatever_the_query_is(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name.replace('=', '')}=SECRET{value}" for name, value in pairs)
    assert "SECRET" not in redact_url(f"http://user:SECRET@host/path?{query}")


async def test_values_that_are_kept(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[telemetry.plugin(kept_query_parameters=["page"])]) as client:
        await client.get(scripted.url("/?page=2&token=x"))
    assert telemetry.exchange.attributes["url.full"] == scripted.url("/?page=2&token=REDACTED")


async def test_no_secret_is_recorded_anywhere(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"no", 500))
    plugin = telemetry.plugin(captured_request_headers=".*", captured_response_headers=".*")
    async with HttpClient(plugins=[plugin]) as client:
        await client.get(scripted.url("/?key=SECRET-2"), headers={"Authorization": "Bearer SECRET-3"})
        await client.get(scripted.url("/").replace("://", "://u:SECRET-4@"), headers={"Cookie": "a=SECRET-5"})
        with pytest.raises(OSError, match="no server"):
            await client.get("http://u:SECRET-6@127.0.0.1:9/?key=SECRET-7")
    text = "".join(span.to_json() for span in telemetry.spans)
    text = "\n".join(line for line in text.splitlines() if "await client.get" not in line)  # the source of this test
    assert "SECRET" not in text
    assert "http.request.header.authorization" in text


@pytest.mark.parametrize("variable", ["OTEL_PYTHON_HOOKLINE_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"])
async def test_excluded_urls_of_the_environment(
    scripted: ScriptedServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "health$, /private/.*")
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client:
        for path in ("/health", "/private/a", "/health/other"):
            await client.get(scripted.url(path))
    assert [span.attributes["url.full"] for span in telemetry.exchanges] == [scripted.url("/health/other")]
    assert [seen.header("traceparent") is None for seen in scripted.requests] == [True, True, False]
    assert telemetry.measurements()[0].count == 1


async def test_excluded_urls_that_are_given_replace_those_of_the_environment(
    scripted: ScriptedServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", ".*")
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[telemetry.plugin(excluded_urls=["/a"])]) as client:
        await client.get(scripted.url("/a"))
        await client.get(scripted.url("/b"))
    assert len(telemetry.exchanges) == 1


async def test_fields_are_captured_if_they_are_named(
    scripted: ScriptedServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
    monkeypatch.setenv(prefix + "CLIENT_REQUEST", "x-.*,Host,authorization")
    monkeypatch.setenv(prefix + "CLIENT_RESPONSE", "content-type, set-cookie, X-Bytes, Link")
    monkeypatch.setenv(prefix + "SANITIZE_FIELDS", ".*session.*")
    fields = [
        ("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Link", "<a>"), ("Link", "<b>"), ("X-Bytes", b"\xff\xfe"),
        ("X-Other", "no"),
    ]  # fmt: skip
    scripted.always(response(b"", 200, fields))
    async with HttpClient(plugins=[telemetry.plugin()]) as client:
        await client.get(
            scripted.url(), headers={"X-A": "1", "X-Session-Id": "s", "Authorization": "Bearer t", "Y": "no"}
        )
    captured = {name: value for name, value in telemetry.exchange.attributes.items() if ".header." in name}
    assert captured.pop("http.response.header.x-bytes")[0]
    assert captured == {
        "http.request.header.host": (f"127.0.0.1:{scripted.port}",),
        "http.request.header.x-a": ("1",),
        "http.request.header.x-session-id": ("REDACTED",),
        "http.request.header.authorization": ("REDACTED",),
        "http.response.header.content-type": ("text/plain",),
        "http.response.header.set-cookie": ("REDACTED",),
        "http.response.header.link": ("<a>", "<b>"),
    }


async def test_hooks_of_the_user(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("mine.path", request.origin_form)

    def on_response(span: Any, response: Any) -> None:
        span.update_name(f"got {response.status_code}")

    scripted.always(response(b"fine"))
    plugin = telemetry.plugin(request_hook=on_request, response_hook=on_response)
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        await client.get(scripted.url("/a"))
        with pytest.raises(OSError, match="no server"):
            await client.get("http://127.0.0.1:9/b")
    assert [(span.name, span.attributes["mine.path"]) for span in telemetry.exchanges] == [
        ("got 200", "/a"),
        ("GET", "/b"),
    ]


async def test_error_of_a_hook_is_logged(
    scripted: ScriptedServer, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(span: Any, given: Any) -> None:
        raise ValueError("of the hook")

    scripted.always(response(b"fine"))
    async with HttpClient(
        autoload=False, plugins=[telemetry.plugin(request_hook=broken, response_hook=broken)]
    ) as client:
        with caplog.at_level(logging.ERROR, "hookline_otel"):
            assert (await client.get(scripted.url())).content == b"fine"
    assert len(telemetry.spans) == 2
    assert [record.exc_info[0] for record in caplog.records] == [ValueError, ValueError]  # type: ignore[index]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"request_hook": "print"}, TypeError, "request_hook= takes a function, not str"),
        ({"response_hook": 1}, TypeError, "response_hook= takes a function, not int"),
        ({"excluded_urls": "("}, ValueError, r"excluded_urls: '\(' is no regular expression"),
        ({"excluded_urls": [1]}, TypeError, "excluded_urls= takes regular expressions"),
        ({"captured_request_headers": ["*"]}, ValueError, "captured_request_headers"),
        ({"kept_query_parameters": "page"}, TypeError, "kept_query_parameters= takes a list of names"),
        ({"excluded_url": ""}, TypeError, "excluded_url"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        OpenTelemetry(**settings)
