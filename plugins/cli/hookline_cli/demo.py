"""`hookline demo`: a tour of the events, against a server of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hookline import HttpClient, HttpRequestException, HttpResponse, __version__
from hookline.cli.console import DONE
from hookline.cli.printer import Printer, status_of

from .demo_server import LINES, demo_server
from .watch import Firing, Log, watch

Stop = Callable[[HttpClient, str], Awaitable[str]]


async def plain(client: HttpClient, origin: str) -> str:
    """A plain exchange: one request, one response."""
    response = await client.get(f"{origin}/plain")
    return f"{status_of(response)}: {response.text.strip()}"


async def compressed(client: HttpClient, origin: str) -> str:
    """A compressed body: a plugin puts a decoder behind the parser."""
    response = await client.get(f"{origin}/compressed")
    size = len(response.content)
    if response.content == LINES:
        return f"{status_of(response)}: {response.headers.get('content-length')} bytes became {size}"
    return f"{status_of(response)}: {size} bytes, still compressed: {why_missing(client, 'decompress')}"


async def redirected(client: HttpClient, origin: str) -> str:
    """A redirect: a plugin answers post_request with another request."""
    response = await client.get(f"{origin}/redirected")
    if response.history:
        return f"{status_of(response)} from {response.request.target}, after {steps(response)}"
    return f"{status_of(response)}, the redirect itself: {why_missing(client, 'redirects')}"


async def streamed(client: HttpClient, origin: str) -> str:
    """A stream: the body is read as it comes, and never held whole."""
    size = count = 0
    async with await client.get(f"{origin}/streamed", stream=True) as response:
        async for data in response.raw:
            size, count = size + len(data), count + 1
    return f"{status_of(response)}: {size} bytes in {count} chunks"


async def missing(client: HttpClient, origin: str) -> str:
    """A refusal: 404 is a response; raise_for_status makes it an error."""
    response = await client.get(f"{origin}/missing")
    try:
        response.raise_for_status()
    except HttpRequestException as error:
        return f"{type(error).__name__}: {error}"
    return status_of(response)


async def failing(client: HttpClient, origin: str) -> str:
    """A failure: the server hangs up amid the body. post_request is told nevertheless."""
    try:
        response = await client.get(f"{origin}/failing")
    except HttpRequestException as error:
        return f"{type(error).__name__}: {error}"
    return status_of(response)


STOPS: tuple[Stop, ...] = (plain, compressed, redirected, streamed, missing, failing)


async def give_tour(printer: Printer, disable: Sequence[str]) -> int:
    """Walk through all exchanges; returns the exit status.

    Raises: PluginError, when plugins cannot be loaded.
    """
    async with demo_server() as origin, HttpClient(disable=disable, trust_env=False, timeout=10) as client:
        names = [info.name for info in client.plugins]
        log = watch(client)
        printer.line(f"Hookline {__version__}, plugins: {', '.join(names) or 'none'}. The server is {origin}.")
        for number, stop in enumerate(STOPS, 1):
            log.clear()
            printer.line()
            printer.line(printer.style(printer.out, "title", f"{number}. {(stop.__doc__ or '').strip()}"))
            outcome = await stop(client, origin)
            show(printer, log)
            printer.line(f"   => {outcome}")
    return DONE


def show(printer: Printer, log: Log) -> None:
    """Print the events of each exchange, with who answered."""
    for request, firings in log.exchanges:
        printer.line(f"   {request.method} {request.target}")
        for event, firing in firings.items():
            name = printer.style(printer.out, "event", f"{event:<14}")
            printer.line(f"     {name} {in_words(firing)}")


def in_words(firing: Firing) -> str:
    """Who was called at an event, and what came of it."""
    facts = [firing.outcome] if firing.outcome else []
    if firing.size:
        facts.append(f"{firing.size} bytes in {firing.times} {'read' if firing.times == 1 else 'reads'}")
    callers = [
        f"{plugin} answers {answer}" if answer else f"{plugin} runs" for plugin, answer in firing.callers.items()
    ]
    return "; ".join([*facts, *callers] if callers else [*facts, "nobody"])


def steps(response: HttpResponse) -> str:
    """The responses that led here."""
    return ", ".join(f"{earlier.status_code} from {earlier.request.target}" for earlier in response.history)


def why_missing(client: HttpClient, name: str) -> str:
    """Why a plugin did nothing."""
    for absent in client.plugins.absent:
        if absent.name == name:
            return f"the plugin {name} is {absent.why}"
    if name in client.plugins:
        return f"the plugin {name} left it as it is"
    return f"the plugin {name} is not installed (pip install hookline-{name})"
