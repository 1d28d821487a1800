"""Websockets of an application in memory."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hookline import HttpClient
from hookline_testing import app_route

WebSocketClosed = pytest.importorskip("hookline_websocket").WebSocketClosed


async def echo(websocket: WebSocket) -> None:
    await websocket.accept(headers=[(b"x-name", b"value")])
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        pass


async def refuse(websocket: WebSocket) -> None:
    await websocket.close()


async def goodbye(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(4001, "goodbye")


async def boom(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    raise KeyError("boom")


async def early(websocket: WebSocket) -> None:
    raise KeyError("early")


APP = Starlette(
    routes=[WebSocketRoute(f"/{function.__name__}", function) for function in (echo, refuse, goodbye, boom, early)]
)


async def test_messages_go_both_ways():
    async with app_route(APP) as route, HttpClient(plugins=[route]) as client:
        websocket = await client.get("ws://app.example/echo")
        assert (websocket.status_code, websocket.headers["x-name"]) == (101, "value")
        for message in ("text", b"\x00\x01", "", "x" * 300_000, bytes(300_000)):
            await websocket.send(message)
            assert await websocket.receive() == message
        await websocket.send(["in ", "fragments"])
        assert await websocket.receive() == "in fragments"
        await websocket.ping()
        await websocket.close()


async def test_wss_needs_no_certificate():
    async with app_route(APP) as route, HttpClient(plugins=[route]) as client:
        websocket = await client.get("wss://app.example/echo")
        await websocket.send("over memory")
        assert await websocket.receive() == "over memory"
        await websocket.close()


async def test_refusal_is_a_response():
    async with app_route(APP) as route, HttpClient(plugins=[route]) as client:
        assert (await client.get("ws://app.example/refuse")).status_code == 403


async def test_application_closes_with_a_code():
    async with app_route(APP) as route, HttpClient(plugins=[route]) as client:
        websocket = await client.get("ws://app.example/goodbye")
        assert [message async for message in websocket] == []
        assert websocket.close_reason == (4001, "goodbye")


async def test_exception_before_the_handshake_is_that_of_the_call():
    async with app_route(APP) as route, HttpClient(plugins=[route]) as client:
        with pytest.raises(KeyError, match="early"):
            await client.get("ws://app.example/early")


async def test_exception_behind_the_handshake_is_raised_at_the_end():
    route = await app_route(APP).__aenter__()
    async with HttpClient(plugins=[route]) as client:
        websocket = await client.get("ws://app.example/boom")
        await websocket.send("go")
        with pytest.raises(WebSocketClosed) as closed:
            await websocket.receive()
        assert closed.value.code == 1011
    with pytest.raises(KeyError, match="boom"):
        await route.__aexit__(None, None, None)


async def test_client_that_goes_leaves_no_task():
    before = asyncio.all_tasks()
    async with app_route(APP) as route, HttpClient(plugins=[route]) as client:
        websocket = await client.get("ws://app.example/echo")
        await websocket.send("x")
    assert asyncio.all_tasks() == before
