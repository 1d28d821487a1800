"""TCP connections to a host: resolve its addresses, and connect to the one that answers first (happy eyeballs, RFC 8305).

asyncio can do that too, but may leak a socket when it is cancelled (CPython 3.11), and uvloop cannot. aiohappyeyeballs 2.7
forgets a cancellation that comes while the losers end, and the errno of a refused attempt if another one failed differently.
"""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

import asyncio
import errno
import itertools
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from .. import forks
from ..errors import reason_of, shown
from ..wire.opening import run_before_dial
from .loop_runner import new_task

HAPPY_EYEBALLS_DELAY = 0.25  # seconds until the next address is tried as well (RFC 8305, section 5)

Resolver = Callable[[str, int], Awaitable[Iterable[Any]]]


class Address(NamedTuple):
    """A socket address. family: AF_INET or AF_INET6. sockaddr: the tuple of that family, as the socket module takes it."""

    family: int
    sockaddr: Any


def as_address(host: str, port: int) -> Address | None:
    """The address of a host that is an IP address; None for a name. A zone stays in the text, since uvloop reads it there."""
    for family, rest in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        try:
            socket.inet_pton(family, host if family == socket.AF_INET else host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return Address(family, (host, port, *rest))
    return None


async def resolve_host(host: str, port: int, resolver: Resolver | None = None) -> list[Address]:
    """Resolve a host name; returns its addresses in the order to try them.

    The families alternate, and that of the system's first address begins (RFC 8305, section 4).
    resolver: `await resolver(host, port)` gives the addresses, whose order is kept; None = the system resolves.

    Raises: socket.gaierror if there is no address; whatever the resolver raises.
    """
    if resolver is not None:
        return as_addresses(await resolver(host, port), port, "resolver=")
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters, or an empty one
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    addresses = list(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "the resolver gave none")
    first = [address for address in addresses if address.family == addresses[0].family]
    other = [address for address in addresses if address.family != addresses[0].family]
    turns = itertools.chain.from_iterable(itertools.zip_longest(first, other))
    return [address for address in turns if address is not None]


def as_addresses(texts: Iterable[Any], port: int, source: str) -> list[Address]:
    """Convert the IP addresses that a user's function gave. source: its name, for messages.

    Raises: socket.gaierror for what is no IP address, and if there is none.
    """
    given = []
    for text in map(str, texts):
        address = as_address(text, port)
        if address is None:  # for a name, the system would have to resolve it once more
            raise socket.gaierror(socket.EAI_NONAME, f"{source} gave {shown(text)}, which is no IP address")
        given.append(address)
    if not given:
        raise socket.gaierror(socket.EAI_NONAME, f"{source} gave none")
    return given


def address_text(address: Address) -> str:
    """Return an address as text, with the zone of an IPv6 address if it has one."""
    host = str(address.sockaddr[0])
    zone = address.sockaddr[3] if len(address.sockaddr) > 3 else 0
    return f"{host}%{zone}" if zone and "%" not in host else host


async def before_dial(host: str, port: int, addresses: list[Address]) -> list[Address]:
    """Run the hooks `connecting` before a dial, if there are any; returns the addresses to try.

    Raises: socket.gaierror for an address that is none; what a hook raises.
    """
    known = {address_text(address): address for address in addresses}
    texts = list(known)
    chosen = await run_before_dial(host, port, texts)
    if chosen is texts:
        return addresses
    if not chosen:
        raise socket.gaierror(socket.EAI_NONAME, "a plugin left none to connect to")
    return [known[text] if text in known else as_addresses([text], port, "a plugin")[0] for text in chosen]


async def connect_unix(path: str) -> socket.socket:
    """Connect to a unix socket; returns the connected socket.

    Raises: OSError.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    forks.connecting_sockets.add(sock)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, path)
    except BaseException:
        sock.close()
        raise
    return sock


async def dial(
    addresses: list[Address], local: tuple[str, int] | None = None, delay: float = HAPPY_EYEBALLS_DELAY
) -> socket.socket:
    """Connect to the first address that answers; returns the connected socket.

    The next address is tried when an attempt has failed, or `delay` seconds after the last attempt began.
    local: (host, port) to connect from; None = the system chooses.

    Raises: OSError for all attempts together.
    """
    sources = [] if local is None else await resolve_source(*local)
    if len(addresses) == 1:
        return await connect(addresses[0], sources)
    waiting = deque(addresses)
    attempts: list[asyncio.Task[socket.socket]] = []
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    winner: socket.socket | None = None

    def close_loser(task: asyncio.Task[socket.socket]) -> None:
        if not task.cancelled() and task.exception() is None and task.result() is not winner:
            task.result().close()

    try:
        while waiting or running:
            if waiting:
                task = new_task(asyncio.get_running_loop(), connect(waiting.popleft(), sources))
                attempts.append(task)
                running.add(task)
            done, running = await asyncio.wait(
                running, timeout=delay if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                try:
                    winner = task.result()
                    return winner
                except OSError as error:
                    errors.append(error)
    finally:
        for task in attempts:
            task.cancel()
            # Nothing is awaited here that a second cancellation could interrupt.
            task.add_done_callback(close_loser)
    # a refused attempt says most, since the host is there
    refused = [error for error in errors if error.errno == errno.ECONNREFUSED]
    raise OSError((refused or errors)[0].errno, "; ".join(dict.fromkeys(map(reason_of, errors))))


async def resolve_source(host: str, port: int) -> list[Address]:
    """Resolve the host to connect from; returns its addresses.

    Raises: OSError if it has none.
    """
    address = as_address(host, port)
    if address is not None:
        return [address]
    try:
        if "\0" in host:  # the system would stop reading there
            raise socket.gaierror(socket.EAI_NONAME, "not a host name")
        return await resolve_host(host, port)
    except socket.gaierror as error:
        raise OSError(
            errno.EADDRNOTAVAIL, f"source_address={shown(host)} has no address: {reason_of(error)}"
        ) from error


def bind_source(sock: socket.socket, source: Address) -> None:
    """Bind a socket to the address to connect from.

    Raises: OSError that names this address, since the error is not about the address to connect to.
    """
    try:
        sock.bind(source.sockaddr)
    except (OSError, OverflowError) as error:  # OverflowError: a port out of range
        host, port = source.sockaddr[:2]
        source_text = f"{shown(host)}, port {port}" if port else shown(host)
        number = getattr(error, "errno", None) or errno.EINVAL
        raise OSError(number, f"cannot use source_address={source_text}: {reason_of(error)}") from error


async def connect(address: Address, sources: list[Address]) -> socket.socket:
    """Connect to one address. sources: addresses to connect from, the first of the same family; [] = the system chooses.

    Raises: OSError if that fails, or no source is of the same family.
    """
    family, sockaddr = address
    # asyncio sets TCP_NODELAY only on a socket with an explicit protocol
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    forks.connecting_sockets.add(sock)
    try:
        sock.setblocking(False)
        if sources:
            source = next((source for source in sources if source.family == family), None)
            if source is None:
                hosts = ", ".join(dict.fromkeys(shown(source.sockaddr[0]) for source in sources))
                raise OSError(errno.EADDRNOTAVAIL, f"source_address={hosts} is of another address family")
            bind_source(sock, source)
        await asyncio.get_running_loop().sock_connect(sock, sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock
