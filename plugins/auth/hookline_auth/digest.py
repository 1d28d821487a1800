"""Digest: prove knowledge of a password without sending it (RFC 7616, and RFC 2069 servers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .flows import Auth, Flow, Request

if TYPE_CHECKING:
    from .digest_spaces import Spaces


class HTTPDigestAuth(Auth):
    """Answer Digest challenges with username and password.

    The first request goes without; once a nonce is known, its protection space is answered in one round trip. A client
    remembers the nonces; for it, objects with the same username, password and settings are one.

    encoding is for servers that do not announce UTF-8. verify_server=True raises ServerNotVerified where a 2xx response
    to an answer does not prove in turn that the server knows the password, or any other gives a wrong proof: servers
    (Apache) leave it out of redirects and errors. Each response is read before it is handed out then, because with
    auth-int the proof covers the body (without a content coding).

    Raises:
        TypeError: username or password is no str.
        ValueError: they hold control characters, or do not fit the encoding.
    """

    def __init__(self, username: str, password: str, *, encoding: str = "utf-8", verify_server: bool = False) -> None:
        from .credentials import Credentials  # as in basic

        self.credentials = Credentials(username, password, encoding)
        self.verify_server = self.requires_response_body = verify_server
        self._spaces: Spaces | None = None

    @property
    def username(self) -> str:
        return self.credentials.username

    @property
    def password(self) -> str:
        return self.credentials.password

    @property
    def spaces(self) -> Spaces:
        """Which nonces to answer with, and where."""
        if self._spaces is None:
            from .digest_spaces import Spaces  # here, because a client that meets no challenge needs none of it

            self._spaces = Spaces()
        return self._spaces

    def flow(self, request: Request) -> Flow:
        """Answer the origin of the request's URL; a challenge that came from another one is left alone."""
        from .digest_flow import ORIGIN, conversation
        from .targets import origin, request_target

        return conversation(self, request, ORIGIN, origin(request.url), request_target(request.url))

    def twin(self) -> HTTPDigestAuth:
        """Return an object like this one that has met no challenge."""
        return HTTPDigestAuth(
            self.username, self.password, encoding=self.credentials.encoding, verify_server=self.verify_server
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HTTPDigestAuth) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return type(self), self.credentials, self.verify_server

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"
