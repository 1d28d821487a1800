"""The plugin alone with core, not asked for, disabled, and replaced by another; what `retry=` takes."""

from __future__ import annotations

from typing import Any

import pytest

import hookline
from hookline import (
    ConnectionClosed,
    DNSError,
    HttpClient,
    HttpProxyError,
    HttpRequestException,
    HttpTimeout,
    Option,
    ReadTimeout,
    SSLError,
    hookimpl,
)
from hookline_retry import Retries, Retry, RetryBudget
from hookline_retry.policy import as_retry, matches_errors
from hookline_testing.server import ScriptedServer, response

BUSY = response(b"busy", 503)


@pytest.mark.parametrize("plugin", ["retry", Retries()])
async def test_retry_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.answer(BUSY, response(b"ok"))
    async with HttpClient(autoload=False, plugins=[plugin], retry=Retry(backoff=0)) as client:
        assert [found.name for found in client.plugins] == ["retry"]
        assert (await client.get(scripted.url())).content == b"ok"


async def test_retry_is_not_there_unless_asked_for(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOKLINE_PLUGINS", raising=False)
    scripted.always(BUSY)
    async with HttpClient() as client:
        assert "retry" not in [found.name for found in client.plugins]
        assert (await client.get(scripted.url())).history == []
        with pytest.raises(TypeError, match=r"optional plugin 'retry', which plugins=\['retry'\] would load"):
            await client.get(scripted.url(), retry=3)
        got = await client.get(scripted.url(), plugins=["retry"], retry=Retry(1, backoff=0))
        assert len(got.history) == 1
    monkeypatch.setenv("HOOKLINE_PLUGINS", "retry")
    async with HttpClient(retry=Retry(2, backoff=0)) as client:
        assert len((await client.get(scripted.url())).history) == 2


async def test_retry_disabled(scripted: ScriptedServer) -> None:
    scripted.always(BUSY)
    async with HttpClient(plugins=["retry"]) as client:
        assert (await client.get(scripted.url(), disable=["retry"])).history == []
        with pytest.raises(TypeError, match="disabled"):
            await client.get(scripted.url(), disable=["retry"], retry=1)


class Once:
    name = "once"
    replaces = "retry"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("retry", 1)]

    @hookimpl(statuses=(503,))
    def post_request(self, response: Any, exc: Any) -> Any:
        wanted = exc is None and len(response.history) < response.request.retry
        return response.request.copy(cause="retry") if wanted else None


async def test_retry_replaced(scripted: ScriptedServer) -> None:
    scripted.always(BUSY)
    async with HttpClient(autoload=False, plugins=[Once(), "retry"]) as client:
        assert [found.name for found in client.plugins] == ["once"]
        assert len((await client.get(scripted.url())).history) == 1
        assert len((await client.get(scripted.url(), retry=2)).history) == 2


async def test_request_that_went_well_keeps_the_short_way(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"))
    async with HttpClient(autoload=False, plugins=["retry"]) as client:
        got = await client.get(scripted.url())
        assert client.configuration.dispatch_table("http").hooks_after_other_heads.on_headers is None
        assert got._headers is None  # nobody has parsed the fields
        assert got.request._headers is None


def test_names_are_exported_by_hookline() -> None:
    assert hookline.Retry is Retry
    assert hookline.RetryBudget is RetryBudget


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), (False, None), (0, None), (Retry(0), None), (True, Retry()), (5, Retry(5))]
)
def test_retry_takes(value: Any, expected: Retry | None) -> None:
    assert as_retry(value) == expected


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"retries": -1}, ValueError),
        ({"retries": 100}, ValueError),
        ({"retries": "3"}, TypeError),
        ({"retries": True}, TypeError),
        ({"statuses": [200]}, ValueError),
        ({"statuses": ["503"]}, ValueError),
        ({"statuses": 503}, TypeError),
        ({"methods": "POST"}, TypeError),
        ({"errors": ValueError}, TypeError),
        ({"errors": [SSLError, 7]}, TypeError),
        ({"backoff": -1}, ValueError),
        ({"backoff": "1"}, TypeError),
        ({"max_wait": float("inf")}, ValueError),
        ({"budget": 3}, TypeError),
    ],
)
def test_retry_refuses(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{next(iter(options))}=|iterable"):
        Retry(**options)


@pytest.mark.parametrize("value", ["3", 1.5, [], object])
def test_option_refuses(value: Any) -> None:
    with pytest.raises(TypeError, match="retry= takes"):
        HttpClient(autoload=False, plugins=["retry"], retry=value)


def test_nearest_class_decides_over_an_error() -> None:
    class OwnSSL(SSLError):
        """A leaf of somebody's plugin."""

    default = Retry().errors
    assert matches_errors(ConnectionClosed(), default)
    assert matches_errors(DNSError(), default)
    assert matches_errors(ReadTimeout(), default)
    assert not matches_errors(HttpTimeout(), default)
    assert not matches_errors(HttpProxyError(), default)
    assert not matches_errors(OwnSSL(), default)
    assert matches_errors(OwnSSL(), (SSLError,))
    assert matches_errors(OwnSSL(), (OwnSSL,))
    assert not matches_errors(KeyError(), default)


def test_methods_are_upper_case() -> None:
    assert Retry(methods=["post", "Get"]).methods == {"POST", "GET"}


async def test_error_of_a_resolver_that_names_no_lost_connection_is_not_retried() -> None:
    """It comes out as it is, so that it is judged by what it is."""

    class NotAllowed(HttpRequestException):
        """What an egress guard says."""

    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        raise NotAllowed("not allowed")

    async with HttpClient(plugins=["retry"], retry=Retry(3, backoff=0), resolver=resolver) as client:
        with pytest.raises(NotAllowed):
            await client.get("http://somewhere.test/")
    assert asked == ["somewhere.test"]
