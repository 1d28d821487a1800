"""TCP to a host: its addresses, and a race between them (happy eyeballs, RFC 8305).

asyncio has such a race, but one that is cancelled may lose a socket there (CPython 3.11), and uvloop has none.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from .. import forks
from ..errors import reason_of, shown
from .loop_runner import new_task

HAPPY_EYEBALLS_DELAY = 0.25  # seconds before the next address is tried beside those before it (RFC 8305, section 5)

Resolver = Callable[[str, int], Awaitable[Iterable[Any]]]


class Address(NamedTuple):
    """A socket address: `place` is as the family has it."""

    family: int
    place: Any


def as_address(host: str, port: int) -> Address | None:
    """The address that a host is already; None for a name. A zone stays in it: uvloop takes it from nowhere else."""
    for family, rest in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        try:
            socket.inet_pton(family, host if family == socket.AF_INET else host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return Address(family, (host, port, *rest))
    return None


async def resolve(host: str, port: int, resolver: Resolver | None = None) -> list[Address]:
    """The addresses of a host, in the order to try them: the families take turns, the system's first choice first.

    resolver: asked in place of the system; its order is kept.

    Raises: socket.gaierror; whatever the resolver raises.
    """
    if resolver is not None:
        given = [numeric(str(address), port) for address in await resolver(host, port)]
        if not given:
            raise socket.gaierror(socket.EAI_NONAME, "resolver= gave none")
        return given
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters, or an empty one
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    addresses = list(dict.fromkeys(Address(family, place) for family, _, _, _, place in found))
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "the resolver gave none")
    first = [address for address in addresses if address.family == addresses[0].family]
    other = [address for address in addresses if address.family != addresses[0].family]
    turns = itertools.chain.from_iterable(itertools.zip_longest(first, other))
    return [address for address in turns if address is not None]


def numeric(address: str, port: int) -> Address:
    """An address as a resolver gives it.

    Raises: socket.gaierror, for what is none: a name would be looked up behind the resolver's back.
    """
    found = as_address(address, port)
    if found is None:
        raise socket.gaierror(socket.EAI_NONAME, f"resolver= gave {shown(address)}, which is no IP address")
    return found


async def dial(
    addresses: list[Address], local: tuple[str, int] | None = None, delay: float = HAPPY_EYEBALLS_DELAY
) -> socket.socket:
    """Connect to the first address that answers: each next one is tried when one failed, or `delay` seconds after the last.

    local: (host, port) to connect from.

    Raises: OSError, for all of them together.
    """
    sources = [] if local is None else await sources_of(*local)
    if len(addresses) == 1:
        return await attempt(addresses[0], sources)
    attempts: list[asyncio.Task[socket.socket]] = []
    winner: socket.socket | None = None
    try:
        winner = await race(deque(addresses), sources, delay, attempts)
        return winner
    finally:
        for task in attempts:
            task.cancel()
            # Nothing is awaited here, so that a second cancellation has nothing to interrupt.
            task.add_done_callback(lambda task: close_loser(task, winner))


async def sources_of(host: str, port: int) -> list[Address]:
    """The addresses to connect from.

    Raises: OSError, for a host without any.
    """
    address = as_address(host, port)
    if address is not None:
        return [address]
    try:
        if "\0" in host:  # the system would read up to there
            raise socket.gaierror(socket.EAI_NONAME, "not a host name")
        return await resolve(host, port)
    except socket.gaierror as error:
        raise OSError(
            errno.EADDRNOTAVAIL, f"source_address={shown(host)} has no address: {reason_of(error)}"
        ) from error


def bind(sock: socket.socket, source: Address) -> None:
    """Connect from there.

    Raises: OSError, which names the address: what is wrong is not where the connection leads to.
    """
    try:
        sock.bind(source.place)
    except (OSError, OverflowError) as error:  # OverflowError: a port that is none
        host, port = source.place[:2]
        where = f"{shown(host)}, port {port}" if port else shown(host)
        number = getattr(error, "errno", None) or errno.EINVAL
        raise OSError(number, f"cannot use source_address={where}: {reason_of(error)}") from error


async def race(
    waiting: deque[Address], sources: list[Address], delay: float, attempts: list[asyncio.Task[socket.socket]]
) -> socket.socket:
    """Start the attempts, and return the first socket. attempts: gets all of them, for whoever has to end them.

    Raises: OSError.
    """
    errors: list[OSError] = []
    running: set[asyncio.Task[socket.socket]] = set()
    while waiting or running:
        if waiting:
            task = new_task(asyncio.get_running_loop(), attempt(waiting.popleft(), sources))
            attempts.append(task)
            running.add(task)
        done, running = await asyncio.wait(
            running, timeout=delay if waiting else None, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            error = task.exception()
            if error is None:
                return task.result()
            if not isinstance(error, OSError):
                raise error
            errors.append(error)
    raise together(errors)


async def attempt(address: Address, sources: list[Address]) -> socket.socket:
    """Connect to one address.

    Raises: OSError.
    """
    family, place = address
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY where it says TCP
    forks.connecting_sockets.add(sock)
    try:
        sock.setblocking(False)
        if sources:
            source = next((source for source in sources if source.family == family), None)
            if source is None:
                place = ", ".join(dict.fromkeys(shown(source.place[0]) for source in sources))
                raise OSError(errno.EADDRNOTAVAIL, f"source_address={place} is of another address family")
            bind(sock, source)
        await asyncio.get_running_loop().sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock


def close_loser(task: asyncio.Task[socket.socket], winner: socket.socket | None) -> None:
    """Close what an attempt connected although nobody takes it."""
    if not task.cancelled() and task.exception() is None and task.result() is not winner:
        task.result().close()


def together(errors: list[OSError]) -> OSError:
    """One error for all attempts. One that was refused tells most: the host is there."""
    refused = [error for error in errors if error.errno == errno.ECONNREFUSED]
    first = (refused or errors)[0]
    reasons = dict.fromkeys(map(reason_of, errors))
    return OSError(first.errno, "; ".join(reasons))
