"""Basic authentication: username and password with every request (RFC 7617)."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from .auth import Auth
from .messages import set_field

if TYPE_CHECKING:
    from .auth import Flow
    from .credentials import Credentials
    from .interfaces import Request


def basic_value(credentials: Credentials, announces_utf8: bool = False) -> str:
    """Return the value of Authorization or Proxy-Authorization.

    announces_utf8: the server's challenge has charset="UTF-8", which overrules the encoding of the credentials.

    Raises:
        ValueError: the username holds a colon: the server would take what follows for a part of the password
            (RFC 7617 section 2).
    """
    if ":" in credentials.username:
        raise ValueError("username: Basic authentication cannot carry a colon in it")
    username, password = credentials.octets(announces_utf8)
    return "Basic " + b64encode(username + b":" + password).decode("ascii")


class HTTPBasicAuth(Auth):
    """Send username and password with each request, without waiting for a challenge.

    They are sent as UTF-8; encoding="latin-1" is for servers from before RFC 7617.

    Raises:
        TypeError: username or password is not a str.
        ValueError: they hold control characters, the username holds a colon, or they do not fit the encoding.

    Example: docs/auth.md#authentication
    """

    wants_response = False

    def __init__(self, username: str, password: str, *, encoding: str = "utf-8") -> None:
        from .credentials import Credentials  # imported here, because most clients have no credentials

        self.credentials = Credentials(username, password, encoding)
        self.value = basic_value(self.credentials)

    @property
    def username(self) -> str:
        """The username.

        Example::

            from hookline_auth import HTTPBasicAuth

            auth = HTTPBasicAuth("user", "secret")
            print(auth.username, auth.password, auth)
        """
        return self.credentials.username

    @property
    def password(self) -> str:
        """The password."""
        return self.credentials.password

    def flow(self, request: Request) -> Flow:
        """Add the credentials.

        Example::

            from hookline import HttpClient
            from hookline_auth import HTTPBasicAuth

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/")
            for outgoing in HTTPBasicAuth("user", "secret").flow(request):
                print(outgoing.has_header("Authorization"))
        """
        set_field(request, "Authorization", self.value)
        yield request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HTTPBasicAuth) and self.credentials == other.credentials

    def __hash__(self) -> int:
        return hash((HTTPBasicAuth, self.credentials))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def from_userinfo(userinfo: str) -> HTTPBasicAuth | None:
    """Return the credentials that stand before the @ of a URL, percent-encoded; None if both parts are empty.

    Octets that are not UTF-8 are sent as they are.

    Raises:
        ValueError: the userinfo holds control characters, or the username a colon.
    """
    name, _, word = userinfo.partition(":")
    username, password = unquote_to_bytes(name), unquote_to_bytes(word)
    if not username and not password:
        return None
    try:
        words = username.decode(), password.decode(), "utf-8"
    except UnicodeDecodeError:  # it holds the password, so no error of HTTPBasicAuth may be chained to it
        words = username.decode("latin-1"), password.decode("latin-1"), "latin-1"
    return HTTPBasicAuth(words[0], words[1], encoding=words[2])
