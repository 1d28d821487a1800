"""The event log of the tour changes nothing about the plugins."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hookline import HttpClient, HttpRequest, HttpResponse, hookimpl
from hookline_cli.event_log import record_events
from hookline_testing.server import ScriptedServer
from hookline_testing.server import response as answer


class Late:
    after = ("wide",)

    @hookimpl
    async def pre_request(self, response: HttpResponse) -> None:
        response.request.headers["X-Late"] = response.request.headers["X-Wide"]


class Wide:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def not_a_hook(self) -> None:
        raise AssertionError

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.headers["X-Wide"] = "yes"

    @hookimpl(statuses=(503,))
    def on_headers(self, response: HttpResponse) -> None:
        self.seen.append("on_headers")

    @hookimpl(specname="data_received")
    def bytes_came(self, response: HttpResponse, data: bytes) -> None:
        self.seen.append("data_received")

    @hookimpl(statuses=(503,))
    async def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        return response.request.copy(cause="retry") if exc is None else None


class Wrapping:
    @hookimpl(wrapper=True)
    def post_request(self) -> Generator[None, Any, Any]:
        return (yield)


async def test_log_has_calls_and_answers(scripted: ScriptedServer) -> None:
    scripted.answer(answer(b"", 503), answer(b"fine"))
    wide = Wide()
    async with HttpClient(plugins=[Late(), wide, Wrapping()], autoload=False) as client:
        log = record_events(client)

        response = await client.get(scripted.url("/path"))

    assert (response.status_code, response.content) == (200, b"fine")
    assert wide.seen == ["data_received", "on_headers", "data_received"]
    assert "X-Late: yes" in [f"{name}: {value}" for name, value in response.request.headers.items()]
    first, second = (records for _, records in log.exchanges)
    assert first["pre_request"].plugins == {"wide": "", "late": ""}
    assert first["post_request"].plugins == {"wide": "GET /path (cause: retry)"}
    assert first["data_received"].plugins == {"wide": ""}
    assert second["on_headers"].plugins == {}
    assert second["post_request"].plugins == {}
    assert list(first) == ["pre_request", "data_received", "on_headers", "data_processed", "post_request"]


async def test_log_keeps_names_order_and_distributions() -> None:
    client = HttpClient(plugins=[Late(), Wide()])
    before = [(info.name, info.distribution, info.hooks, info.options) for info in client.plugins]

    record_events(client)

    after = [(info.name, info.distribution, info.hooks, info.options) for info in client.plugins]
    assert [row for row in after if row[0] != "event_recorder"] == before
