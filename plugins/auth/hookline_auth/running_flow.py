"""One flow in progress, over all exchanges of a call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from hookline import BodyNotRepeatable, HttpRequest, HttpResponse

from .auth import Auth, advance, advance_async
from .errors import AuthError
from .messages import CAUSE, SubRequest

if TYPE_CHECKING:
    from .auth import AsyncFlow, Flow, Outgoing

MAX_SUB_REQUESTS = 100  # of one flow; core allows as many follow-ups of one call


class RunningFlow:
    """One flow in progress.

    request: the one that the flow was given, and changes for each attempt; what is sent from the second attempt on are
    copies of it.
    """

    __slots__ = ("_fields", "_flow", "_sub_requests", "auth", "request")

    def __init__(self, request: HttpRequest, auth: Auth) -> None:
        self.auth = auth
        self.request = request
        self._flow: Flow | AsyncFlow = auth.async_flow(request) if auth.is_async else auth.flow(request)
        self._fields: list[tuple[str, str]] = []  # those that the flow has set for the hop
        self._sub_requests = 0

    async def begin(self) -> bool:
        """Run the flow to its first attempt, which changes the request; False if the flow has ended with that."""
        hop = self.request.unredirected_headers
        others = set(hop.items())
        goes_on = await self._advance(None)
        self._fields = [field for field in hop.items() if field not in others]
        return goes_on

    async def proceed(self, response: HttpResponse) -> HttpRequest | None:
        """Hand the response to the flow; return a copy of the request as the flow changed it, None at its end.

        Meanwhile the request has no fields for its hop but those of the flow.

        Raises:
            AuthError: the flow broke the rules of flows.
            BodyNotRepeatable: the body cannot be sent again.
            Exceptions of the flow itself pass through.
        """
        hop = self.request.unredirected_headers
        sent = list(hop.items())
        try:
            hop.clear()
            hop.extend(self._fields)
            if not await self._advance(response):
                return None
            self._fields = list(hop.items())
            return self._copy()
        except BodyNotRepeatable:
            await self.close()
            raise
        finally:
            hop.clear()
            hop.extend(sent)

    def _copy(self) -> HttpRequest:
        new = self.request.copy(cause=CAUSE)
        if self.request.method == "CONNECT":  # whoever sent it sends its copy too, and no plugin sets the route again
            new.route, new.target = self.request.route, self.request.target
        return new

    def put_fields(self, request: HttpRequest) -> None:
        """Set the flow's fields for the hop of a copy, in place of others of their names."""
        hop = request.unredirected_headers
        for name, _ in self._fields:
            hop.popall(name, None)
        hop.extend(self._fields)

    async def close(self) -> None:
        """End the flow before its end."""
        if isinstance(self._flow, AsyncGenerator):
            await self._flow.aclose()
        else:
            self._flow.close()

    @property
    def _name(self) -> str:
        """The name of the flow in errors: that of its class, since its own repr may show secrets."""
        return type(self.auth).__name__

    async def _advance(self, response: HttpResponse | None) -> bool:
        """Run the flow to its next attempt, and send its sub-requests before that; False at its end."""
        try:
            outgoing = await self._step(response)
            while isinstance(outgoing, SubRequest):
                if response is not None:
                    response.drop_connection()  # if its body was not read whole: the sub-request may need the place in the pool
                outgoing = await self._step(await self._fetch(outgoing))
            if outgoing is not None and outgoing is not self.request:
                kind = type(outgoing).__name__
                raise AuthError(f"{self._name} yielded {kind}; expected the request that it was given, or a SubRequest")
        except BaseException:
            await self.close()
            raise
        return outgoing is not None

    async def _step(self, response: HttpResponse | None) -> Outgoing | None:
        if response is not None and self.auth.requires_response_body and response.is_open:
            raise AuthError(f"{self._name} needs the whole body, which is too long for stream=True")
        if isinstance(self._flow, AsyncGenerator):
            return await advance_async(self._flow, response)
        return advance(self._flow, response)

    async def _fetch(self, sub: SubRequest) -> HttpResponse:
        """Send a sub-request.

        Unless the flow gives these fields, it has no Authorization, so not the client's either, and asks for the body
        without a content coding, since the plugin that decodes may be left out.
        """
        self._sub_requests += 1
        if self._sub_requests > MAX_SUB_REQUESTS:
            raise AuthError(f"{self._name} asked for more than {MAX_SUB_REQUESTS} sub-requests")
        names = {name.lower() for name, _ in sub.headers}
        defaults = [("Authorization", None), ("Accept-Encoding", "identity")]
        headers = [*((name, value) for name, value in defaults if name.lower() not in names), *sub.headers]
        client = self.request.client
        outcome: HttpRequest | HttpResponse = client.new_request(
            sub.method,
            sub.url,
            cause="token",
            parent=self.request,
            headers=headers,
            data=sub.body or None,
            stream=False,
        )
        while isinstance(outcome, HttpRequest):
            outcome = await client.exchange(outcome)
        return outcome
