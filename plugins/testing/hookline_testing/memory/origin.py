"""The origin that a client believes it connects to."""

from __future__ import annotations

from dataclasses import dataclass

from ..server.addresses import origin

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port (RFC 9110, section 4.3.1). host: an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return `scheme://host[:port]`, without the port if it is the scheme's default."""
        if DEFAULT_PORTS.get(self.scheme) == self.port:
            return f"{self.scheme}://[{self.host}]" if ":" in self.host else f"{self.scheme}://{self.host}"
        return origin(self.scheme, self.host, self.port)
