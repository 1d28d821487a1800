"""`--explain`: the request as it would be sent, and which plugins would run for it and its response. Nothing is sent."""

from __future__ import annotations

import argparse

from hookline import HttpRequest, HttpResponse, hookimpl

from ..arguments.client_options import ClientOptions
from ..arguments.parser import wrapped
from ..event_log import EVENTS, record_events
from ..output.events import secret_fields
from ..output.printer import Printer, printable
from ..output.secrets import hide_field, hide_password
from ..running import DONE
from .client import open_client, request
from .plan import RequestPlan

OURS = ("event_recorder", "send_nothing", "send_no_sub_request")


class SendNothing:
    """A plugin that runs after the others, keeps the request, and answers it, so that it is not sent."""

    name = "send_nothing"

    def __init__(self) -> None:
        self.request: HttpRequest | None = None

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> HttpResponse:
        self.request = response.request
        return HttpResponse.build(response.request, 204)


class SendNoSubRequest:
    """A plugin that answers the requests that other plugins make, such as those for tokens, so that they are not sent."""

    name = "send_no_sub_request"

    @hookimpl(tryfirst=True)
    def pre_request(self, response: HttpResponse, cause: str) -> HttpResponse | None:
        return None if response.request.parent is None else HttpResponse.build(response.request, 204)


class ChangeListener:
    """A listener of an event log that keeps what plugins changed before the request would be sent."""

    def __init__(self) -> None:
        self.changes: dict[str, str] = {}

    def event(self, response: HttpResponse, event: str, size: int, exc: BaseException | None) -> None:
        """Ignore events."""

    def call(self, plugin: str, event: str, answer: str, changes: list[str]) -> None:
        """Keep what a plugin changed."""
        if event == "pre_request" and plugin not in OURS and changes:
            self.changes[plugin] = "; ".join(changes)


async def explain(printer: Printer, given: argparse.Namespace, plan: RequestPlan, options: ClientOptions) -> int:
    """Print the explanation, and return the exit status.

    Raises: HooklineError, UsageError.
    """
    stop, listener = SendNothing(), ChangeListener()
    client, keywords = open_client(options, [stop, SendNoSubRequest()])
    async with client:
        orders = await orders_of(options)
        record_events(client, listener)
        await request(client, plan, keywords)
        if stop.request is not None:
            show_request(printer, stop.request, given.show_secrets)
        for event in EVENTS:
            printer.line(printer.style(printer.out, "event", event))
            for name, why in orders[event]:
                words = listener.changes.get(name, why) if event == "pre_request" else why
                line = wrapped(f"  {name:<12}  {printable(hide_password(words))}", printer.columns, "")
                printer.line(line.replace(name, printer.style(printer.out, "plugin", name), 1))
            if not orders[event]:
                printer.line("  no plugin")
        for absent in client.plugins.absent:
            printer.line(f"not running: {absent.name} ({absent.why})")
    return DONE


async def orders_of(options: ClientOptions) -> dict[str, list[tuple[str, str]]]:
    """Return what runs at each event, and why, in a client that has no plugin of ours and all options itself.

    Raises: PluginError, UsageError.
    """
    client, keywords = open_client(options)
    async with client:
        for name, value in keywords.items():
            setattr(client, name, value)
        return {event: client.plugins.order(event) for event in EVENTS}


def show_request(printer: Printer, request: HttpRequest, show_secrets: bool) -> None:
    """Print a request as it would be sent."""
    head, _, body = request.encode().partition(b"\r\n\r\n")
    secret = secret_fields(request)
    printer.line(printer.style(printer.out, "title", printable(f"{request.method} {hide_password(request.url)}")))
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(": ")
        shown = line if show_secrets or not colon else f"{name}: {hide_field(name, value, secret)}"
        printer.line(f"> {printable(shown)}")
    if body:
        printer.line(f"> and {len(body)} bytes")
    printer.line()
