"""The stops of the tour: the code that the reader sees and that runs, and what came of it in words."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hookline import HttpClient, HttpResponse, hookimpl

from ..output.printer import status_of
from .server import LINES, Origins

OpenClient = Callable[..., contextlib.AbstractAsyncContextManager[HttpClient]]


@dataclass
class Tour:
    """What a stop can use.

    client: the client of the tour. origin, other: two origins of the server. HttpClient: makes one more client, whose events are
    shown too. on_download: draws the progress of a transfer.
    """

    client: HttpClient
    origins: Origins
    HttpClient: OpenClient
    on_download: Callable[[int, int | None], None]


Run = Callable[[HttpClient, str, Tour], Awaitable[Any]]
Say = Callable[[HttpClient, Any], str]


@dataclass(frozen=True)
class Stop:
    """One stop. run: its docstring is the title, its body is shown. say: describes what it returned, in lines.

    needs: plugins without which it is left out.
    """

    run: Run
    say: Say
    needs: Sequence[str] = ()


async def plain(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """One request, one response, and the five events of the exchange."""
    response = await client.get(f"{origin}/plain")
    return response


async def compressed(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """A compressed body: at on_headers a plugin takes over decoding."""
    response = await client.get(f"{origin}/compressed")
    return response


async def login(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """A redirect with a cookie: one plugin answers with another request, one stores the cookie and sends it."""
    response = await client.get(f"{origin}/login")
    return response


async def without(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """The same with one plugin left out, for one call."""
    response = await client.get(f"{origin}/login", disable=["redirects"])
    return response


async def credentials(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """Credentials, and a redirect to another origin: they do not go there."""
    response = await client.get(f"{origin}/account", auth=("ada", "lovelace"))
    return response


async def own(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """A plugin of your own is a class whose methods have the names of events."""

    class Stamp:
        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            response.request.headers["X-Stamp"] = "blue"

    async with tour.HttpClient(plugins=[Stamp()]) as another:
        response = await another.get(f"{origin}/stamped")
    return response


async def download(client: HttpClient, origin: str, tour: Tour) -> int:
    """A download of 1 MiB, read as it comes and never kept as a whole. The server is slow."""
    size = 0
    async with await client.get(f"{origin}/download", stream=True, on_download=tour.on_download) as response:
        async for data in response.raw:
            size += len(data)
    return size


async def websocket(client: Any, origin: str, tour: Tour) -> Any:
    """A websocket: a plugin answers 101 with another protocol."""
    async with await client.get(f"ws{origin.removeprefix('http')}/websocket") as websocket:
        await websocket.send("Is anybody there?")
        message = await websocket.receive()
    return message


async def missing(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """404 is a response like any other; raise_for_status turns it into an error."""
    response = await client.get(f"{origin}/missing")
    return response.raise_for_status()


async def hostile(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """A hostile server sends two lengths, so that two readers disagree on where the response ends."""
    response = await client.get(f"{origin}/two-lengths")
    return response


async def cut_short(client: HttpClient, origin: str, tour: Tour) -> HttpResponse:
    """The server closes the connection within the body. post_request fires nevertheless."""
    response = await client.get(f"{origin}/cut-short")
    return response


async def explained(client: HttpClient, origin: str, tour: Tour) -> str:
    """Which plugins run at each event, in which order, and why; here for on_headers."""
    explanation = client.plugins.explain()
    return explanation


def say_text(client: HttpClient, response: HttpResponse) -> str:
    return f"{status_of(response)}: {response.text.strip()}"


def say_size(client: HttpClient, response: HttpResponse) -> str:
    size = len(response.content)
    if response.content == LINES:
        return f"{status_of(response)}: {response.headers.get('content-length')} bytes became {size}"
    return f"{status_of(response)}: {size} bytes, still compressed: {why_missing(client, 'decompress')}"


def say_steps(client: HttpClient, response: HttpResponse) -> str:
    if not response.history:
        return f"{status_of(response)}, the redirect itself: {why_missing(client, 'redirects')}"
    steps = ", ".join(f"{earlier.status_code} from {earlier.request.target}" for earlier in response.history)
    return f"{say_text(client, response)} Before it: {steps}."


def say_left_out(client: HttpClient, response: HttpResponse) -> str:
    return f"{status_of(response)}, the redirect itself; it leads to {response.headers.get('location')}"


def say_received(client: HttpClient, size: int) -> str:
    return f"{size} bytes, of which the client kept none"


def say_message(client: HttpClient, message: str) -> str:
    return f"the server sent back: {message}"


def say_event(client: HttpClient, explanation: str) -> str:
    """Return the part of an explanation that is about on_headers, without the recorder of the tour."""
    lines = explanation.partition("on_headers\n")[2].partition("\npost_request")[0].splitlines()
    reasons = [line.partition(". ")[2] or line.strip() for line in lines if "event_recorder" not in line]
    return "\n".join(["on_headers", *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1))])


STOPS = (
    Stop(plain, say_text),
    Stop(compressed, say_size),
    # Before there are cookies, which unlike credentials go to all ports of a host (RFC 6265, 8.5).
    Stop(credentials, say_text, needs=("basic", "redirects")),
    Stop(login, say_steps),
    Stop(without, say_left_out, needs=("redirects",)),
    Stop(own, say_text),
    Stop(download, say_received, needs=("bodies",)),
    Stop(websocket, say_message, needs=("websocket",)),
    Stop(missing, say_text),
    Stop(hostile, say_text),
    Stop(cut_short, say_text),
    Stop(explained, say_event),
)


def why_missing(client: HttpClient, name: str) -> str:
    """Explain why a plugin did nothing."""
    for absent in client.plugins.absent:
        if absent.name == name:
            return f"the plugin {name} is {absent.why}"
    if name in client.plugins:
        return f"the plugin {name} did not change it"
    distribution = {"basic": "auth"}.get(name, name)
    return f"the plugin {name} is not installed (pip install hookline-{distribution})"
