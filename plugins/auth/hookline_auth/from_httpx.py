"""Run authentication objects that were written for httpx: subclasses of its Auth.

Nothing is imported: such an object exists only if its httpx package is loaded already. Its generators get that package's own
Request and Response, and what they change on the request is carried over to ours. A request that they make themselves, for
a token, becomes a SubRequest.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .auth import Auth, advance, advance_async
from .errors import AuthError
from .field_text import octets
from .foreign_request import Snapshot, sent_fields
from .messages import SubRequest, body_bytes

if TYPE_CHECKING:
    from .auth import AsyncFlow, Flow, Outgoing
    from .interfaces import Request, Response


def httpx_package(auth: object) -> ModuleType | None:
    """Return the httpx package, or a fork of it, whose Auth is a base class of auth's class; None if there is none."""
    for base in type(auth).__mro__:
        package = sys.modules.get(base.__module__.partition(".")[0])
        if base.__name__ == "Auth" and hasattr(base, "async_auth_flow") and hasattr(package, "AsyncByteStream"):
            return package
    return None


class AuthFromHttpx(Auth):
    """An Auth object of httpx.

    Its async_auth_flow is run if its class defines one, else its auth_flow, which does no I/O, and its sync_auth_flow only
    if it defines neither.
    """

    def __init__(self, auth: Any, package: ModuleType) -> None:
        self._auth = auth
        self._package = package
        self._is_async = type(auth).async_auth_flow is not package.Auth.async_auth_flow
        has_plain = type(auth).auth_flow is not package.Auth.auth_flow
        self._run_plain = auth.auth_flow if has_plain else auth.sync_auth_flow
        self.requires_request_body = bool(auth.requires_request_body)
        self.requires_response_body = bool(auth.requires_response_body)

    @property
    def is_async(self) -> bool:
        """Say whether the object's class defines async_auth_flow."""
        return self._is_async

    def flow(self, request: Request) -> Flow:
        """Run the object's plain generator."""
        exchange = _Exchange(self, self._package, request)
        flow = self._run_plain(exchange.original)
        try:
            sending = advance(flow)
            while sending is not None:
                response = yield exchange.outgoing(sending)
                sending = advance(flow, exchange.response(response, sending))
        finally:
            flow.close()

    async def async_flow(self, request: Request) -> AsyncFlow:
        """Run the object's asynchronous generator, which wraps the plain one if the class does not define it."""
        exchange = _Exchange(self, self._package, request)
        flow = self._auth.async_auth_flow(exchange.original)
        try:
            sending = await advance_async(flow)
            while sending is not None:
                response = yield exchange.outgoing(sending)
                sending = await advance_async(flow, exchange.response(response, sending))
        finally:
            await flow.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._auth).__name__})"


class _Exchange:
    """One run of a flow: our request, and the httpx request that the flow gets in its place."""

    def __init__(self, auth: AuthFromHttpx, package: ModuleType, request: Request) -> None:
        body = body_bytes(request)
        if body is None and auth.requires_request_body:
            raise AuthError(f"{auth!r} needs the body: expected bytes, got a stream")
        self._package = package
        self._request = request
        self._wants_content = auth.requires_response_body
        content = {"stream": package.AsyncByteStream()} if body is None else {"content": body}
        fields = [(name, octets(value)) for name, value in sent_fields(request)]
        self.original = package.Request(request.method, request.url, headers=fields, **content)
        self._before = Snapshot.of(self.original)

    def outgoing(self, sending: Any) -> Outgoing:
        """Return our request if the flow yields the request that it was given, else a sub-request."""
        if sending is self.original:
            self._before.carry_over(sending, self._request)
            return self._request
        fields = tuple((name, value) for name, value in sending.headers.multi_items() if name != "host")
        return SubRequest(sending.method, str(sending.url), fields, sending.read())

    def response(self, response: Response, sending: Any) -> Any:
        """Return one of our responses as an httpx response; its content is empty if our body may not have been read."""
        is_read = self._wants_content or sending is not self.original or response.status_code in (401, 407)
        # The content is decoded already: httpx must not see the coding, or it would decode once more.
        every = response.headers.items()
        fields = [(name, octets(value)) for name, value in every if name.lower() != "content-encoding"]
        return self._package.Response(
            response.status_code, headers=fields, content=response.content if is_read else b"", request=sending
        )
