"""Proxies from the environment: HTTP_PROXY and its kin, in lower and in upper case."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookline import InvalidURL

from .exemptions import Exemptions, own_names, split_entries
from .proxies import SCHEMES, Origin, Proxies, keys_for

if TYPE_CHECKING:
    from .hop import Hop

logger = logging.getLogger("hookline")


def variables(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """For each key, the name and the value of the variable that counts.

    The lower case goes before the upper, and an empty value switches off, as in urllib and curl. Where REQUEST_METHOD
    says that this is a CGI script, HTTP_PROXY is not read: it is the request's own field Proxy (CVE-2016-1000110).
    """
    found = {}
    environ = dict(environ)  # on Windows os.environ takes either case for the other
    for key in (*SCHEMES, "no"):
        names = [f"{key}_proxy", f"{key}_proxy".upper()]
        if key == "http" and "REQUEST_METHOD" in environ:
            names.pop()
        name = next((name for name in names if name in environ), None)
        if name is not None and environ[name].strip():
            found[key] = (name, environ[name].strip())
    return found


class Environment(Proxies):
    """What the environment said when the client was made. A variable is judged when a request would use it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.variables = variables(environ)
        super().__init__({}, Exemptions())
        self.is_empty = not self.variables.keys() - {"no"}
        self._is_read = False

    def choose(self, origin: Origin) -> Hop | None:
        """See `Proxies.choose`."""
        key = next((key for key in keys_for(origin) if key in self.variables), None)
        if key is None:
            return None
        if not self._is_read:
            self.exempt = self._exempt()
            self._is_read = True
        if self.exempt.cover(origin[1], origin[2]):
            return None
        from .hop import hop_of

        name, value = self.variables[key]
        try:
            return hop_of(value)
        except InvalidURL as error:
            raise InvalidURL(f"{name} in the environment: {error}") from None

    def _exempt(self) -> Exemptions:
        """What NO_PROXY says. It serves other programs too, which write there what we cannot read: that is passed over."""
        if "no" not in self.variables:
            return own_names()
        name, value = self.variables["no"]
        made = Exemptions()
        for entry in split_entries(value):
            try:
                made.add(entry)
            except InvalidURL as error:
                logger.warning("%s in the environment: passed over: %s", name, error)
        return made

    def __repr__(self) -> str:
        return f"<proxies from the environment: {', '.join(name for name, _ in self.variables.values()) or 'none'}>"
