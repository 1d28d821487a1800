"""Measure what a program pays before its first request: `python tests/benchmarks/startup.py`.

Each sample is a fresh process that has imported asyncio. It imports the client's package, makes and closes a first client, and
then a second one. The processes take turns. CPU time is that of the process, memory what it keeps resident.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import figure, table

Row = dict[str, object]
# {client: the import, and the expression that makes a client}
SOURCES = {
    "hookline": ("import hookline", "hookline.HttpClient()"),
    "aiohttp": ("import aiohttp", "aiohttp.ClientSession()"),
    "httpx2": ("import httpx2", "httpx2.AsyncClient()"),
    "niquests": ("import niquests", "niquests.AsyncSession()"),
    "pyreqwest": ("from pyreqwest.client import ClientBuilder", "ClientBuilder().build()"),
    "curl_cffi": ("from curl_cffi.requests import AsyncSession", "AsyncSession()"),
}
PROGRAM = """
import asyncio, os, time
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS:"))
async def life():
    async with {make}:
        pass
before, begun = resident(), time.process_time()
{imports}
imported = time.process_time()
with asyncio.Runner() as runner:
    runner.get_loop()
    ready = time.process_time()
    runner.run(life())
    first, memory = time.process_time(), resident() - before
    runner.run(life())
    second = time.process_time()
print((imported - begun) * 1e3, (first - ready) * 1e3, (second - first) * 1e3, memory)
"""
KEYS = ("import", "first", "second", "memory")  # milliseconds of CPU time, and MiB


def sample(label: str, python: str) -> Row:
    """Start one process, and return its figures by their keys, or its last line on standard error with the key `error`."""
    imports, make = SOURCES[label]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [python, "-P", "-c", PROGRAM.format(imports=imports, make=make)],
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        return {"error": (done.stderr.splitlines() or ["the process died"])[-1]}
    return dict(zip(KEYS, map(float, done.stdout.split()), strict=True))


def measure(pythons: Mapping[str, str], rounds: int) -> Iterator[Row]:
    """Yield one row per process: `client` and the figures, or `error`. pythons: {client: the interpreter that has it}."""
    running = dict(pythons)
    for number in range(-1, rounds):  # the round before the first compiles the modules
        labels = list(running) if number % 2 == 0 else list(reversed(running))
        for label in labels:
            row = sample(label, running[label])
            if "error" in row:
                del running[label]
            if number >= 0 or "error" in row:
                yield {"client": label, **row}


def main() -> None:
    """Measure the clients that this interpreter has, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="processes per client (default: %(default)s)")
    rounds = parser.parse_args().rounds
    rows = list(measure(dict.fromkeys(SOURCES, sys.executable), rounds))
    measured = {label: [row for row in rows if row["client"] == label and "error" not in row] for label in SOURCES}
    print(
        table(
            ["client", "import ms", "first ms", "second ms", "MiB"],
            [
                [label, *(figure(statistics.median(float(str(row[key])) for row in found)) for key in KEYS)]
                for label, found in measured.items()
                if found
            ],
        )
    )
    for row in rows:
        if "error" in row:
            print(f"{row['client']}: not measured: {row['error']}")


if __name__ == "__main__":
    main()
