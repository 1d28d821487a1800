"""The socket that a server listens on, and the origin of its URLs."""

from __future__ import annotations

import socket


def origin(scheme: str, host: str, port: int) -> str:
    """Return `scheme://host:port`, an IPv6 address in brackets."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def listening_socket(
    host: str = "127.0.0.1", *, port: int = 0, backlog: int = 1024, receive_buffer: int | None = None
) -> socket.socket:
    """Return a socket that listens on `port` of `host`; 0 = a free port.

    receive_buffer: bytes of the receive buffer of each accepted socket, None = the kernel's default.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with the protocol, because asyncio sets TCP_NODELAY only on sockets that name it
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if receive_buffer is not None:
            # It limits the window that is offered to the peer only if it is set before listen() (tcp(7)).
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener
