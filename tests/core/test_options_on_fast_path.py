"""Options that were given to a call, or set by a hook, leave the fast path only where they have to."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, Option, ReadTimeout, Timeout, hookimpl
from hookline_testing.server import Script, ScriptedServer, response


class Tag:
    """A plugin with an option, which sets a field for it."""

    def __init__(self) -> None:
        self.exchanges: list[HttpResponse] = []

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("tag")]

    @hookimpl(options=("tag",))
    def pre_request(self, response: HttpResponse[Any]) -> None:
        response.request.unredirected_headers["X-Tag"] = response.request.tag
        self.exchanges.append(response)


async def test_option_of_a_plugin_leaves_the_request_on_the_fast_path(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    tag = Tag()
    async with HttpClient(autoload=False, plugins=[tag]) as client:
        for number in range(3):
            assert (await client.get(scripted.url(), tag=str(number))).content == b"body"
        await client.get(scripted.url())
    assert [each.request._on_fast_path for each in tag.exchanges] == [True] * 3
    sent = [request.header_values("x-tag") for request in scripted.requests]
    assert sent == [["0"], ["1"], ["2"], []]


@pytest.mark.parametrize(
    ("name", "value"), [("stream", True), ("max_body", 2), ("timings", True), ("version", "HTTP/1.0")]
)
async def test_option_of_core_that_a_hook_sets_counts(scripted: ScriptedServer, name: str, value: Any) -> None:
    scripted.always(response(b"b"))

    def set_it(response: HttpResponse[Any]) -> None:
        setattr(response.request, name, value)

    async with HttpClient(autoload=False) as client:
        answer: Any = await client.get(scripted.url(), pre_request=set_it)
        assert not answer.request._on_fast_path
        assert answer.was_handed_out is (name == "stream")
        if name == "stream":
            await answer.raw.read()
        if name == "timings":
            assert answer.timings.done is not None
    assert (scripted.requests[0].version == "1.0") is (name == "version")


@pytest.mark.parametrize("is_given", [True, False])
async def test_read_timeout_of_a_call_or_of_a_hook_ends_the_wait(scripted: ScriptedServer, is_given: bool) -> None:
    scripted.always(Script().stall())

    class Impatient:
        @hookimpl
        def pre_request(self, response: HttpResponse[Any]) -> None:
            response.request.timeout = Timeout(read=0.2)

    async with HttpClient(autoload=False, plugins=[] if is_given else [Impatient()]) as client:
        keywords: dict[str, Any] = {"timeout": Timeout(read=0.2)} if is_given else {}
        with pytest.raises(ReadTimeout):
            await client.get(scripted.url(), **keywords)
