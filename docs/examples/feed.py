"""Follow a feed for hours: lines of JSON over one long response, signed with OAuth 1, opened again whenever it breaks.

    FEED_CLIENT=… FEED_CLIENT_SECRET=… FEED_TOKEN=… FEED_TOKEN_SECRET=… python feed.py https://stream.example/feed feed.jsonl

Each line of the feed is an object with an `id`; empty lines say that the connection is alive. New items are appended to the
file, which is also the memory of the program: after a break or a restart it asks for what came `since` the last item, and
leaves out what it has already. Ctrl-C, or SIGTERM, ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypeAlias

from hookline import (
    HttpClient,
    HttpConnectionError,
    HttpProxyError,
    HttpRequest,
    HttpResponse,
    HttpTimeout,
    ResponseStream,
    SSLError,
    Timeout,
)
from hookline_bodies import BodiesStream
from hookline_oauth import OAuth1

SILENCE = 90.0  # seconds without a byte after which the connection is given up; the feed sends empty lines more often
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # seconds between two attempts
REMEMBERED = 10_000  # items that a feed may send again
TEMPORARY = (420, 429, 500, 502, 503, 504)  # the statuses that another attempt may not meet

Item: TypeAlias = dict[str, Any]
logger = logging.getLogger("feed")


class Stream(BodiesStream, ResponseStream):
    """A stream with `iter_lines`, for type checkers."""


Response: TypeAlias = HttpResponse[HttpRequest, Stream]


class BrokenLine(Exception):
    """A line is no item: the feed has been cut, or something on the way has written into it."""


def parse_item(line: str | bytes) -> Item:
    """Return the object in a line of JSON. Its id is a str or an int.

    Raises: BrokenLine.
    """
    try:
        item = json.loads(line)
    except ValueError as error:
        raise BrokenLine(f"a line is not JSON: {error}") from error
    if not isinstance(item, dict) or not isinstance(item.get("id"), str | int):
        raise BrokenLine("a line of JSON is not an object with an id")
    return item


class Archive:
    """The items that have come, one line of JSON for each in a file.

    Raises: OSError; BrokenLine, for a file of something else, which is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self._seen: dict[str | int, None] = {}  # the newest REMEMBERED ids, oldest first
        self._file = path.open("a+b")
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> None:
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):  # the program was killed while it wrote
                self._file.truncate(end)
                break
            end += len(line)
            self._remember(parse_item(line)["id"])

    def _remember(self, id: str | int) -> None:
        self._seen[id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    @property
    def last_id(self) -> str | int | None:
        """The id of the newest item; None = there is none."""
        return next(reversed(self._seen), None)

    def add(self, item: Item) -> bool:
        """Append an item, and return True; False if it is there already."""
        if item["id"] in self._seen:
            return False
        self._file.write(json.dumps(item).encode() + b"\n")
        self._file.flush()
        self._remember(item["id"])
        return True

    def close(self) -> None:
        self._file.close()


def wait_before(attempt: int, retry_after: str | None = None) -> float:
    """Return the seconds to wait before an attempt. attempt: how many have failed in a row, from 1.

    The wait doubles each time, and is random, so that the clients of a server that was restarted do not all come at once.
    """
    asked = float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0
    own = FIRST_WAIT * 2.0 ** min(attempt - 1, 30) * random.uniform(0.5, 1)  # noqa: S311
    return min(max(asked, own), LONGEST_WAIT)


async def follow(client: HttpClient[Response], url: str, archive: Archive) -> AsyncGenerator[Item, None]:
    """Yield each item that is new to the archive, for ever.

    Raises: HttpRequestException, if another attempt would not help: the server refuses (401, 404 …), its certificate is bad.
    """
    failed = 0
    while True:
        retry_after = None
        try:
            params = {"since": archive.last_id}  # None leaves it out
            async with await client.get(url, params=params, stream=True) as response:
                if response.status_code not in TEMPORARY:
                    response.raise_for_status()
                    async for line in response.raw.iter_lines():
                        failed = 0
                        if line and archive.add(item := parse_item(line)):
                            yield item
                why = f"it ended with status {response.status_code}"
                retry_after = response.headers.get("Retry-After")
        except (SSLError, HttpProxyError):
            raise
        except (HttpConnectionError, HttpTimeout, BrokenLine, UnicodeDecodeError) as error:
            why = str(error)
        failed += 1
        seconds = wait_before(failed, retry_after)
        logger.warning("the feed broke: %s; next attempt in %.1f s", why, seconds)
        await asyncio.sleep(seconds)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Follow a feed of JSON lines, and append new items to a file.")
    parser.add_argument("url")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    auth = OAuth1(
        os.environ["FEED_CLIENT"],
        client_secret=os.environ["FEED_CLIENT_SECRET"],
        resource_owner_key=os.environ["FEED_TOKEN"],
        resource_owner_secret=os.environ["FEED_TOKEN_SECRET"],
    )
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    timeout = Timeout(connect=10, read=SILENCE)
    async with HttpClient[Response](auth=auth, timeout=timeout) as client:
        with contextlib.closing(Archive(given.file)) as archive:
            async with contextlib.aclosing(follow(client, given.url, archive)) as items:
                async for item in items:
                    print(item, flush=True)


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(message)s")
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(main())
