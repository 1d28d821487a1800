"""Connecting: the addresses of a host, the race between them, and nothing left of it."""

import asyncio
import gc
import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from hookline import ConnectionRefused, DNSError, HttpClient, HttpConnectionError
from hookline.network.happy_eyeballs import Address, as_address, dial, resolve_host
from hookline_testing.server import response
from servers.addresses import black_hole, listening_socket, refused_port


def address(port, host="127.0.0.1"):
    return as_address(host, port)


def open_sockets():
    """The sockets that this process has open."""
    gc.collect()
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("127.0.0.1", Address(socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", Address(socket.AF_INET6, ("::1", 80, 0, 0))),
        ("localhost", None),
        ("fe80::1%lo", Address(socket.AF_INET6, ("fe80::1%lo", 80, 0, 0))),
        ("127.0.0.1%lo", None),
        ("127.1", None),
        ("0x7f.1", None),
    ],
)
def test_host_that_is_an_address_is_not_resolved(host, found):
    assert as_address(host, 80) == found


async def test_families_take_turns():
    addresses = await resolve_host("localhost", 80)
    assert Address(socket.AF_INET, ("127.0.0.1", 80)) in addresses
    families = [address.family for address in addresses]
    assert len(set(families)) == len(families)  # one of each on any machine


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "nowhere.invalid", "a..b"])
async def test_host_without_an_address_is_named(host):
    async with HttpClient(autoload=False) as client:
        with pytest.raises((DNSError, ValueError), match=host[:10]):
            await client.get(f"http://{host}/")


async def test_silent_address_does_not_hold_up_the_next_one():
    with black_hole() as silent, listening_socket() as listener:
        start = time.perf_counter()
        sock = await dial([address(silent), address(listener.getsockname()[1])], delay=0.05)
        assert time.perf_counter() - start < 0.9  # the silent one's next packet comes after one second
        assert sock.getpeername() == listener.getsockname()
        sock.close()


async def test_failed_address_is_followed_at_once():
    with refused_port() as refused, listening_socket() as listener:
        start = time.perf_counter()
        sock = await dial([address(refused), address(listener.getsockname()[1])], delay=30)
        assert time.perf_counter() - start < 5
        sock.close()


async def test_first_address_wins_where_it_answers():
    with listening_socket() as first, listening_socket() as second:
        for _ in range(20):
            sock = await dial([address(first.getsockname()[1]), address(second.getsockname()[1])])
            assert sock.getpeername() == first.getsockname()
            sock.close()


async def test_error_names_all_addresses_and_prefers_refusals():
    with refused_port() as refused:
        with pytest.raises(ConnectionRefusedError):
            await dial([address(refused), address(refused)])
        with pytest.raises(ConnectionRefusedError, match=r"Network is unreachable|Invalid|refused.*;|;.*refused"):
            await dial([Address(socket.AF_INET6, ("fe80::1", refused, 0, 0)), address(refused)])


async def test_source_address_must_fit_the_family():
    with listening_socket() as listener:
        port = listener.getsockname()[1]
        sock = await dial([address(port)], ("127.0.0.2", 0))
        assert sock.getsockname()[0] == "127.0.0.2"
        sock.close()
        async with HttpClient(autoload=False, source_address=("::1", 0)) as client:
            with pytest.raises(HttpConnectionError, match="source_address"):
                await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("delay", [0, 0.25])
async def test_cancel_in_any_turn_leaks_no_socket(delay):
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        listeners = [stack.enter_context(listening_socket()) for _ in range(3)]
        addresses = [address(listener.getsockname()[1]) for listener in listeners]
        addresses.insert(1, address(stack.enter_context(black_hole())))
        before = open_sockets()
        for turns in range(12):
            for _ in range(5):
                task = loop.create_task(dial(addresses[turns % 2 :], delay=delay))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                task.cancel()
                (result,) = await asyncio.gather(task, return_exceptions=True)
                if isinstance(result, socket.socket):
                    result.close()
        for _ in range(3):
            await asyncio.sleep(0)
        assert open_sockets() == before
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_connect_to_a_name_leaks_no_socket(scripted, turns):
    scripted.always(response(b"fine"))
    async with HttpClient(autoload=False) as client:
        url = scripted.url().replace("127.0.0.1", "localhost")
        before = open_sockets()
        task = asyncio.create_task(client.get(url))
        while turns and not task.done():
            await asyncio.sleep(0 if turns % 2 else 0.0005)
            turns -= 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()
        await scripted.until_closed_connections(scripted.connections)
        for _ in range(3):
            await asyncio.sleep(0.01)
        assert len(open_sockets() - before) == 0


async def test_connection_sends_small_writes_at_once(scripted):
    scripted.answer(response(b"fine"))
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url())
        (pool,) = client.connection_pools.values()
        sock = pool.idle[0].transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_host_whose_first_address_refuses_is_reached(scripted):
    """localhost is ::1 first, where the test server does not listen."""
    scripted.answer(response(b"fine"))
    async with HttpClient(autoload=False) as client:
        assert (await client.get(scripted.url().replace("127.0.0.1", "localhost"))).content == b"fine"
        with refused_port() as port, pytest.raises(ConnectionRefused, match="localhost"):
            await client.get(f"http://localhost:{port}/")
