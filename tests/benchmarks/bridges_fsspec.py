"""Compare the file system for fsspec with fsspec's own, which is built upon aiohttp: CPU and wall time, against nginx.

    .venv/bin/python tests/benchmarks/bridges_fsspec.py [ROUNDS]

Both run in one process, on fsspec's one loop thread, in turns; each figure is the median of all rounds (default 7). CPU is
that of this process alone: user and system time of the client, without nginx.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from fsspec.implementations.http import HTTPFileSystem

from hookline_bridges.fsspec import HooklineFileSystem
from servers.certificates import make_certificates
from servers.nginx import nginx_sites

SMALL, RANGES, LARGE, BLOCK = 1000, 500, 256 * 2**20, 64 * 1024


def sequential(fs: Any, url: str) -> int:
    """Read the first 64 MiB through `open` in pieces of 1 MiB."""
    read = 0
    with fs.open(url, size=LARGE) as file:
        while read < 64 * 2**20:
            read += len(file.read(2**20))
    return read


def workloads(small: list[str], large: str) -> dict[str, Callable[[Any], int]]:
    """Return what each file system does, by name; each returns how many bytes it read."""
    chosen = random.Random(5)
    starts = [chosen.randrange(LARGE - BLOCK) for _ in range(RANGES)]
    ends = [start + BLOCK for start in starts]
    one = random.Random(6).choice(small)
    return {
        f"cat of {SMALL:,} files of 1 KiB": lambda fs: sum(map(len, fs.cat(small).values())),
        "cat_file of one of them, 300 times": lambda fs: sum(len(fs.cat_file(one)) for _ in range(300)),
        "info of one of them, 300 times": lambda fs: sum(fs.info(one)["size"] for _ in range(300)),
        f"cat_ranges, {RANGES} of 64 KiB": lambda fs: sum(
            map(len, fs.cat_ranges([large] * RANGES, starts, ends, on_error="raise"))
        ),
        "open and read, 64 MiB in pieces of 1 MiB": lambda fs: sequential(fs, large),
        "cat_file of 256 MiB": lambda fs: len(fs.cat_file(large)),
        "get_file of 256 MiB to /dev/shm": lambda fs: downloaded(fs, large),
    }


def downloaded(fs: Any, url: str) -> int:
    """Download a file into memory of the system."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:  # noqa: S108
        path = os.path.join(folder, "file")
        fs.get_file(url, path)
        return os.path.getsize(path)


def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with nginx_sites(make_certificates(Path(folder))) as (site, *_):
            www = site.directory / "www"
            (www / "small").mkdir()
            for number in range(SMALL):
                (www / "small" / f"{number}.bin").write_bytes(random.Random(number).randbytes(1024))
            with open(www / "large.bin", "wb") as file:
                file.truncate(LARGE)
            small = [site.url(f"/small/{number}.bin") for number in range(SMALL)]
            systems = {"hookline": HooklineFileSystem(), "aiohttp": HTTPFileSystem()}
            print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, median of {rounds} rounds")
            for name, work in workloads(small, site.url("/large.bin")).items():
                cpu: dict[str, list[float]] = {each: [] for each in systems}
                wall: dict[str, list[float]] = {each: [] for each in systems}
                amounts = {work(fs) for fs in systems.values()}  # connections are open, and both read the same
                assert len(amounts) == 1, amounts
                for turn in range(rounds):
                    for each in list(systems)[:: 1 if turn % 2 else -1]:
                        begin, clock = time.process_time(), time.perf_counter()
                        work(systems[each])
                        cpu[each].append(time.process_time() - begin)
                        wall[each].append(time.perf_counter() - clock)
                ours, theirs = (statistics.median(cpu[each]) * 1000 for each in systems)
                fast, slow = (statistics.median(wall[each]) * 1000 for each in systems)
                print(
                    f"{name:42} CPU {ours:7.0f} ms, aiohttp {theirs:7.0f} ms, ratio {ours / theirs:.2f};"
                    f" wall {fast:.0f} and {slow:.0f} ms"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
