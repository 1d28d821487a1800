"""One request: what is asked for, of whom, with which fields and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from multidict import CIMultiDict

from ..errors import BodyNotRepeatable
from ..messages import fields
from ..messages.body_gate import Gate
from ..messages.request_body import Source
from .core_options import ORIGIN_OPTIONS
from .request_lines import RequestLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .response import HttpResponse

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110, section 9.2.2


class HttpRequest(RequestLines):
    """See the module. Made by a client; each client has its own subclass, whose class attributes are the options.

    cause: why it is sent: "call", or what a plugin says of its follow-up ("redirect", "auth", …) or sub-request ("connect", …).
    parent: the request for whose sake a sub-request is sent, else None.
    """

    __slots__ = ()

    def hold_body(self, seconds: float | None = None) -> Gate:
        """Send the head alone, and the body when the gate is opened.

        seconds: open it by itself after so long; None = when somebody does.
        """
        if self.gate is None:
            self.gate = Gate(seconds)
        return self.gate

    @property
    def can_be_sent(self) -> bool:
        """Is its body still there? Not where it can be read once only, and was; `copy` raises BodyNotRepeatable then."""
        return not isinstance(self.body, Source) or self.body.can_be_sent

    @property
    def may_repeat(self) -> bool:
        """May it be sent once more when a connection died that had said nothing (RFC 9110, section 9.2.2)?"""
        return self.method in IDEMPOTENT and self.can_be_sent

    # -- copies

    def copy(
        self, *, url: str | None = None, method: str | None = None, cause: str | None = None, **changes: Any
    ) -> Self:
        """A request like this one, without `unredirected_headers`, to answer post_request with.

        To another origin it drops, for good: Host, all fields that are declared to carry credentials,
        `sensitive_headers`, and `cert`, `server_hostname` and `unix_socket` where the call gave them. Those of the
        client stay: they are for whatever it connects to.

        changes: `headers` (they replace those of this request), `body` (bytes or None), options.

        Raises: BodyNotRepeatable; TypeError, for an unknown option.
        """
        new = type(self)(self.profile, self.method if method is None else fields.check_method(method), self.where)
        new.__dict__.update(self.__dict__)
        new.__dict__.pop("connected", None)
        if url is not None:
            new.where = self.profile.locate(url)
        new.cause = self.cause if cause is None else cause
        new.is_bare = False
        new.is_special = self.is_special
        new.parent = self.parent
        new.call, new.deadline = self.call, self.deadline
        if new.where.origin.key != self.where.origin.key:
            for name in ORIGIN_OPTIONS:
                new.__dict__.pop(name, None)
        new._is_direct = not any(name in new.__dict__ for name in self.profile.connection_options)
        if self._headers is not None:
            new._headers = self._headers.copy()
        new._given, new._extra, new.content_type = self._given, self._extra, self.content_type
        if "headers" in changes:
            new._headers = CIMultiDict(changes.pop("headers"))
        body = changes.pop("body", self.body)
        if isinstance(body, Source) and not body.can_be_sent:
            raise BodyNotRepeatable(
                f"{new.method} {new.where.origin}: its body can be read once only, and was; give bytes, or an iterable"
                " that can be read again",
                request=self,
            )
        new.body = body
        if body is None:
            new.content_type = None
        self.profile.apply_options(new, changes, "HttpRequest.copy")
        if new.where.origin.key != self.where.origin.key:
            new._drop_secrets()
        return new

    def follow(self, url: str, *, cause: str, **changes: Any) -> Self:
        """A follow-up to a URL that the peer named: a copy, without the userinfo of that URL.

        Raises: BodyNotRepeatable, InvalidURL.
        """
        new = self.copy(url=url, cause=cause, **changes)
        same = new.where.origin.key == self.where.origin.key
        new.where = new.where.with_userinfo(self.where.userinfo if same else None)
        return new

    def _drop_secrets(self) -> None:
        """At the border of an origin: all fields that may carry a credential, all of several, and Host."""
        headers = self.headers
        for name in ("host", *self.profile.credentials, *self.sensitive_headers):
            headers.popall(name, None)
        self._given, self._extra = None, ""

    # -- what urllib calls it

    @property
    def history(self) -> list[HttpResponse]:
        """The responses that led here, oldest first."""
        return [] if self._history is None else list(self._history)

    @property
    def has_left_origin(self) -> bool:
        """Was the call at another origin before? What was given for it goes nowhere else, nor back from there."""
        here = self.where.origin.key
        return any(earlier.request.where.origin.key != here for earlier in self._history or ())

    def is_overruled(self, option: str, header_name: str) -> bool:
        """Did the user give this request a field, and the option that a plugin makes that field from only to the client?"""
        return option not in self.__dict__ and self.has_header(header_name)

    def follow_history(self, history: Sequence[HttpResponse]) -> None:
        """Say which responses led here."""
        self._history = list(history)

    def owner(self, option: str) -> str | None:
        """The plugin that took the value of a shared option; None when nobody gave one."""
        owners: dict[str, str | None] = self.__dict__.get("option_owners") or {}
        if option in owners:
            return owners[option]
        if option in self.__dict__:  # the only owner is not written down at each request
            return None if self.__dict__[option] is None else self.profile.table.keywords[option].owners[0][0]
        return self.profile.client_owners.get(option)

    def get_full_url(self) -> str:
        """The URL, as http.cookiejar asks for it."""
        return self.url

    @property
    def type(self) -> str:
        """The scheme of the URL."""
        return self.where.origin.scheme

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self.where.origin.host

    @property
    def origin_req_host(self) -> str:
        """The host of the request that the user made."""
        first = self._history[0].request if self._history else self
        return first.where.origin.host

    @property
    def unverifiable(self) -> bool:
        """Did the user not choose the URL (RFC 2965)?"""
        return bool(self._history)

    @property
    def ssl(self) -> Any:
        """The TLS context of its connection; None for plain HTTP, or where another route decides."""
        tls = getattr(self.route, "tls", None)
        return None if tls is None else self.client.contexts.get(tls)

    def __reduce__(self) -> Any:
        """Copies and pickles are snapshots, which belong to no client."""
        from ..client.snapshot import reduced  # here, because few do that

        return reduced(self)

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self.where.origin}{self.where.target.partition('?')[0]}>"
