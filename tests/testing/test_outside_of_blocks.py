"""Tools that are used outside of their blocks say so; none lets a request go to the network in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing import Cassette, Mock, app_route
from hookline_testing.server import ScriptedServer, response

Tool = Any


@pytest.fixture(params=["mock", "cassette"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A tool that takes the requests of clients."""
    return Mock if request.param == "mock" else lambda: Cassette(tmp_path / "x.har", record="all")


async def test_attach_outside_of_the_block_is_an_error(make: Any, scripted: ScriptedServer) -> None:
    tool = make()
    async with HttpClient() as client:
        with pytest.raises(RuntimeError, match=r"attach works only inside its with block"):
            tool.attach(client)
        with tool:
            pass
        with pytest.raises(RuntimeError, match=r"attach works only inside its with block"):
            tool.attach(client)
        assert "testing" not in [plugin.name for plugin in client.plugins]


def test_attach_outside_of_the_block_is_an_error_in_synchronous_mode() -> None:
    with HttpClient() as client, pytest.raises(RuntimeError, match="attach"):
        Mock().attach(client)


@pytest.mark.parametrize("first", ["outer", "inner"])
async def test_client_that_two_have_attached_is_let_go_by_the_last(first: str, scripted: ScriptedServer) -> None:
    """Else requests that the outer one expects go to the network behind the block of the inner one."""
    scripted.always(response(b"real"))
    url = scripted.url()
    async with HttpClient() as client:
        with Mock() as outer:
            outer.get(url).reply(text="outer")
            with Mock() as inner:
                for mock in (outer, inner) if first == "outer" else (inner, outer):
                    mock.attach(client)
                    mock.attach(client)
                inner.get(url).reply(text="inner")
                assert (await client.get(url)).text == "inner"
            assert (await client.get(url)).text == "outer"
        assert (await client.get(url)).text == "real"


async def test_client_that_was_made_in_the_block_may_be_attached_and_stays_taken() -> None:
    url = "https://api.example/"
    with Mock() as outer:
        outer.get(url).reply(text="outer")
        async with HttpClient() as client:
            with Mock() as inner:
                inner.get(url).reply(text="inner")
                inner.attach(client)
                assert (await client.get(url)).text == "inner"
            assert (await client.get(url)).text == "outer"


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"served"})


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"served"]


@pytest.mark.parametrize("raise_errors", [True, False])
@pytest.mark.parametrize("app", [asgi, wsgi], ids=["asgi", "wsgi"])
async def test_application_that_was_shut_down_serves_no_more(app: Any, raise_errors: bool) -> None:
    route = app_route(app, raise_errors=raise_errors)
    async with HttpClient(plugins=[route]) as client:
        assert (await client.get("http://app.example/")).text == "served"  # without startup
        async with route:
            assert (await client.get("http://app.example/")).text == "served"
        with pytest.raises(RuntimeError, match="its route is used after its async with block"):
            await client.get("http://app.example/")
        async with route:
            assert (await client.get("http://app.example/")).text == "served"


def test_server_that_was_not_started_has_no_url() -> None:
    with pytest.raises(RuntimeError, match="the server was not started"):
        ScriptedServer().url()


def test_server_that_is_over_still_says_where_it_was() -> None:
    with ScriptedServer() as server:
        url = server.url("/x")
    assert server.url("/x") == url


def test_cassette_cannot_be_entered_twice_at_once(make: Any) -> None:
    with make() as tool, pytest.raises(RuntimeError, match="is active already"):
        tool.__enter__()
