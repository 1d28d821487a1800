"""The base class of authentications: a generator changes a request, yields it and receives the response.

Such a generator is called a flow. It does no I/O; Hookline sends what it yields and hands the response back:

    class Ticket(Auth):
        def flow(self, request):
            response = yield request
            if response.status_code == 401:
                set_field(request, "Authorization", f"Ticket {response.headers['x-ticket']}")
                yield request

* Yield the request that the flow was given, changed as needed, once for every attempt. Credentials go into
  `unredirected_headers` (set_field puts them there): they are for this hop, and a redirect does not repeat them.
* Yield a SubRequest to send another request first, for example for a token; its response is handed back.
* Return when the latest response is the one that the caller gets.

An authentication that has to wait, for example for a coroutine that fetches a token, defines `async_flow` instead: an
asynchronous generator with the same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from .interfaces import Request, Response
    from .messages import SubRequest

    Outgoing = Request | SubRequest
    Flow = Generator[Outgoing, Response, None]
    AsyncFlow = AsyncGenerator[Outgoing, Response]


class Auth:
    """Base class of all authentications. One object serves many concurrent requests.

    Define `flow`, or `async_flow` if it has to wait; async_flow can be run in either case.

    wants_response: False ends the flow as soon as the request is ready, without its response. requires_response_body:
    True if the flow reads the `content` of every response, not only of 401 and 407.

    Example::

        from hookline import HttpClient
        from hookline_auth import Auth, set_field


        class Ticket(Auth):
            def flow(self, request):
                set_field(request, "Authorization", "Ticket 7")
                yield request


        with HttpClient(auth=Ticket()) as client:
            print(client.get("http://127.0.0.1:8000/").request.get_header("Authorization"), Ticket().is_async)
    """

    wants_response: bool = True
    requires_response_body: bool = False

    @property
    def is_async(self) -> bool:
        """Say whether async_flow has to be run, because flow is not defined."""
        return type(self).async_flow is not Auth.async_flow

    def flow(self, request: Request) -> Flow:
        """Yield what to send, and receive its response; the docstring of this module has the rules."""
        raise NotImplementedError(f"{type(self).__name__} defines neither flow() nor async_flow()")

    async def async_flow(self, request: Request) -> AsyncFlow:
        """Run flow() as an asynchronous generator.

        Example::

            from hookline import HttpClient
            from hookline_auth import Auth, SubRequest, set_field


            class Fetched(Auth):
                async def async_flow(self, request):
                    answer = yield SubRequest("POST", "http://127.0.0.1:8000/echo", body=b"a-token")
                    set_field(request, "Authorization", f"Token {answer.content.decode()}")
                    yield request


            with HttpClient(auth=Fetched()) as client:
                print(client.get("http://127.0.0.1:8000/").request.get_header("Authorization"))
        """
        flow = self.flow(request)
        try:
            outgoing = advance(flow)
            while outgoing is not None:
                outgoing = advance(flow, (yield outgoing))
        finally:
            flow.close()


def advance(flow: Flow, response: Response | None = None) -> Outgoing | None:
    """Return what a flow sends next, None at its end. response: None starts the flow."""
    try:
        return next(flow) if response is None else flow.send(response)
    except StopIteration:
        return None


async def advance_async(flow: AsyncFlow, response: Response | None = None) -> Outgoing | None:
    """Return what an asynchronous flow sends next, None at its end. response: None starts the flow."""
    try:
        return await (anext(flow) if response is None else flow.asend(response))
    except StopAsyncIteration:
        return None
