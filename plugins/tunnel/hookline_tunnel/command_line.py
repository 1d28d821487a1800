"""The options of this plugin on the command line, and what `hookline doctor` shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .environment import EnvironmentProxies


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "-x",
        "--proxy",
        dest="proxies",
        type=all_schemes,
        metavar="URL",
        help="the proxy for this request: http, https or socks5",
    )
    options.add_argument(
        "--no-proxy", dest="proxies", action="store_const", const={}, help="no proxy, not even one of the environment"
    )


def all_schemes(url: str) -> dict[str, str]:
    """Return the value of `proxies=` for one proxy. Raises: TypeError, InvalidURL, which is a ValueError."""
    from .proxies import parse_proxies

    given = {"all": url}
    parse_proxies(given)
    return given


def diagnose(client: Any) -> Iterator[tuple[str, str]]:
    """Yield the proxies that the client takes from the environment; the command line hides their passwords."""
    proxies = client.proxies
    if not isinstance(proxies, EnvironmentProxies):
        return
    for key, (name, value) in proxies.variables.items():
        yield ("no proxy for" if key == "no" else f"proxy for {key}"), f"{value} ({name})"
    if not proxies.variables:
        yield "proxies", "none in the environment"
