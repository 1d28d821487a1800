"""The options that core itself has, and what it sends when nobody says otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from .declarations import Option
from .timeouts import Timeout, as_timeout
from .tls import as_cert, as_server_hostname, as_verify

KEEP_ALIVE = 15.0  # seconds that an idle connection is kept
POOL_SIZE = 10
DEFAULT_HTTP_HEADERS = (("Connection", "keep-alive"), ("Accept", "*/*"))

CREDENTIALS = frozenset({"authorization", "proxy-authorization"})
# Names that services use for tokens and keys, beside the credential fields that plugins declare.
SENSITIVE_HEADERS = frozenset({
    "api-key", "private-token", "x-access-token", "x-amz-security-token", "x-api-key", "x-auth-token", "x-csrf-token",
    "x-goog-api-key", "x-shopify-access-token", "x-vault-token",
})  # fmt: skip

# Given to one call they are meant for the origin that it names: a certificate says who the client is, and a host name
# or a socket says where that origin is.
ORIGIN_OPTIONS = ("cert", "server_hostname", "unix_socket")
# Those that change how an exchange goes, and not merely how long it may take, what connects it or what a plugin does.
EXCHANGE_OPTIONS = frozenset({"version", "stream", "timings", "max_body"})
CONNECTION_OPTIONS = frozenset({"verify", "cert", "server_hostname", "source_address", "unix_socket"})


def as_version(value: Any) -> str:
    """Raises: ValueError."""
    if value not in ("HTTP/1.1", "HTTP/1.0"):
        raise ValueError(f"version= takes 'HTTP/1.1' or 'HTTP/1.0', not {value!r}")
    return str(value)


def as_names(value: Iterable[str]) -> frozenset[str]:
    """Raises: TypeError."""
    if isinstance(value, str):
        raise TypeError("sensitive_headers= takes a list of names, not one string")
    return frozenset(name.lower() for name in value)


def as_size(value: Any) -> int:
    """Raises: TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_body= takes a number of bytes, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"max_body= takes 0 (no limit) or more, not {value}")
    return value


def as_callable(value: Any) -> Callable[..., Any]:
    """Raises: TypeError."""
    if not callable(value):
        raise TypeError(f"expected a callable, got {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # what it takes and gives shows when it is called


def as_source_address(value: Any) -> tuple[str, int]:
    """Raises: TypeError."""
    if isinstance(value, str):
        return (value, 0)
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int:
        return (value[0], value[1])
    raise TypeError("source_address= takes an IP address, or (address, port) with port 0 for any")


CORE_OPTIONS = (
    Option("version", "HTTP/1.1", convert=as_version, doc="HTTP/1.1 or HTTP/1.0"),
    Option("stream", False, convert=bool, doc="hand the response out at its head; the caller reads the body"),
    Option("timeout", Timeout(), convert=as_timeout, doc="seconds for the whole call, or a Timeout"),
    Option("timings", False, convert=bool, doc="note when each step was over, in response.timings"),
    Option("max_body", 0, convert=as_size, doc="the most bytes of body that are taken, 0 = any"),
    Option("sensitive_headers", SENSITIVE_HEADERS, convert=as_names, doc="fields that never go to another origin"),
    Option("verify", True, convert=as_verify, doc="how to check the server's certificate"),
    Option("cert", None, convert=as_cert, doc="the client's certificate"),
    Option("server_hostname", None, convert=as_server_hostname, doc="the name to check in the certificate"),
    Option("source_address", None, convert=as_source_address, doc="an address, or (address, port), to connect from"),
    Option("unix_socket", None, convert=os.fspath, doc="the path of a socket to connect to"),
    Option("json_encoder", None, convert=as_callable, doc="callable(object): the str or bytes that json= sends"),
    Option("json_decoder", None, convert=as_callable, doc="callable(bytes or str): what response.json() gives"),
    Option("trust_env", True, request=False, convert=bool, doc="may plugins read the environment"),
)
