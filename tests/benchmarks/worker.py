"""One client process: `python -m benchmarks.worker LABEL WORKLOAD SECONDS SITE-AS-JSON`.

It opens the client, checks once that every byte arrives, and prints {"ready": true}. Then each line on standard input requests
one sample, which it prints as a line of JSON. It ends at the end of its standard input.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import resource
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.adapter import Adapter, Setup
from benchmarks.clients import FLOORS, UV, adapter
from benchmarks.servers import Site
from benchmarks.workloads import (
    JSON_SIZE,
    MIB,
    PAYLOAD,
    WORKLOADS,
    Workload,
    WrongAnswer,
    check,
    decoded_gzip,
    echoed,
    records,
    whole_body,
)

WARM_UP = 0.08  # seconds before each sample, not measured
PAUSE = 0.4  # seconds that the slow reader waits: on loopback enough for 256 MiB to arrive
PATIENCE = 40  # seconds after which a process that hangs prints its stack and ends

Figures = dict[str, float]
Operation = Callable[[], Awaitable[None]]


class Counter:
    """Counts the bytes of a body."""

    size = 0

    def add(self, data: bytes) -> None:
        self.size += len(data)


class Memory:
    """The resident memory of this process in MiB. `grown()` returns the peak since `Memory()` less the memory at that time."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak (proc(5))
        self.before = self.field("VmRSS")

    @staticmethod
    def field(name: str) -> float:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise LookupError(name)

    def grown(self) -> float:
        return max(0.0, self.field("VmHWM") - self.before)


def operation(client: Adapter, workload: Workload, site: Site, base: str, websockets: list[Any]) -> Operation:
    """Return one validated operation as a coroutine function. websockets: open ones, one for each concurrent operation."""
    url = base + workload.path
    mib = site.mib

    async def get() -> None:
        status, body = await client.get(url)
        check(workload, mib, status, body)

    async def decoded() -> None:
        status, body = await client.decoded(url)
        check(workload, mib, status, body)

    async def parsed() -> None:
        status, value = await client.json(url)
        check(workload, mib, status, value)

    async def call() -> None:
        status, value = await client.call(url)
        check(workload, mib, status, value)

    async def post() -> None:
        status, body = await client.post(url, PAYLOAD)
        check(workload, mib, status, body)

    async def upload() -> None:
        status, body = await client.upload(url, mib * MIB)
        check(workload, mib, status, body)

    async def download() -> None:
        counter = Counter()
        status = await client.download(url, counter.add)
        check(workload, mib, status, counter.size)

    async def echo() -> None:
        websocket = websockets.pop()
        message = await client.echo(websocket, echoed(workload.size))
        websockets.append(websocket)
        check(workload, mib, 200, message)

    table = {
        "echo": echo,
        "get": get,
        "body": get,
        "decoded": decoded,
        "json": parsed,
        "call": call,
        "post": post,
        "upload": upload,
        "download": download,
    }
    return table[workload.operation]


async def prove(label: str, client: Adapter, workload: Workload, site: Site, base: str) -> Figures:
    """Compare byte for byte the bodies of which the samples check the size alone; return the memory that a stream took."""
    url = base + workload.path
    if workload.operation == "decoded" and (await client.decoded(url))[1] != decoded_gzip():
        raise WrongAnswer("the decoded body has other bytes")
    if workload.operation == "body" and (await client.get(url))[1] != whole_body():
        raise WrongAnswer("the body has other bytes")
    if workload.operation == "json" and (await client.json(url))[1] != json.loads(records(JSON_SIZE, 1)):
        raise WrongAnswer("the JSON document has other values")
    if workload.http2:
        spoken = b"HTTP/1.1" if label.removesuffix(UV) == "hookline_http1" else b"HTTP/2.0"
        if (found := (await client.get(base + "/protocol"))[1]) != spoken:
            raise WrongAnswer(f"the client speaks {found!r}")
    if workload.operation != "download" or not workload.big:
        return {}
    await client.get(base + "/small")
    memory, crc = Memory(), 0
    if label.removesuffix(UV) in FLOORS:

        def consume(data: bytes) -> None:
            nonlocal crc
            crc = zlib.crc32(data, crc)

        await client.download(url, consume)
    else:
        paused = False
        async for chunk in client.chunks(url):
            crc = zlib.crc32(chunk, crc)
            if not paused:  # a slow reader must not make the client store the body
                paused = True
                await asyncio.sleep(PAUSE)
    if crc != site.crc:
        raise WrongAnswer("the streamed body has other bytes")
    return {"growth": memory.grown()}


async def sample(once: Operation, workload: Workload, seconds: float) -> Figures:
    """Warm up, then count operations and CPU seconds of this process for `seconds`, at least one operation a task."""
    clock = time.perf_counter
    deadline = 0.0
    operations = 0

    async def repeat() -> None:
        nonlocal operations
        while True:
            await once()
            operations += 1
            if clock() >= deadline:
                return

    async def all_tasks() -> None:
        for task in [asyncio.ensure_future(repeat()) for _ in range(workload.concurrency)]:
            await task

    deadline = clock() + WARM_UP
    await all_tasks()
    gc.collect()
    memory = Memory() if workload.big and workload.operation == "download" else None
    operations = 0
    begun, usage = clock(), resource.getrusage(resource.RUSAGE_SELF)
    deadline = begun + seconds
    await all_tasks()
    end, wall = resource.getrusage(resource.RUSAGE_SELF), clock() - begun
    taken = {
        "operations": operations,
        "wall": wall,
        "user": end.ru_utime - usage.ru_utime,
        "system": end.ru_stime - usage.ru_stime,
    }
    if memory is not None:
        taken["growth"] = memory.grown()
    return taken


async def opened(client: Adapter, url: str) -> Any:
    """Open a websocket, in a coroutine, because a client may need the running loop."""
    return await client.open_websocket(url)


def say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


def new_loop(label: str) -> asyncio.AbstractEventLoop:
    if label.endswith(UV):
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def serve(label: str, workload: Workload, seconds: float, site: Site) -> None:
    base = site.tls if workload.tls else site.plain
    if base is None:
        raise NotImplementedError("this server has no TLS")
    if workload.operation == "echo" and not site.echoes:
        raise NotImplementedError("this server has no websockets")
    if workload.operation == "upload" and not site.counts_chunked:
        raise NotImplementedError("this server does not count a streamed upload")
    loop = new_loop(label)
    asyncio.set_event_loop(loop)
    ca = site.ca if workload.tls else None
    client = adapter(label)(Setup(base, workload.concurrency, ca, workload.reuses, workload.http2))
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    loop.run_until_complete(client.open())
    proof = loop.run_until_complete(prove(label, client, workload, site, base))
    faulthandler.cancel_dump_traceback_later()
    websockets: list[Any] = []
    if workload.operation == "echo":
        url = "ws" + base.removeprefix("http") + workload.path
        websockets += [loop.run_until_complete(opened(client, url)) for _ in range(workload.concurrency)]
    once = operation(client, workload, site, base, websockets)
    say({"ready": True, "about": client.describe(), **proof})
    for _ in sys.stdin:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        say({**loop.run_until_complete(sample(once, workload, seconds))})
        faulthandler.cancel_dump_traceback_later()
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    for websocket in websockets:
        loop.run_until_complete(client.close_websocket(websocket))
    loop.run_until_complete(client.close())
    faulthandler.cancel_dump_traceback_later()
    loop.close()


def main() -> None:
    label, name, seconds, site = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        serve(label, WORKLOADS[name], float(seconds), Site(**json.loads(site)))
    except (ImportError, NotImplementedError, WrongAnswer) as error:  # the message is enough without a traceback
        say({"error": f"{type(error).__name__}: {error}"})
    except BaseException as error:
        say({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    main()
