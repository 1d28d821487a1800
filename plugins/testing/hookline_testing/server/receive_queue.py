"""Ask Linux whether the peer of a connection on this machine has read what was sent to it.

An empty receive queue is no proof: a segment may still be on its way there. So two counters of the kernel are compared
first: the bytes that our socket has sent, and the bytes that the peer's socket has received.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys

# The messages of sock_diag(7), in the byte order of the machine except for ports and addresses.
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_INET_DIAG_INFO = 2
_MESSAGE_HEAD = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_ATTRIBUTE_HEAD = struct.Struct("=HH")  # length, type
# In the reply: the size of struct inet_diag_msg, and the offset of its idiag_rqueue.
_REPLY_SIZE = 72
_RECEIVE_QUEUE = 56
# The offsets of fields in struct tcp_info of linux/tcp.h, since Linux 4.19.
_BYTES_RECEIVED = 128
_NOTSENT_BYTES = 144
_BYTES_SENT = 200
_BYTES_RETRANSMITTED = 208
_TCP_INFO_SIZE = 216


def has_unread(sock: socket.socket) -> bool | None:
    """Say whether the peer of `sock` has not read all bytes sent to it yet; None if that cannot be found out."""
    if sys.platform != "linux":
        return None
    import fcntl
    import termios

    try:
        if sock.family == socket.AF_UNIX:
            # For a unix socket, this is the number of bytes that the peer has not read.
            return bool(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])
        sent = _bytes_sent(sock)
        queued, received = _peer_counters(sock)
    except OSError as error:
        if error.errno in (errno.EBADF, errno.ENOTCONN):
            return False  # closed: nothing will be read any more
        return None
    return sent is None or received < sent or queued > 0


def _bytes_sent(sock: socket.socket) -> int | None:
    """Return how many bytes were sent, without repetitions; None while some wait for the peer's window to open."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    if len(info) < _TCP_INFO_SIZE:
        raise OSError(errno.ENOSYS, "This kernel does not count what was sent.")
    if struct.unpack_from("=I", info, _NOTSENT_BYTES)[0]:
        return None
    sent, again = (struct.unpack_from("=Q", info, offset)[0] for offset in (_BYTES_SENT, _BYTES_RETRANSMITTED))
    return int(sent - again)


def _peer_counters(sock: socket.socket) -> tuple[int, int]:
    """Return how many bytes are in the receive queue of the peer's socket, and how many it has received in all."""
    local, remote = sock.getpeername(), sock.getsockname()  # as the peer sees it
    request = b"".join(
        [
            _REQUEST.pack(sock.family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), 0xFFFFFFFF),
            struct.pack("!HH", local[1], remote[1]),
            *(socket.inet_pton(sock.family, end[0]).ljust(16, b"\0") for end in (local, remote)),
            struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF),  # any interface, no cookie
        ]
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1)
        length = _MESSAGE_HEAD.size + len(request)
        netlink.send(_MESSAGE_HEAD.pack(length, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + request)
        message = netlink.recv(8192)
    length, kind, *_ = _MESSAGE_HEAD.unpack_from(message)
    reply = message[_MESSAGE_HEAD.size : length]
    if kind == _NLMSG_ERROR:
        # ENOENT: there is no such socket on this machine, or the kernel lacks its module tcp_diag.
        code = -struct.unpack_from("=i", reply)[0]
        raise OSError(code, os.strerror(code))
    return struct.unpack_from("=I", reply, _RECEIVE_QUEUE)[0], _bytes_received(reply[_REPLY_SIZE:])


def _bytes_received(attributes: bytes) -> int:
    """Return the counter in the attribute INET_DIAG_INFO of a reply."""
    while attributes:
        length, kind = _ATTRIBUTE_HEAD.unpack_from(attributes)
        if kind == _INET_DIAG_INFO:
            return int(struct.unpack_from("=Q", attributes, _ATTRIBUTE_HEAD.size + _BYTES_RECEIVED)[0])
        attributes = attributes[(length + 3) & ~3 :]
    raise OSError(errno.ENOSYS, "This kernel does not count what was received.")
