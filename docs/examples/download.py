"""Download a list of URLs with a few threads, without asyncio.

    python download.py urls.txt downloads/ --threads 8

The file has a URL in each line. Each thread has a client of its own, which keeps its connections from one URL to the next. A
download is in the folder under the last part of its path when it is complete, and not before.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hookline import (
    HooklineError,
    HttpRequest,
    SyncHttpClient,
    SyncHttpResponse,
    SyncResponseStream,
    Timeout,
)
from hookline_bodies import SyncBodiesStream

MAX_BODY = 10 * 1024**3  # bytes of one download


class Stream(SyncBodiesStream, SyncResponseStream):
    """A stream with `save`, for type checkers."""


Response: TypeAlias = SyncHttpResponse[HttpRequest, Stream]


@dataclass(frozen=True)
class Download:
    """What became of a URL: the path and the size in bytes, or the error."""

    url: str
    path: Path | None = None
    size: int = 0
    error: Exception | None = None


def paths_of(urls: Iterable[str], folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each URL once, with a path in the folder that no other one has, whatever the server calls it."""
    taken = set()
    for url in dict.fromkeys(urls):
        last = url.partition("?")[0].partition("#")[0].rpartition("/")[2]
        name = re.sub(r"[^\w.-]", "_", last, flags=re.ASCII).lstrip(".")[-100:] or "index"
        path, number = folder / name, 2
        while path in taken:
            path, number = folder / f"{number}-{name}", number + 1
        taken.add(path)
        yield url, path


def download(client: SyncHttpClient[Response], url: str, path: Path) -> Download:
    """Save the body at a URL to a file, and say what became of it; errors are part of that."""
    try:
        with client.get(url, stream=True) as response:
            response.raise_for_status()
            return Download(url, path, response.raw.save(path))
    except (HooklineError, OSError) as error:
        return Download(url, error=error)


def download_all(urls: Iterable[str], folder: Path, threads: int = 4) -> list[Download]:
    """Download all URLs to a folder, and return what became of each, in the order in which they were done."""
    waiting: queue.SimpleQueue[tuple[str, Path]] = queue.SimpleQueue()
    for each in paths_of(urls, folder):
        waiting.put(each)
    done: list[Download] = []

    def work() -> None:
        with SyncHttpClient[Response](timeout=Timeout(connect=10, read=30), max_body=MAX_BODY) as client:
            while True:
                try:
                    url, path = waiting.get_nowait()
                except queue.Empty:
                    return
                done.append(download(client, url, path))

    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work) for _ in range(threads)]
        try:
            for worker in workers:
                worker.result()
        except BaseException:  # Ctrl-C: finish what has begun, and begin nothing more
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.get_nowait()
            raise
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description="Download the URLs in a file, one in each line.")
    parser.add_argument("urls", type=Path, help="a file with a URL in each line")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=4, help="default: %(default)s")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    urls = given.urls.read_text(encoding="utf-8").split()
    done = download_all(urls, given.folder, given.threads)
    for each in done:
        print(each.url, f"{each.path}: {each.size} bytes" if each.error is None else f"failed: {each.error}")
    return 1 if any(each.error for each in done) else 0


if __name__ == "__main__":
    sys.exit(main())
