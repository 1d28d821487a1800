"""What several tests of the examples need."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from kit.examples import FOLDER
from servers.addresses import Site

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[Site]]]:
    """A function that serves an aiohttp handler at every path, in the loop of the test, until the test ends."""
    async with contextlib.AsyncExitStack() as stack:

        async def serve(handler: Handler) -> Site:
            async def answer(request: web.Request) -> web.StreamResponse:
                return await handler(request)

            app = web.Application(client_max_size=0)
            app.router.add_route("*", "/{path:.*}", answer)
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            return Site(runner.addresses[0][1])

        yield serve


@pytest.fixture
async def start_program() -> AsyncIterator[Callable[..., Awaitable[asyncio.subprocess.Process]]]:
    """A function that starts an example as a program, with warnings as errors; it is killed if it outlives the test."""
    started: list[asyncio.subprocess.Process] = []

    async def start(name: str, *arguments: object, **variables: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-W", "error", FOLDER / name, *map(str, arguments)]
        environment = {**os.environ, **variables}
        started.append(await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=environment))
        return started[-1]

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def run_program(
    start_program: Callable[..., Awaitable[asyncio.subprocess.Process]],
) -> Callable[..., Awaitable[tuple[int, str, str]]]:
    """A function that runs an example as a program, and returns its status, its output and its errors."""

    async def run(name: str, *arguments: object, **variables: str) -> tuple[int, str, str]:
        process = await start_program(name, *arguments, **variables)
        output, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    return run
