"""Proxies from the environment variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and so on, in lower and in upper case."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookline import InvalidURL

from .no_proxy import NoProxy, default_no_proxy, split_entries
from .proxies import SCHEMES, Origin, Proxies, keys_for

if TYPE_CHECKING:
    from .proxy import Proxy

logger = logging.getLogger("hookline")


def read_variables(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return, for each key of `proxies=`, the name and the value of the variable that sets it.

    Lower case takes precedence over upper case, and an empty value switches a proxy off, as in urllib and curl. HTTP_PROXY
    is ignored if REQUEST_METHOD is set, as in a CGI script: there it is the field Proxy of the incoming request
    (CVE-2016-1000110).
    """
    found = {}
    present = frozenset(environ)  # os.environ on Windows ignores case
    for key in (*SCHEMES, "no"):
        names = [f"{key}_proxy", f"{key}_proxy".upper()]
        if key == "http" and "REQUEST_METHOD" in present:
            names.pop()
        name = next((name for name in names if name in present), None)
        if name is not None and environ[name].strip():
            found[key] = (name, environ[name].strip())
    return found


class EnvironmentProxies(Proxies):
    """The proxies that the environment named when the client was made.

    A variable is parsed, and a wrong value is an error, only when a request needs it.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.variables = read_variables(environ)
        super().__init__({}, NoProxy())
        self.is_empty = not self.variables.keys() - {"no"}
        self._has_no_proxy = False  # NO_PROXY was parsed

    def choose(self, origin: Origin) -> Proxy | None:
        """Return the proxy for an origin (see `Proxies.choose`)."""
        key = next((key for key in keys_for(origin) if key in self.variables), None)
        if key is None:
            return None
        if not self._has_no_proxy:
            self.no_proxy = self._parse_no_proxy()
            self._has_no_proxy = True
        if self.no_proxy.matches(origin[1], origin[2]):
            return None
        from .proxy import parse_proxy  # here, because most clients have no proxy

        name, value = self.variables[key]
        try:
            return parse_proxy(value)
        except InvalidURL as error:
            raise InvalidURL(f"{name} in the environment: {error}") from None

    def _parse_no_proxy(self) -> NoProxy:
        """Return the hosts of NO_PROXY. Wrong entries are skipped with a warning: the variable serves other programs too."""
        if "no" not in self.variables:
            return default_no_proxy()
        name, value = self.variables["no"]
        hosts = NoProxy()
        for entry in split_entries(value):
            try:
                hosts.add(entry)
            except InvalidURL as error:
                logger.warning("%s in the environment: entry ignored: %s", name, error)
        return hosts

    def __repr__(self) -> str:
        return f"<proxies from the environment: {', '.join(name for name, _ in self.variables.values()) or 'none'}>"
