"""HTTP/2 beyond one running loop: synchronous calls, several loops and threads one after the other, forks, idle connections."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import pytest

from hookline import HttpClient
from hookline_http2 import Http2
from kit.forking import run
from servers.http2_programs import SMALL, nginx_http2

ENGINES = ("ngh2", "h2")
on_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not here")


@pytest.fixture(params=ENGINES)
def client(request, certificates):
    return HttpClient(
        verify=certificates.ca_file, autoload=False, plugins=[Http2()], http2_engine=request.param, timeout=20
    )


def test_two_loops_one_after_the_other(client, nginx_http2):
    """The connection of a loop that was closed is not used in the next one, and leaves nothing open."""
    url = nginx_http2.site.url("/small.txt")

    async def many():
        responses = await asyncio.gather(*(client.get(url) for _ in range(20)))
        assert client.stats().connections == 1
        return {(each.version, each.content) for each in responses}

    for _ in range(3):
        assert asyncio.run(many()) == {("HTTP/2", SMALL)}
    gc.collect()  # an open transport would warn
    client.close()


def test_loop_that_ends_amid_exchanges(client, nginx_http2):
    url = nginx_http2.site.url("/large.bin")

    async def leave():
        tasks = [asyncio.ensure_future(client.get(url)) for _ in range(5)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    async def get():
        return (await client.get(url)).status_code

    for _ in range(2):
        asyncio.run(leave())  # it cancels the tasks that are left
        assert asyncio.run(get()) == 200
    client.close()


def test_synchronous_calls_and_streams(client, nginx_http2):
    for _ in range(3):
        response = client.get(nginx_http2.site.url("/small.txt"))
        assert (response.version, response.content) == ("HTTP/2", SMALL)
    with client.get(nginx_http2.site.url("/large.bin"), stream=True) as response:
        assert response.raw.read(10)
        assert client.get(nginx_http2.site.url("/small.txt")).content == SMALL
        assert response.raw.read()
    assert client.stats().connections == 1
    client.close()


def test_client_goes_from_thread_to_thread(client, nginx_http2):
    found = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.append(client.get(nginx_http2.site.url("/small.txt")).content))
        thread.start()
        thread.join()
    assert found == [SMALL] * 3
    client.close()


def test_threads_with_a_client_each(certificates, nginx_http2):
    """Loops of several threads read at the same time: none gets the bytes of another."""
    whole = (nginx_http2.child.directory / "www/large.bin").read_bytes()
    found = []

    def work(engine):
        with HttpClient(
            verify=certificates.ca_file, autoload=False, plugins=[Http2()], http2_engine=engine, timeout=60
        ) as client:
            found.extend(client.get(nginx_http2.site.url("/large.bin")).content == whole for _ in range(5))

    threads = [threading.Thread(target=work, args=(engine,)) for engine in ENGINES * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 20


@on_fork
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "scenario", ["both_at_once", "grandchild", "stream", "upload", "child_ends_at_once", "running_loop"]
)
def test_fork(make_scripted, engine, scenario):
    """Parent and child have connections of their own."""
    server = make_scripted()
    run(scenario, server, "asyncio", http2="prior-knowledge", http2_engine=engine, plugins=["http2"])
    assert {request.version for request in server.requests} == {"2"}
    assert server.connections >= 2


@pytest.mark.parametrize("engine", ENGINES)
async def test_server_that_closes_idle_connections(certificates, engine):
    """nginx closes after a second; the requests that come just before and after that, POST too, do not notice."""
    with nginx_http2(certificates, keep_alive=1) as server:
        async with HttpClient(
            verify=certificates.ca_file, autoload=False, plugins=[Http2()], http2_engine=engine, timeout=20
        ) as client:
            for pause in (0, 0.99, 1.0, 1.01, 1.3):
                await asyncio.sleep(pause)
                response, stored = await asyncio.gather(
                    client.get(server.site.url("/small.txt")), client.put(server.site.url("/store/idle"), data=b"x")
                )
                assert (response.content, stored.status_code in (201, 204)) == (SMALL, True)
            assert len({connection for connection, _ in server.requests(10)}) >= 2


@pytest.mark.soak
@pytest.mark.parametrize("engine", ENGINES)
async def test_connections_that_are_idle_for_minutes(
    request, certificates, nginx_http2, apache_http2, nghttpd_http2, h2o_http2, hypercorn_http2, engine
):
    """Whatever the servers do meanwhile by their own defaults, the next request works."""
    servers = (nginx_http2, apache_http2, nghttpd_http2, h2o_http2, hypercorn_http2)
    async with HttpClient(
        verify=certificates.ca_file, autoload=False, plugins=[Http2()], http2_engine=engine, keep_alive=600, timeout=20
    ) as client:
        for pause in (0, 130, 130):
            await asyncio.sleep(pause)
            for server in servers:
                response = await client.get(server.site.url("/small.txt"))
                assert (response.version, response.content) == ("HTTP/2", SMALL)
