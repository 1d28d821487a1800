"""Event streams of sse-starlette, and chat completions in the form of language-model services, served by uvicorn.

GET /news?count=N&sep=S   events 1 to N with their numbers as IDs, after Last-Event-ID; two for each connection; then 204
GET /pings                comments every 50 ms, and one event after 400 ms
GET /silent               one event, and then nothing
GET /moved                a redirect to /news?count=3
POST /v1/chat/completions a completion in pieces, and [DONE]; 401 without a key
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from servers.addresses import Site
from servers.processes import running

WORDS = ("Hello", " wide", " \u2028", " wörld", "\n!")  # of a completion
SEPARATORS = {"lf": "\n", "cr": "\r", "crlf": "\r\n"}


@contextlib.contextmanager
def event_streams_site() -> Iterator[Site]:
    """Run this module under uvicorn."""
    tests = str(Path(__file__).parents[1])

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        options = [
            "--app-dir",
            tests,
            "--host",
            "127.0.0.1",
            "--port",
            str(ports[0]),
            "--timeout-graceful-shutdown",
            "1",
        ]
        return [sys.executable, "-m", "uvicorn", "servers.event_streams:app", *options]

    with running("uvicorn", prepare, "http") as child:
        yield Site(child.ports[0])


async def news(request: Request) -> Response:
    """Answer with two events after Last-Event-ID, and 204 if there are none."""
    count = int(request.query_params["count"])
    last = int(request.headers.get("last-event-id", "0"))
    if last >= count:
        return Response(status_code=204)

    async def events() -> AsyncIterator[ServerSentEvent]:
        for number in range(last + 1, min(last + 2, count) + 1):
            yield ServerSentEvent(f"number\n{number}", event="news", id=str(number), retry=20)

    return EventSourceResponse(events(), sep=SEPARATORS[request.query_params.get("sep", "crlf")])


async def pings(request: Request) -> Response:
    """Answer with comments, and then an event."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        await asyncio.sleep(0.4)
        yield ServerSentEvent("here")

    return EventSourceResponse(events(), ping=0.05)


async def silent(request: Request) -> Response:
    """Answer with one event, and then nothing."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent("one")
        await asyncio.sleep(60)

    return EventSourceResponse(events())


async def moved(request: Request) -> Response:
    """Answer with a redirect to the news."""
    return RedirectResponse("/news?count=3")


async def chat_completions(request: Request) -> Response:
    """Answer as a language-model service does."""
    if request.headers.get("authorization") != "Bearer key-1":
        return JSONResponse({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401)
    asked = json.loads(await request.body())
    assert asked["stream"] is True

    async def chunks() -> AsyncIterator[bytes]:
        for delta in ({"role": "assistant", "content": ""}, *({"content": word} for word in WORDS), {}):
            choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
            chunk = {"object": "chat.completion.chunk", "model": asked["model"], "choices": [choice]}
            yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
            await asyncio.sleep(0)
        yield b"data: [DONE]\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream; charset=utf-8")


app = Starlette(
    routes=[
        Route("/", lambda request: Response("ready")),
        Route("/news", news),
        Route("/pings", pings),
        Route("/silent", silent),
        Route("/moved", moved),
        Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    ]
)
