"""`hookline demo`: a tour of the events, with a built-in server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hookline import HttpClient, HttpRequestException, HttpResponse, __version__

from .demo_server import LINES, demo_server
from .event_log import EventLog, EventRecord, record_events
from .output.printer import Printer, status_of
from .running import DONE

Stop = Callable[[HttpClient, str], Awaitable[str]]


async def plain(client: HttpClient, origin: str) -> str:
    """A plain exchange: one request, one response."""
    response = await client.get(f"{origin}/plain")
    return f"{status_of(response)}: {response.text.strip()}"


async def compressed(client: HttpClient, origin: str) -> str:
    """A compressed body: a plugin decodes what the parser has read."""
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
    """A stream: the body is read as it comes, and never kept as a whole."""
    size = count = 0
    async with await client.get(f"{origin}/streamed", stream=True) as response:
        async for data in response.raw:
            size, count = size + len(data), count + 1
    return f"{status_of(response)}: {size} bytes in {count} chunks"


async def missing(client: HttpClient, origin: str) -> str:
    """A refusal: 404 is a response; raise_for_status turns it into an error."""
    response = await client.get(f"{origin}/missing")
    try:
        response.raise_for_status()
    except HttpRequestException as error:
        return f"{type(error).__name__}: {error}"
    return status_of(response)


async def failing(client: HttpClient, origin: str) -> str:
    """A failure: the server closes the connection within the body. post_request is called nevertheless."""
    try:
        response = await client.get(f"{origin}/failing")
    except HttpRequestException as error:
        return f"{type(error).__name__}: {error}"
    return status_of(response)


STOPS: tuple[Stop, ...] = (plain, compressed, redirected, streamed, missing, failing)


async def run_tour(printer: Printer, disable: Sequence[str]) -> int:
    """Run all exchanges and print their events; return the exit status.

    Raises: PluginError, when plugins cannot be loaded.
    """
    async with demo_server() as origin, HttpClient(disable=disable, trust_env=False, timeout=10) as client:
        names = [info.name for info in client.plugins]
        log = record_events(client)
        printer.line(f"Hookline {__version__}, plugins: {', '.join(names) or 'none'}. The server is {origin}.")
        for number, stop in enumerate(STOPS, 1):
            log.clear()
            printer.line()
            printer.line(printer.style(printer.out, "title", f"{number}. {(stop.__doc__ or '').strip()}"))
            outcome = await stop(client, origin)
            show(printer, log)
            printer.line(f"   => {outcome}")
    return DONE


def show(printer: Printer, log: EventLog) -> None:
    """Print the events of each exchange, with the plugins that ran."""
    for request, records in log.exchanges:
        printer.line(f"   {request.method} {request.target}")
        for event, record in records.items():
            name = printer.style(printer.out, "event", f"{event:<14}")
            printer.line(f"     {name} {in_words(record)}")


def in_words(record: EventRecord) -> str:
    """Describe an event: its outcome, and the plugins that ran."""
    facts = [record.outcome] if record.outcome else []
    if record.size:
        facts.append(f"{record.size} bytes in {record.times} {'read' if record.times == 1 else 'reads'}")
    plugins = [
        f"{plugin} answers {answer}" if answer else f"{plugin} runs" for plugin, answer in record.plugins.items()
    ]
    return "; ".join([*facts, *plugins] if plugins else [*facts, "no plugin runs"])


def steps(response: HttpResponse) -> str:
    """List the responses before this one, oldest first."""
    return ", ".join(f"{earlier.status_code} from {earlier.request.target}" for earlier in response.history)


def why_missing(client: HttpClient, name: str) -> str:
    """Explain why a plugin did nothing."""
    for absent in client.plugins.absent:
        if absent.name == name:
            return f"the plugin {name} is {absent.why}"
    if name in client.plugins:
        return f"the plugin {name} did not change it"
    return f"the plugin {name} is not installed (pip install hookline-{name})"
