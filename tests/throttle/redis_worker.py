"""A process that sends requests under a throttle that it shares. It prints a line of JSON for each request.

`python redis_worker.py REDIS URL PREFIX RATE BURST CONCURRENCY LEASE SECONDS CALLS`: it prints "ready", waits for a line, and
has CALLS requests under way all the time, for SECONDS. A line has the instant of the admission, as `time.monotonic` of this
machine says, and the rate as Redis counted it, in microseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_throttle import RedisLimits, Throttle


class Prints:
    after = ("throttle",)

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        print(json.dumps([time.monotonic(), int(response.notes["throttle"].after or 0)]), flush=True)  # noqa: T201  # the test reads it


async def main(
    redis: str, url: str, prefix: str, rate: str, burst: str, concurrency: str, lease: str, seconds: str, calls: str
) -> None:
    shared = RedisLimits(redis, prefix=prefix, lease=float(lease))
    throttle = Throttle(
        None if rate == "-" else rate,
        burst=int(burst),
        concurrency=None if concurrency == "-" else int(concurrency),
        shared=shared,
    )
    options: dict[str, Any] = {"plugins": ["throttle", Prints()], "throttle": throttle, "timeout": 60, "pool_size": 100}
    async with HttpClient(autoload=False, **options) as client:
        print("ready", flush=True)  # noqa: T201
        await asyncio.to_thread(sys.stdin.readline)
        end = time.monotonic() + float(seconds)

        async def send() -> None:
            while time.monotonic() < end:
                await client.get(url)

        tasks = [asyncio.ensure_future(send()) for _ in range(int(calls))]
        _, late = await asyncio.wait(tasks, timeout=float(seconds))
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
