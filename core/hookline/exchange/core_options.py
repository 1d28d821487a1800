"""The options and parameters that core itself has, their checks, and the default fields."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..errors import InvalidURL
from ..hooks.declarations import Option
from ..messages.fields import check_value
from ..messages.params import as_params
from ..messages.timeout import Timeout, as_timeout
from ..messages.url import as_url, split_url
from ..network.tls import as_cert, as_path, as_server_hostname, as_verify

KEEP_ALIVE = 15.0  # seconds that an idle connection is kept, unless the client says otherwise
POOL_SIZE = 10  # connections to one route at most, unless the client says otherwise; pulsar's default
VERSIONS = ("HTTP/1.1", "HTTP/1.0")
DEFAULT_HTTP_HEADERS = (("Connection", "keep-alive"), ("Accept", "*/*"))

CREDENTIALS = frozenset({"authorization", "proxy-authorization"})
# Field names that services use for tokens and keys; plugins declare the credential fields that they use.
SENSITIVE_HEADERS = frozenset({
    "api-key", "private-token", "x-access-token", "x-amz-security-token", "x-api-key", "x-auth-token", "x-csrf-token",
    "x-goog-api-key", "x-shopify-access-token", "x-vault-token",
})  # fmt: skip

# If one call is given these, they are for the origin of its URL alone, and follow-ups to other origins drop them: a
# certificate says who the client is, and a host name or a socket says where that origin is.
ORIGIN_OPTIONS = ("cert", "server_hostname", "unix_socket")
# An exchange with one of these leaves the fast path, as with parts of `timeout`. The others change only the connection, a
# conversion, or what a plugin does.
EXCHANGE_OPTIONS = frozenset({"version", "stream", "timings", "max_body"})
# A value of exactly this class is what the conversion of the option returns: it is taken as it is.
CONVERTED: dict[str, type] = {"timeout": Timeout}
# A request with one of these may not use the pool that its origin has for the client's own values.
CONNECTION_OPTIONS = frozenset({"version", "verify", "cert", "server_hostname", "source_address", "unix_socket"})


def as_wanted(name: str, wanted: str, is_wanted: Callable[[Any], bool], default: Any, value: Any) -> Any:
    """Return the value of a keyword if it is of the wanted kind; the default for None. wanted: the kind, for the message.

    Raises: TypeError.
    """
    if value is None:
        return default
    if not is_wanted(value):
        raise TypeError(f"{name}= takes {wanted}, not {type(value).__name__}")
    return value


def as_number(name: str, wanted: str, least: int, kinds: Any, default: Any, value: Any) -> Any:
    """Return the value of a keyword if it is a number from `least` up; the default for None.

    wanted: the numbers that it takes, for messages. kinds: int, or int | float.

    Raises: TypeError, ValueError.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{name}= takes a number ({wanted}) or None, not {type(value).__name__}")
    if not value >= least:
        raise ValueError(f"{name}= takes {wanted}, not {value}")
    return value


def as_version(value: Any) -> str:
    """Check `version=`: "HTTP/1.1" or "HTTP/1.0".

    Raises: ValueError.
    """
    if value not in VERSIONS:
        raise ValueError(f"version= takes 'HTTP/1.1' or 'HTTP/1.0', not {value!r}")
    return str(value)


def as_field_names(value: Any) -> frozenset[str]:
    """Return the field names of `sensitive_headers=` in lower case.

    Raises: TypeError.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"sensitive_headers= takes a list of names, not {type(value).__name__}")
    names = list(value)
    if not all(isinstance(name, str) for name in names):
        raise TypeError("sensitive_headers= takes names that are str")
    return frozenset(name.lower() for name in names)


def as_source_address(value: Any) -> tuple[str, int]:
    """Return `source_address=` as (address, port); port 0 = any.

    Raises: TypeError.
    """
    if isinstance(value, str) and value:
        return (value, 0)
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int:
        return (value[0], value[1])
    raise TypeError("source_address= takes an IP address, or (address, port) with port 0 for any")


def as_callable(value: Any) -> Callable[..., Any]:
    """Check a value that must be callable.

    Raises: TypeError.
    """
    if not callable(value):
        raise TypeError(f"expected a callable, got {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # its parameters and results show when it is called


as_max_body = partial(as_number, "max_body", "0 (no limit) or more bytes", 0, int, 0)

CORE_OPTIONS = (
    Option("version", "HTTP/1.1", convert=as_version, doc="HTTP/1.1 or HTTP/1.0"),
    Option("stream", False, convert=bool, doc="hand the response out at its head; the caller reads the body"),
    Option(
        "timeout",
        Timeout(),
        convert=as_timeout,
        doc="seconds for the whole call, or a Timeout",
        expected="seconds for the whole call, or a Timeout",
    ),
    Option("timings", False, convert=bool, doc="note when each step ended, in response.timings"),
    Option("max_body", 0, convert=as_max_body, doc="the most bytes that a body may have, 0 = any number"),
    Option(
        "sensitive_headers", SENSITIVE_HEADERS, convert=as_field_names, doc="fields that never go to another origin"
    ),
    Option("verify", True, convert=as_verify, doc="how to check the server's certificate"),
    Option(
        "cert",
        None,
        convert=as_cert,
        doc="the client's certificate",
        expected="a path, (certificate, key) or (certificate, key, password)",
    ),
    Option("server_hostname", None, convert=as_server_hostname, doc="the name to check in the certificate"),
    Option("source_address", None, convert=as_source_address, doc="an address, or (address, port), to connect from"),
    Option(
        "unix_socket",
        None,
        convert=partial(as_path, "unix_socket"),
        doc="the path of a socket to connect to",
        expected="the path of a socket",
    ),
    Option(
        "json_encoder",
        None,
        convert=as_callable,
        doc="callable(object): the str or bytes that json= sends",
        expected="a callable(object)",
    ),
    Option(
        "json_decoder",
        None,
        convert=as_callable,
        doc="callable(bytes or str): what response.json() returns",
        expected="a callable(bytes or str)",
    ),
    Option("trust_env", True, request=False, convert=bool, doc="may plugins read the environment"),
)


def as_base_url(value: Any) -> Any:
    """Check `base_url=`: an absolute URL; None = there is none.

    Raises: TypeError, InvalidURL.
    """
    if value is not None:
        from ..messages.url_syntax import resolve_reference

        try:
            split_url(resolve_reference(as_url("base_url", value), ""))
        except InvalidURL as error:
            raise InvalidURL(f"base_url= {error}") from None
    return value


def as_client_version(value: Any) -> str:
    """Check `client_version=`, the value of User-Agent; None = the default.

    Raises: TypeError, LocalProtocolError.
    """
    text = as_wanted("client_version", "a str", lambda given: isinstance(given, str), "", value)
    return check_value("client_version", text)


def is_loop(value: Any) -> bool:
    """Say whether it is an event loop of asyncio."""
    return isinstance(value, asyncio.AbstractEventLoop)


def is_logger(value: Any) -> bool:
    """Say whether it logs warnings as a logging.Logger does."""
    return callable(getattr(value, "warning", None))


as_loop = partial(as_wanted, "loop", "an event loop of asyncio", is_loop, None)
as_max_connections = partial(as_number, "max_connections", "1 or more", 1, int, None)
# The parameters of a client that are no options, with the check of each. Values that are set later go through it too.
PARAMETERS: dict[str, Callable[[Any], Any]] = {
    "base_url": as_base_url,
    "params": as_params,
    "pool_size": partial(as_number, "pool_size", "1 or more", 1, int, POOL_SIZE),
    "keep_alive": partial(as_number, "keep_alive", "0 or more seconds", 0, int | float, KEEP_ALIVE),
    "resolver": partial(as_wanted, "resolver", "an async function (host, port) -> addresses", callable, None),
    "parser": partial(as_wanted, "parser", "a function (loop) -> Connection", callable, None),
    "client_version": as_client_version,
    "logger": partial(as_wanted, "logger", "a logging.Logger", is_logger, logging.getLogger("hookline")),
}
