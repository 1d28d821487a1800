"""What the throttle does in an exchange: it takes a slot before the request, and gives it back when the exchange is over.

A slot ends at the first post_request, so that a retry that waits, or a redirect, does not keep it. A connection that became a
websocket keeps its slot until it is closed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

from hookline import HttpClient, HttpRequest, HttpResponse, hookimpl

from .admission import Admission
from .plugin import NOTE
from .server_limits import FIELDS, seconds_asked_for
from .throttle import Throttle, as_throttle

SWITCHING_PROTOCOLS = 101


class ThrottledExchanges:
    """The exchanges of the clients that one HttpThrottle is registered with. A plugin itself: it sees how they go on."""

    name = "throttle_end"

    def __init__(self) -> None:
        # by the id of their requests, for the sub-requests of these
        self._admissions: WeakValueDictionary[int, Admission] = WeakValueDictionary()
        self._upgraded: WeakKeyDictionary[Any, Admission] = WeakKeyDictionary()

    def register(self, client: HttpClient) -> None:
        """Have a client call this object, from the next request on."""
        if self.name not in client.plugins:
            client.plugins.manager.register(self)

    # -- before the request

    def enter(self, response: HttpResponse[Any], value: Any) -> Awaitable[None] | None:
        """Admit the request of an exchange, or return what waits for it."""
        request = response.request
        throttle = as_throttle(value)
        if throttle is not None:
            throttle = throttle.of_host(request.origin.host)
        key = None if throttle is None else throttle.key_of(request)
        if throttle is None or key is None:
            return None
        if self.name not in request.configuration.plugins:
            self._bind(response)
        parent = None if request.parent is None else self._admission_of_parent(request)
        admission = throttle.limits.enter(request, key, parent)
        if not isinstance(admission, Admission):
            return self._wait(response, throttle, admission)
        self._note(response, throttle, admission)
        return None

    async def _wait(self, response: HttpResponse[Any], throttle: Throttle, waiting: Awaitable[Admission]) -> None:
        self._note(response, throttle, await waiting)

    def _note(self, response: HttpResponse[Any], throttle: Throttle, admission: Admission) -> None:
        admission.max_hold = throttle.max_hold
        response.notes[NOTE] = admission
        if admission.has_slot:
            self._admissions[id(response.request)] = admission

    def _admission_of_parent(self, request: HttpRequest) -> Admission | None:
        """Return the nearest open admission among the requests for whose sake this one is sent."""
        ancestor = request.parent
        while ancestor is not None:
            found = self._admissions.get(id(ancestor))
            if found is not None and found.is_open:
                return found
            ancestor = ancestor.parent
        return None

    def _bind(self, response: HttpResponse[Any]) -> None:
        """See how this exchange goes on, although its client did not throttle before; and register for those that follow."""
        response.event("on_headers").bind(self.on_headers, plugin=NOTE)
        response.event("on_headers").bind(self.heed_server, plugin=NOTE)
        response.event("post_request").bind(self.post_request, plugin=NOTE)
        if NOTE in response.request.client.plugins:
            self.register(response.request.client)

    # -- after it

    @hookimpl(tryfirst=True)
    def on_headers(self, response: HttpResponse[Any], cause: str) -> None:
        admission: Admission | None = response.notes.get(NOTE)
        if admission is None or response.is_built:
            return
        admission.was_sent = True
        if response.status_code == SWITCHING_PROTOCOLS and response.connection is not None and admission.has_slot:
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
            admission.limits.hold(admission, min(asked, admission.max_hold))

    @hookimpl(tryfirst=True)
    def post_request(self, response: HttpResponse[Any], exc: BaseException | None, cause: str) -> None:
        admission: Admission | None = response.notes.get(NOTE)
        if admission is None or not admission.is_open:
            return
        if admission.connection is not None and exc is None:
            connection = admission.connection()
            if connection is not None and connection.alive:
                return  # `end_upgraded` frees the slot
        admission.leave(is_unused=exc is None and response.is_built and not admission.was_sent)

    def end_upgraded(self, connection: Any) -> None:
        """Free the slot of a connection that is closed."""
        admission = self._upgraded.pop(connection, None)
        if admission is not None:
            admission.leave()
