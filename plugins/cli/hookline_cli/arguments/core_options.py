"""The command-line names of core's own options, by the same means as those of plugins."""

from __future__ import annotations

import math
from typing import Any


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "--timeout", type=seconds, metavar="SECONDS", help="for the whole exchange, its body included (default: none)"
    )
    options.add_argument(
        "--verify", type=verify, metavar="yes|no|PATH", help="check the certificate, with the authorities of a file"
    )
    options.add_argument(
        "-k", "--insecure", "--no-verify", dest="verify", action="store_false", help="accept any certificate"
    )
    options.add_argument(
        "--cert",
        type=certificate,
        metavar="FILE[,KEY]",
        help="the client's certificate, and its key if that is in another file",
    )
    options.add_argument(
        "--server-hostname", metavar="NAME", help="the name to check in the certificate, in place of the URL's"
    )
    options.add_argument("--unix-socket", metavar="PATH", help="connect to this socket instead of the host")
    options.add_argument("--interface", dest="source_address", metavar="ADDRESS", help="the local address to use")
    options.add_argument(
        "--http1.0", dest="version", action="store_const", const="HTTP/1.0", help="send HTTP/1.0 instead of 1.1"
    )
    options.add_argument(
        "--http1.1", dest="version", action="store_const", const="HTTP/1.1", help="offer and speak HTTP/1.1 only"
    )
    options.add_argument("--max-body", type=int, metavar="BYTES", help="refuse a body of more bytes")
    options.add_argument(
        "--no-env", dest="trust_env", action="store_false", help="read no proxies and no netrc from the environment"
    )


def seconds(text: str) -> float:
    """Convert a number of seconds. Raises: ValueError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"expected a number of seconds above 0, got {text!r}")
    return value


def verify(text: str) -> bool | str:
    """Convert the value of `--verify`: yes, no, or the path of authorities."""
    return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)


def certificate(text: str) -> str | tuple[str, str]:
    """Convert the value of `--cert`."""
    path, comma, key = text.partition(",")
    return (path, key) if comma else path
