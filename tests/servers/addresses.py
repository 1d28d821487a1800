"""The address of a test server, and ports without a server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hookline_testing.server.addresses import listening_socket, origin

__all__ = ["Site", "black_hole", "free_ports", "listening_socket", "origin", "refused_port"]


@dataclass(frozen=True, slots=True)
class Site:
    """The address of a running server; `url("/path")` makes a URL on it."""

    port: int
    scheme: str = "http"
    host: str = "127.0.0.1"
    # The folder with configuration, logs and documents, where the server is a program of its own.
    directory: Path = field(default_factory=Path)

    @property
    def origin(self) -> str:
        """Return scheme, host and port, without a slash at the end."""
        return origin(self.scheme, self.host, self.port)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the URL of `path`; `host` replaces the host by another name of it, such as `localhost`."""
        return origin(self.scheme, host or self.host, self.port) + path


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return different ports that were free a moment ago; a caller must try others if one is taken meanwhile."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(listening_socket(host)) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]


@contextlib.contextmanager
def refused_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port at which a connect is refused; it is bound meanwhile, so no other process can take it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.bind((host, 0))
        yield int(bound.getsockname()[1])


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Yield a port (this one, or a free one) at which a connect neither succeeds nor fails: the queue of its listener is full.

    Linux drops the first packet of a connect to a full queue, and the client repeats it after one second.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listening_socket(host, port=port, backlog=0))
        address = listener.getsockname()
        # A queue of length 0 holds one connection; the second shows that it is full.
        for _ in range(4):
            client = stack.enter_context(socket.socket(listener.family, socket.SOCK_STREAM))
            client.settimeout(0.1)
            try:
                client.connect(address)
            except TimeoutError:
                yield int(address[1])
                return
        raise OSError("The queue of the listener did not fill; this kernel cannot show a connect that hangs.")
