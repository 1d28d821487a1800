"""Run the flow of an authentication through the exchanges of a call.

A flow is begun in pre_request. Each response is handed to it in post_request; where it asks for the request once more, a
copy is the answer, and in the pre_request of that copy the flow goes on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from weakref import WeakKeyDictionary

from hookline import BodyNotRepeatable, HttpRequest, HttpResponse

from .errors import AuthError
from .flows import AsyncFlow, Auth, Flow, Outgoing, SubRequest, advance, advance_async

CAUSE = "auth"
MAX_SUB_REQUESTS = 100  # of one flow; core allows as many follow-ups of one call


class Flows:
    """The flows that one plugin of one client runs."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        # What was given up on its way (another plugin failed, the deadline passed) is collected, and its flow with it.
        self._next: WeakKeyDictionary[HttpRequest, Running] = WeakKeyDictionary()

    async def begin(self, response: HttpResponse, auth: Auth) -> None:
        """Begin a flow for the request of this response, in pre_request.

        Raises: whatever the flow raises.
        """
        running = Running(response.request, auth)
        if await running.begin():
            if auth.wants_response:
                self._watch(response, running)
            else:
                await running.close()

    async def answer(self, response: HttpResponse, auth: Auth) -> HttpRequest | None:
        """Begin a flow with a response that is here, in post_request; returns the request that it sends then, or None.

        Raises: see `Running.proceed`.
        """
        running = Running(response.request, auth)
        return await self._proceed(response, running) if await running.begin() else None

    def resume(self, response: HttpResponse) -> bool:
        """Go on with the flow that sends this request, in pre_request; False where there is none."""
        running = self._next.pop(response.request, None)
        if running is None:
            return False
        running.put_fields(response.request)
        self._watch(response, running)
        return True

    async def _proceed(self, response: HttpResponse, running: Running) -> HttpRequest | None:
        """Hand a response to its flow; returns the request that the flow sends then, None at its end."""
        request = await running.proceed(response)
        if request is not None:
            self._next[request] = running
        return request

    def _watch(self, response: HttpResponse, running: Running) -> None:
        """Be told of this exchange alone: exchanges without a flow shall not pay for those that have one."""

        async def post_request(response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
            if exc is not None or response.answer is not None:  # another plugin goes on in its own way
                await running.close()
                return None
            return await self._proceed(response, running)

        def on_headers(response: HttpResponse) -> None:
            if response.status_code >= 400 or running.auth.requires_response_body:
                response.buffer()

        response.event("post_request").bind(post_request, plugin=self.plugin)
        if response.request.stream:
            response.event("on_headers").bind(on_headers, plugin=self.plugin)


class Running:
    """One flow.

    request: the one that the flow was given, and changes for each attempt. fields: those that it has set for its hops.
    """

    __slots__ = ("_fields", "_flow", "_sub_requests", "auth", "request")

    def __init__(self, request: HttpRequest, auth: Auth) -> None:
        self.auth = auth
        self.request = request
        self._flow: Flow | AsyncFlow = auth.async_flow(request) if auth.is_async else auth.flow(request)
        self._fields: list[tuple[str, str]] = []
        self._sub_requests = 0

    async def begin(self) -> bool:
        """Let the flow change its request before it is sent the first time; False where the flow ends with that."""
        hop = self.request.unredirected_headers
        others = set(hop.items())
        goes_on = await self._advance(None)
        self._fields = [field for field in hop.items() if field not in others]
        return goes_on

    async def proceed(self, response: HttpResponse) -> HttpRequest | None:
        """Hand the response over; returns a copy of the request, changed as the flow wants it, None at its end.

        Meanwhile the request has no fields for its hop but those of the flow.

        Raises: BodyNotRepeatable; AuthError; whatever the flow raises.
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
        if self.request.method == "CONNECT":  # what sent it sends its copy too; nobody works out its route again
            new.route, new.target = self.request.route, self.request.target
        return new

    def put_fields(self, request: HttpRequest) -> None:
        """Set the flow's fields for the hop of a copy, in place of others of their names."""
        hop = request.unredirected_headers
        for name, _ in self._fields:
            hop.popall(name, None)
        hop.extend(self._fields)

    async def close(self) -> None:
        """End the flow where it stands."""
        if isinstance(self._flow, AsyncGenerator):
            await self._flow.aclose()
        else:
            self._flow.close()

    @property
    def _name(self) -> str:
        """How errors call it: by its class, since its own repr may show secrets."""
        return type(self.auth).__name__

    async def _advance(self, response: HttpResponse | None) -> bool:
        """Run the flow to where it wants its request sent; False at its end."""
        try:
            outgoing = await self._step(response)
            while isinstance(outgoing, SubRequest):
                if response is not None:
                    response.drop_connection()  # of a body that is not read on: this may need its place in the pool
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
        """Send a sub-request; it has neither the client's Authorization nor a content coding that nobody would undo."""
        self._sub_requests += 1
        if self._sub_requests > MAX_SUB_REQUESTS:
            raise AuthError(f"{self._name} asked for more than {MAX_SUB_REQUESTS} sub-requests")
        names = {name.lower() for name, _ in sub.headers}
        defaults = [("Authorization", None), ("Accept-Encoding", "identity")]
        headers = [*((name, value) for name, value in defaults if name.lower() not in names), *sub.headers]
        client = self.request.client
        outcome = client.new_request(
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
