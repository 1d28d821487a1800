"""The settings of one call of requests, as options of Hookline: timeouts, TLS, proxies."""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from typing import Any

from requests.exceptions import InvalidProxyURL, InvalidSchema
from requests.utils import DEFAULT_CA_BUNDLE_PATH, prepend_scheme_if_needed
from urllib3.exceptions import InsecureRequestWarning, LocationParseError
from urllib3.util import Timeout as Urllib3Timeout
from urllib3.util import parse_url

from hookline import Timeout

PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def as_timeout(timeout: Any) -> Timeout:
    """Convert `timeout=` of requests: seconds, a pair (connect, read), a Timeout of urllib3, or None for no limit.

    What stands for reading limits each wait while the body of the request is written, too.

    Raises: ValueError, for anything else, and for numbers from 0 down.
    """
    if isinstance(timeout, Urllib3Timeout):
        own = timeout.clone()
        own.start_connect()
        return _timeout(_seconds(own.connect_timeout), _seconds(own.read_timeout), _seconds(own.total))
    if isinstance(timeout, tuple):
        try:
            connect, read = timeout
        except ValueError:
            raise ValueError(
                f"Invalid timeout {timeout}. Pass a (connect, read) timeout tuple, or a single float to set both timeouts"
                " to the same value."
            ) from None
        return _timeout(connect, read)
    if timeout is None or isinstance(timeout, (int, float)):
        return _timeout(timeout, timeout)
    raise ValueError(
        f"Timeout value must be an int, float or None, a pair or urllib3's Timeout, but it was {timeout!r}"
    )


def _seconds(value: Any) -> float | None:
    """Return a limit of urllib3; None where it leaves the limit to the default, which is none."""
    return value if isinstance(value, (int, float)) else None


@lru_cache(64, typed=True)
def _timeout(connect: Any, read: Any, total: Any = None) -> Timeout:
    """Return the timeout; the last few are remembered, since programs give the same one again and again."""
    Urllib3Timeout(connect=connect, read=read, total=total)  # its checks, with its messages
    return Timeout(total, connect=connect, read=read, write=read)


def tls_options(verify: Any, cert: Any, peer: Any, *, has_default: bool) -> dict[str, Any]:
    """Convert `verify=` and `cert=` of requests.

    verify: True = the authorities that requests trusts (those of certifi); False = check nothing, with urllib3's warning; a path.
    peer: a Peer, for the warning. has_default: True = the client's own setting stands for True.

    Raises: OSError, for files that do not exist.
    """
    options: dict[str, Any] = {}
    if verify is True and has_default:
        pass
    elif verify:
        place = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
        if isinstance(place, (str, os.PathLike)) and not os.path.exists(place):
            raise OSError(f"Could not find a suitable TLS CA certificate bundle, invalid path: {os.fspath(place)}")
        options["verify"] = place
    else:
        warnings.warn(
            f"Unverified HTTPS request is being made to host {peer.host!r}. Adding certificate verification is strongly advised.",
            InsecureRequestWarning,
            stacklevel=5,  # where urllib3's warning points as well: into requests
        )
        options["verify"] = False
    if cert:
        files = (cert,) if isinstance(cert, (str, os.PathLike)) else cert
        for kind, path in zip(("certificate", "key"), files, strict=False):
            if path and not os.path.exists(path):
                raise OSError(f"Could not find the TLS {kind} file, invalid path: {path}")
        options["cert"] = cert
    return options


def as_proxy(proxy: str) -> str:
    """Check the URL of a proxy that requests has selected, and return it with a scheme.

    Raises: InvalidProxyURL, InvalidSchema.
    """
    try:
        url = prepend_scheme_if_needed(proxy, "http")
        parts = parse_url(url)
    except LocationParseError:
        raise InvalidProxyURL(
            "Please check proxy URL. It is malformed."
        ) from None  # the cause shows it, with its password
    if not parts.host:
        raise InvalidProxyURL("Please check proxy URL. It is malformed and could be missing the host.")
    if parts.scheme not in PROXY_SCHEMES:
        raise InvalidSchema(
            f"Proxy URL had unsupported scheme {parts.scheme}; expected one of {', '.join(PROXY_SCHEMES)}"
        )
    return url
