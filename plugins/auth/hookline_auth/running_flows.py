"""Run flows through the exchanges of their calls.

A flow begins in pre_request. Each response is handed to it in post_request. If the flow wants the request sent again, a copy
of the request is the answer of post_request, and in the pre_request of that copy the flow goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from hookline import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from .auth import Auth
    from .running_flow import RunningFlow


class RunningFlows:
    """The flows in progress that one plugin of one client runs.

    waiting: the flows by the request that each sends next, until that request is in pre_request.
    """

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        # Weak, because a request may never be sent (another plugin failed, the deadline passed): its flow goes with it.
        self.waiting: WeakKeyDictionary[HttpRequest, RunningFlow] = WeakKeyDictionary()

    async def begin(self, response: HttpResponse, auth: Auth) -> None:
        """Begin a flow for the request of this response, in pre_request; its exceptions pass through."""
        from .running_flow import RunningFlow  # imported here, because most clients run no flow

        running = RunningFlow(response.request, auth)
        if await running.begin():
            if auth.wants_response:
                self._subscribe(response, running)
            else:
                await running.close()

    async def answer(self, response: HttpResponse, auth: Auth) -> HttpRequest | None:
        """Begin a flow in post_request, with a response that has come already; return the request to send, or None.

        Raises: see `RunningFlow.proceed`.
        """
        from .running_flow import RunningFlow

        running = RunningFlow(response.request, auth)
        return await self._proceed(response, running) if await running.begin() else None

    def resume(self, response: HttpResponse) -> bool:
        """Go on with the flow that sends this request, in pre_request; False if no flow does."""
        running = self.waiting.pop(response.request, None)
        if running is None:
            return False
        running.put_fields(response.request)
        self._subscribe(response, running)
        return True

    async def _proceed(self, response: HttpResponse, running: RunningFlow) -> HttpRequest | None:
        """Hand a response to its flow; return the request that the flow sends next, None at its end."""
        request = await running.proceed(response)
        if request is not None:
            self.waiting[request] = running
        return request

    def _subscribe(self, response: HttpResponse, running: RunningFlow) -> None:
        """Add handlers to this exchange alone, so that exchanges without a flow have no work."""

        async def post_request(response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
            if exc is not None or response.answer is not None:  # another plugin has answered, and its request is sent
                await running.close()
                return None
            return await self._proceed(response, running)

        def on_headers(response: HttpResponse) -> None:
            if response.status_code >= 400 or running.auth.requires_response_body:
                response.buffer()

        response.event("post_request").bind(post_request, plugin=self.plugin)
        if response.request.stream:
            response.event("on_headers").bind(on_headers, plugin=self.plugin)
