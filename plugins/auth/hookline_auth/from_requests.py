"""Run authentication objects that were written for requests: subclasses of its AuthBase.

Nothing is imported: such an object exists only if its requests package is loaded already. It gets that package's own
PreparedRequest and Response, and what it changes is carried over to our request.

A response hook may send one more request with `response.connection.send(...)`, as requests' own Digest does. Our `send`
does not return: it raises an exception through the hook, with the request, which the flow sends next. The rest of the hook
does not run, so schemes that send twice in one hook (NTLM) do not work.
"""

from __future__ import annotations

import sys
from io import BytesIO
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from .auth import Auth
from .foreign_request import Snapshot, join_by_name, sent_fields

if TYPE_CHECKING:
    from .auth import Flow
    from .interfaces import Request, Response

_SEND_ARGUMENTS: dict[str, Any] = {"timeout": None, "verify": True, "cert": None, "proxies": {}, "stream": False}


def requests_package(auth: object) -> ModuleType | None:
    """Return the requests package, or a vendored copy, whose AuthBase is a base class of auth's class; None if there is none."""
    for base in type(auth).__mro__:
        package, _, module = base.__module__.rpartition(".")
        if base.__name__ == "AuthBase" and module == "auth" and hasattr(sys.modules.get(package), "PreparedRequest"):
            return sys.modules[package]
    return None


class AuthFromRequests(Auth):
    """An AuthBase object of requests: it is called with a prepared request, on which it may register response hooks."""

    def __init__(self, auth: Any, package: ModuleType) -> None:
        self._auth = auth
        self._package = package

    def flow(self, request: Request) -> Flow:
        """Let the object change the request, then call the hooks that it registered with the response."""
        prepared = self._prepared(request)
        before = Snapshot.of(prepared)
        prepared = self._auth(prepared)
        self._carry_over(before, prepared, request)
        response = yield request
        for hook in list(prepared.hooks.get("response", ())):
            foreign = self._response(response, prepared)
            try:
                hook(foreign, **_SEND_ARGUMENTS)
            except _Resend as resend:
                prepared = resend.prepared
                self._carry_over(before, prepared, request)
                response = yield request

    def _carry_over(self, before: Snapshot, prepared: Any, request: Request) -> None:
        before.carry_over(prepared, request)
        body = prepared.body
        if body is not request.body and body != request.body:
            request.body = body.encode() if isinstance(body, str) else body
            request.headers.popall("Content-Length", None)  # counted anew when it is sent

    def _prepared(self, request: Request) -> Any:
        prepared = self._package.PreparedRequest()
        prepared.method = request.method
        prepared.url = request.url
        prepared.headers = self._package.structures.CaseInsensitiveDict(join_by_name(sent_fields(request)))
        prepared.body = request.body
        prepared.prepare_cookies({})
        return prepared

    def _response(self, response: Response, prepared: Any) -> Any:
        foreign = self._package.Response()
        foreign.status_code = response.status_code
        foreign.headers = self._package.structures.CaseInsensitiveDict(join_by_name(response.headers.items()))
        foreign.url = prepared.url
        foreign.request = prepared
        foreign.connection = _Connection()
        foreign.raw = BytesIO(response.content if response.status_code in (401, 407) else b"")
        return foreign

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._auth).__name__})"


class _Resend(BaseException):
    """Raised in a hook that sends a request. Not an Exception, because hooks may catch those."""

    def __init__(self, prepared: Any) -> None:
        super().__init__()
        self.prepared = prepared


class _Connection:
    """The `response.connection` of a hook's response."""

    def send(self, prepared: Any, **_: object) -> NoReturn:
        """Leave the hook with the request."""
        raise _Resend(prepared)
