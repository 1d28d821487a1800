"""Follow-ups and sub-requests: each is an exchange of its own under the span of the call, with a link to its cause."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from hookline import HttpClient, HttpRequest, HttpResponse, PluginError, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.otel import Telemetry, traceparent_of

BOTH = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


class Follows:
    """Follows Location, sends again after 503, and asks for a token before the first request of a call."""

    @hookimpl
    async def pre_request(self, response: HttpResponse) -> None:
        request = response.request
        if request.cause == "call" and request.origin_form == "/token-first":
            client = request.client
            await client.exchange(client.new_request("POST", request.url + "/token", cause="token", parent=request))

    @hookimpl(statuses=(302, 503))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is not None:
            return None
        if response.status_code == 503:
            return response.request.copy(cause="retry")
        url = response.request.url.rpartition("/")[0] + response.headers["Location"]
        return response.request.follow(url, cause="redirect")


@pytest.fixture
async def follower(telemetry: Telemetry) -> Any:
    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Follows()], timeout=20) as client:
        yield client


@BOTH
async def test_follow_ups_are_linked_to_their_causes(
    scripted: ScriptedServer, telemetry: Telemetry, follower: HttpClient
) -> None:
    scripted.answer(response(status=302, headers={"Location": "/b"}), response(status=503), response(b"fine"))
    assert (await follower.get(scripted.url("/a"))).content == b"fine"
    first, second, third = telemetry.exchanges
    call = telemetry.call
    assert {span.parent.span_id for span in telemetry.exchanges} == {call.context.span_id}
    assert first.links == ()
    for earlier, later, cause, count in ((first, second, "redirect", 1), (second, third, "retry", 2)):
        (link,) = later.links
        assert link.context.span_id == earlier.context.span_id
        assert link.attributes == {"hookline.cause": cause}
        assert later.attributes["hookline.cause"] == cause
        assert later.attributes["http.request.resend_count"] == count
    assert "http.request.resend_count" not in first.attributes
    assert call.attributes["http.request.resend_count"] == 2
    assert call.end_time >= third.end_time
    assert [span.status.status_code.name for span in telemetry.exchanges] == ["UNSET", "ERROR", "UNSET"]
    assert [seen.header("traceparent")[:52] for seen in scripted.requests] == [
        traceparent_of(span) for span in telemetry.exchanges
    ]


async def test_sub_request_is_under_the_call_it_is_sent_for(
    scripted: ScriptedServer, telemetry: Telemetry, follower: HttpClient
) -> None:
    scripted.always(response(b"fine"))
    await follower.get(scripted.url("/token-first"))
    exchange, token = telemetry.exchanges
    assert (exchange.name, token.name) == ("GET", "POST")
    assert token.parent.span_id == exchange.parent.span_id == telemetry.call.context.span_id
    assert token.links[0].context.span_id == exchange.context.span_id
    assert token.attributes["hookline.cause"] == "token"
    assert "http.request.resend_count" not in token.attributes


async def test_follow_up_that_a_plugin_refuses_ends_the_call(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    class Guards:
        name = "a_guard"

        @hookimpl(tryfirst=True)
        def pre_request(self, response: HttpResponse) -> None:
            if response.request.cause == "redirect":
                raise ValueError("not there")

    scripted.answer(response(status=302, headers={"Location": "/b"}))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Follows(), Guards()]) as client:
        with pytest.raises(ValueError, match="not there"):
            await client.get(scripted.url("/a"))
    assert telemetry.call.attributes["error.type"] == "ValueError"
    assert telemetry.call.status.status_code is StatusCode.ERROR
    assert len(telemetry.exchanges) == 1


async def test_call_with_endless_follow_ups_ends(
    scripted: ScriptedServer, telemetry: Telemetry, follower: HttpClient
) -> None:
    scripted.always(response(status=503))
    with pytest.raises(PluginError, match="more than 100 follow-ups"):
        await follower.get(scripted.url())
    async with asyncio.timeout(10):
        while not telemetry.calls:  # it ends when the last response is dropped
            await asyncio.sleep(0.01)
            gc.collect()
    assert len(telemetry.exchanges) == 101


async def test_answer_of_a_later_plugin_stays_under_the_call(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    class Late:
        name = "zz_late"
        after = ("otel",)

        @hookimpl(trylast=True)
        def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
            return response.request.copy(cause="retry") if response.status_code == 503 else None

    scripted.answer(response(status=503), response(b"fine"))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Late()]) as client:
        assert (await client.get(scripted.url())).content == b"fine"
    assert {span.parent.span_id for span in telemetry.exchanges} == {telemetry.call.context.span_id}
    assert len(telemetry.exchanges) == 2


@BOTH
async def test_plugin_of_one_call_records_it_whole(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(response(b"none"), response(status=302, headers={"Location": "/b"}), response(b"fine"))
    async with HttpClient(autoload=False, plugins=[Follows()]) as client:
        await client.get(scripted.url())
        await client.get(scripted.url("/a"), plugins=[telemetry.plugin()])
    assert len(telemetry.exchanges) == 2
    assert telemetry.exchanges[0].attributes["network.peer.port"] == scripted.port
    assert telemetry.call.attributes["http.request.resend_count"] == 1
