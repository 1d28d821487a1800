"""Digest authentication: prove knowledge of a password without sending it (RFC 7616, and RFC 2069 servers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .auth import Auth

if TYPE_CHECKING:
    from .auth import Flow
    from .interfaces import Request
    from .protection_spaces import ProtectionSpaces


class HTTPDigestAuth(Auth):
    """Answer Digest challenges with username and password.

    The first request is sent without credentials. Once a nonce is known, a request to its protection space takes one round
    trip. A client remembers the nonces, and shares them between objects with the same username, password and settings.

    encoding: for servers that do not announce UTF-8. verify_server: True raises ServerNotVerified if a 2xx response to
    an answer lacks the proof that the server knows the password, or any other response has a wrong proof; servers such
    as Apache leave the proof out of redirects and errors. Every response is then read whole before the caller gets it,
    because with auth-int the proof covers the body (without its content coding).

    Raises:
        TypeError: username or password is not a str.
        ValueError: they hold control characters, or do not fit the encoding.

    Example: docs/auth.md#authentication
    """

    def __init__(self, username: str, password: str, *, encoding: str = "utf-8", verify_server: bool = False) -> None:
        from .credentials import Credentials  # imported here, because most clients have no credentials

        self.credentials = Credentials(username, password, encoding)
        self.verify_server = self.requires_response_body = verify_server
        self._protection_spaces: ProtectionSpaces | None = None

    @property
    def username(self) -> str:
        """The username.

        Example::

            from hookline_auth import HTTPDigestAuth

            auth = HTTPDigestAuth("user", "secret")
            print(auth.username, auth.password, auth.fresh_copy() == auth)
            print(auth.protection_spaces is auth.fresh_copy().protection_spaces)
        """
        return self.credentials.username

    @property
    def password(self) -> str:
        """The password."""
        return self.credentials.password

    @property
    def protection_spaces(self) -> ProtectionSpaces:
        """The nonces that are known, and for which URLs."""
        if self._protection_spaces is None:
            from .protection_spaces import ProtectionSpaces  # imported here, because few clients meet a challenge

            self._protection_spaces = ProtectionSpaces()
        return self._protection_spaces

    def flow(self, request: Request) -> Flow:
        """Answer the challenges of the origin of the request's URL; a challenge of another origin is not answered.

        Example::

            from hookline import HttpClient
            from hookline_auth import HTTPDigestAuth

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/")
            flow = HTTPDigestAuth("user", "secret").flow(request)
            print(next(flow) is request)  # sent without credentials, until there is a challenge
        """
        from .digest_flow import ORIGIN, digest_flow
        from .url_parts import origin, request_target

        return digest_flow(self, request, ORIGIN, origin(request.url), request_target(request.url))

    def fresh_copy(self) -> HTTPDigestAuth:
        """Return an equal object that knows no nonce."""
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
