"""Where a test server listens, and ports at which nobody answers."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Site:
    """A server that runs: `url("/path")` names something on it."""

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


def origin(scheme: str, host: str, port: int) -> str:
    """Return `scheme://host:port`, an IPv6 address in brackets."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return different ports that were free a moment ago; whoever uses them must be ready to try others."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(listening_socket(host)) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]


def listening_socket(
    host: str = "127.0.0.1", *, port: int = 0, backlog: int = 1024, receive_buffer: int | None = None
) -> socket.socket:
    """Return a socket that listens on `port` of `host`, 0 = a free one; accepted ones get `receive_buffer` bytes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if receive_buffer is not None:
            # Only before listen() does it bound the window that the peer is offered (tcp(7)).
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def refused_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port at which a connect is refused; it is bound meanwhile, so nobody else can take it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.bind((host, 0))
        yield int(bound.getsockname()[1])


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Yield the port, a free one for 0, at which a connect neither succeeds nor fails: the queue of its listener is full.

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
