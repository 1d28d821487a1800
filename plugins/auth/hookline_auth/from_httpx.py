"""Run authentication objects that were written for httpx: subclasses of its Auth.

Nothing is imported: such an object exists only where its httpx package is loaded, and that package's own Request and
Response are what its generators are given. What they changed on the request is then carried over to ours. A request
of their own making (for a token) becomes a SubRequest.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .carrying import Snapshot, sent_fields
from .errors import AuthError
from .field_text import octets
from .flows import AsyncFlow, Auth, Flow, Outgoing, Request, Response, SubRequest, advance, advance_async, body_bytes


def httpx_package(auth: object) -> ModuleType | None:
    """Return the httpx package (or a fork of it) whose Auth auth derives from, None where there is none."""
    for base in type(auth).__mro__:
        package = sys.modules.get(base.__module__.partition(".")[0])
        if base.__name__ == "Auth" and hasattr(base, "async_auth_flow") and hasattr(package, "AsyncByteStream"):
            return package
    return None


class HttpxAuth(Auth):
    """An httpx Auth object.

    Its async_auth_flow is run where it is its own. Else its auth_flow is, which does no I/O. A sync_auth_flow is run
    only where it is all that the object has.
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
        """Say whether the object has an asynchronous flow of its own."""
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
        """Run the object's asynchronous generator, which wraps the plain one where it has none of its own."""
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
    """One run of a flow: our request and the httpx request that stands for it."""

    def __init__(self, auth: HttpxAuth, package: ModuleType, request: Request) -> None:
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
        """Return our request where the flow sends the one it was given, else a sub-request."""
        if sending is self.original:
            self._before.carry_over(sending, self._request)
            return self._request
        fields = tuple((name, value) for name, value in sending.headers.multi_items() if name != "host")
        return SubRequest(sending.method, str(sending.url), fields, sending.read())

    def response(self, response: Response, sending: Any) -> Any:
        """Return the httpx response that stands for one of ours."""
        is_read = self._wants_content or sending is not self.original or response.status_code in (401, 407)
        # The content is decoded, so the coding may not be announced to httpx once more.
        every = response.headers.items()
        fields = [(name, octets(value)) for name, value in every if name.lower() != "content-encoding"]
        return self._package.Response(
            response.status_code, headers=fields, content=response.content if is_read else b"", request=sending
        )
