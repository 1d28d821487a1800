"""What the throttle does in an exchange: it takes a slot before the request, and gives it back when the exchange is over.

A slot ends at the first post_request, so that a retry that waits, or a redirect, does not keep it. A connection that became a
websocket keeps its slot until it is closed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any
from weakref import WeakKeyDictionary, ref

from hookline import HttpClient, HttpResponse, hookimpl

from .admission import Admission
from .server_limits import FIELDS, seconds_asked_for
from .throttle import Throttle, as_throttle

SWITCHING_PROTOCOLS = 101
NOTE = "throttle"  # the key of an Admission in `response.notes`: the name of the plugin that waits
NAME = "throttle_end"  # of the plugin that sees how throttled exchanges go on


class ThrottledExchanges:
    """The exchanges of the clients that one HttpThrottle is registered with. A plugin itself: it sees how they go on."""

    name = NAME

    def __init__(self) -> None:
        self._upgraded: WeakKeyDictionary[Any, Admission] = WeakKeyDictionary()

    def register(self, client: HttpClient) -> None:
        """Have a client call this object, from the next request on."""
        if NAME not in client.plugins:
            client.plugins.manager.register(self)

    # -- before the request

    def enter(self, response: HttpResponse[Any], value: Any) -> Awaitable[None] | None:
        """Admit the request of an exchange, or return what waits for it."""
        request = response.request
        throttle: Throttle | None = value if value.__class__ is Throttle else as_throttle(value)
        if throttle is None:
            return None
        if throttle.rules and (throttle := throttle.of_host(request.origin.host)) is None:
            return None
        key = request.origin.key if throttle.per == "origin" else throttle.key_of(request)
        if key is None:
            return None
        if NAME not in request.configuration.plugins:
            self._bind(response)
        admission = throttle.limits.enter(request, key)
        if isinstance(admission, Admission):
            admission.throttle = throttle
            response.notes[NOTE] = admission
            return None
        return self._wait(response, throttle, admission)

    async def _wait(self, response: HttpResponse[Any], throttle: Throttle, waiting: Awaitable[Admission]) -> None:
        response.notes[NOTE] = admission = await waiting
        admission.throttle = throttle

    def _bind(self, response: HttpResponse[Any]) -> None:
        """See how this exchange goes on, although its client did not throttle before; and register for those that follow."""
        response.event("on_headers").bind(self.on_headers, plugin=NOTE)
        response.event("on_headers").bind(self.heed_server, plugin=NOTE)
        response.event("post_request").bind(self.post_request, plugin=NOTE)
        if NOTE in response.request.client.plugins:
            self.register(response.request.client)

    # -- after it

    @hookimpl(tryfirst=True, statuses=(SWITCHING_PROTOCOLS,))
    def on_headers(self, response: HttpResponse[Any], cause: str) -> None:
        """Have a connection that is no longer HTTP keep the slot."""
        admission: Admission | None = response.notes.get(NOTE)
        if admission is None or response.is_built or response.status_code != SWITCHING_PROTOCOLS:
            return
        if response.connection is not None and admission.has_slot:
            self._upgraded[response.connection] = admission
            admission.connection = ref(response.connection)

    @hookimpl(specname="on_headers", tryfirst=True, headers=FIELDS)
    def heed_server(self, response: HttpResponse[Any], cause: str) -> None:
        """Hold back requests if the server asks for it."""
        admission: Admission | None = response.notes.get(NOTE)
        if admission is None or response.is_built:
            return
        asked = seconds_asked_for(response.status_code, response.headers, time.time())
        if asked > 0:
            response.notes["not_before"] = time.monotonic() + asked
            admission.limits.hold(admission, min(asked, admission.throttle.max_hold))

    @hookimpl(tryfirst=True)
    def post_request(self, response: HttpResponse[Any], exc: BaseException | None, cause: str) -> None:
        admission: Admission | None = response.notes.get(NOTE)
        if admission is None or not (admission.has_slot or response.is_built):
            return
        if admission.connection is None or exc is not None or not is_alive(admission.connection):
            admission.leave(exc is None and response.is_built and not response.was_sent)
        # else `end_upgraded` frees the slot

    def end_upgraded(self, connection: Any) -> None:
        """Free the slot of a connection that is closed."""
        admission = self._upgraded.pop(connection, None)
        if admission is not None:
            admission.leave()


def is_alive(reference: ref[Any]) -> bool:
    """Say whether a connection is there, and not lost."""
    connection = reference()
    return connection is not None and connection.alive
