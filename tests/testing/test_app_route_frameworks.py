"""Applications of Starlette, FastAPI and Flask, served in memory to a whole client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import fastapi
import flask
import pytest
import starlette.applications
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route as StarletteRoute

from hookline import HttpClient
from hookline_testing import app_route

MEGABYTES = 8


@contextlib.asynccontextmanager
async def lifespan(app: starlette.applications.Starlette) -> AsyncIterator[dict[str, str]]:
    app.state.log = ["startup"]
    yield {"greeting": "hello"}
    app.state.log.append("shutdown")


async def describe(request: Request) -> JSONResponse:
    body = await request.body()
    return JSONResponse(
        {"url": str(request.url), "method": request.method, "body": body.decode(), "state": request.state.greeting}
    )


async def echo(request: Request) -> StreamingResponse:
    pieces = [piece async for piece in request.stream()]

    async def again() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return StreamingResponse(again())


async def boom(request: Request) -> PlainTextResponse:
    raise KeyError("boom")


def make_starlette():
    return starlette.applications.Starlette(
        routes=[
            StarletteRoute("/describe", describe, methods=["GET", "POST"]),
            StarletteRoute("/echo", echo, methods=["POST"]),
            StarletteRoute("/boom", boom),
        ],
        lifespan=lifespan,
    )


async def chunks():
    for _ in range(MEGABYTES):
        yield bytes(1024 * 1024)


async def test_starlette_is_served_with_its_lifespan():
    app = make_starlette()
    async with app_route(app) as route, HttpClient(plugins=[route]) as client:
        response = await client.post("https://app.example/describe?a=%20b", data=b"text")
        assert response.json() == {
            "url": "https://app.example/describe?a=%20b",
            "method": "POST",
            "body": "text",
            "state": "hello",
        }
        assert (await client.get("http://app.example:81/describe")).json()["url"] == "http://app.example:81/describe"
        assert app.state.log == ["startup"]
    assert app.state.log == ["startup", "shutdown"]


async def test_bodies_stream_both_ways():
    async with app_route(make_starlette()) as route, HttpClient(plugins=[route]) as client:
        async with await client.post("http://app.example/echo", data=chunks(), stream=True) as response:
            size = 0
            async for data in response.raw:
                size += len(data)
        assert size == MEGABYTES * 1024 * 1024


async def test_exception_of_the_application_is_that_of_the_call():
    async with app_route(make_starlette()) as route, HttpClient(plugins=[route]) as client:
        with pytest.raises(KeyError, match="boom"):
            await client.get("http://app.example/boom")
        assert (await client.get("http://app.example/describe")).ok


async def test_exception_becomes_a_500_where_told():
    async with app_route(make_starlette(), raise_errors=False) as route, HttpClient(plugins=[route]) as client:
        assert (await client.get("http://app.example/boom")).status_code == 500


async def test_fastapi_is_served():
    app = fastapi.FastAPI()

    @app.get("/items/{number}")
    async def item(number: int, q: str | None = None) -> dict[str, object]:
        return {"number": number, "q": q}

    @app.post("/login")
    def login(response: fastapi.Response) -> dict[str, bool]:
        response.set_cookie("session", "s3cret")
        return {"ok": True}

    @app.get("/me")
    def me(session: str = fastapi.Cookie()) -> str:
        return session

    @app.get("/old")
    def old() -> fastapi.responses.RedirectResponse:
        return fastapi.responses.RedirectResponse("/items/7")

    async with app_route(app) as route, HttpClient(plugins=[route]) as client:
        assert (await client.get("http://api.example/items/3", params={"q": "x"})).json() == {"number": 3, "q": "x"}
        assert (await client.get("http://api.example/items/x")).status_code == 422
        await client.post("http://api.example/login")
        assert (await client.get("http://api.example/me")).json() == "s3cret"
        response = await client.get("http://api.example/old")
        assert (response.json(), [r.status_code for r in response.history]) == ({"number": 7, "q": None}, [307])


async def test_fastapi_streams_and_lives_and_speaks_websocket():
    @contextlib.asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
        log.append("startup")
        yield
        log.append("shutdown")

    log: list[str] = []
    app = fastapi.FastAPI(lifespan=lifespan)

    @app.post("/count")
    async def count(request: fastapi.Request) -> dict[str, int]:
        return {"size": sum([len(piece) async for piece in request.stream()])}

    @app.get("/numbers")
    async def numbers() -> fastapi.responses.StreamingResponse:
        return fastapi.responses.StreamingResponse(chunks())

    @app.websocket("/shout")
    async def shout(websocket: fastapi.WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text.upper())

    size = MEGABYTES * 1024 * 1024
    async with app_route(app) as route, HttpClient(plugins=[route]) as client:
        assert log == ["startup"]
        assert (await client.post("http://api.example/count", data=chunks())).json() == {"size": size}
        async with await client.get("http://api.example/numbers", stream=True) as response:
            assert sum([len(data) async for data in response.raw]) == size
        async with await client.get("ws://api.example/shout") as websocket:
            await websocket.send("hello")
            assert await websocket.receive() == "HELLO"
    assert log == ["startup", "shutdown"]


def make_flask():
    app = flask.Flask("app")

    @app.post("/echo")
    def echo():
        return flask.Response(list(iter(lambda: flask.request.stream.read(65536), b"")))

    @app.get("/hello/<name>")
    def hello(name):
        return f"hello {name} at {flask.request.url}"

    @app.get("/endless")
    def endless():
        def pieces():
            try:
                while True:
                    yield bytes(65536)
            finally:
                app.config["CLOSED"] = True

        return flask.Response(pieces())

    @app.get("/boom")
    def boom():
        raise KeyError("boom")

    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


async def test_flask_is_served():
    async with app_route(make_flask()) as route, HttpClient(plugins=[route]) as client:
        response = await client.get("http://app.example/hello/w%C3%B6rld?x=1")
        assert response.text == "hello wörld at http://app.example/hello/wörld?x=1"
        assert (await client.head("http://app.example/hello/you")).content == b""
        with pytest.raises(KeyError, match="boom"):
            await client.get("http://app.example/boom")


async def test_flask_streams_both_ways():
    async with app_route(make_flask()) as route, HttpClient(plugins=[route]) as client:
        response = await client.post("http://app.example/echo", data=chunks())
        assert len(response.content) == MEGABYTES * 1024 * 1024


async def test_flask_stream_that_is_left_ends_its_thread():
    app = make_flask()
    async with app_route(app) as route, HttpClient(plugins=[route]) as client:
        async with await client.get("http://app.example/endless", stream=True) as response:
            async for _ in response.raw:
                break
        async with asyncio.timeout(5):
            while not app.config.get("CLOSED"):  # noqa: ASYNC110  # it happens in a thread
                await asyncio.sleep(0.01)


def test_flask_is_served_in_synchronous_mode():
    with HttpClient(plugins=[app_route(make_flask())]) as client:
        assert client.get("http://app.example/hello/you").text.startswith("hello you")
        response = client.post("http://app.example/echo", data=(bytes(70000) for _ in range(20)), stream=True)
        assert sum(map(len, response.raw)) == 1400000
