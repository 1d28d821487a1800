"""Upload a large file as multipart/form-data, with a progress bar and a checksum.

    python upload.py photos.tar https://example.org/upload

The file is read while it is sent, so it may be larger than the memory. The field `sha256` has its hash, so that the server can
refuse what was damaged on the way.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from hookline import HttpClient, HttpRequestException, HttpResponse, InvalidURL, Timeout

WIDTH = 30  # characters of the bar


def bar(done: int, total: int | None) -> str:
    """Return a line that shows how much is done. done, total: bytes; None = unknown."""
    if not total:
        return f"{done / 1e6:.1f} MB"
    filled = WIDTH * done // total
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {100 * done // total:3} % of {total / 1e6:.1f} MB"


class Progress:
    """Writes the bar to a terminal, ten times a second at most; to anything else, such as a file, nothing."""

    def __init__(self, output: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._output, self._clock = output, clock
        self._is_shown = output.isatty()
        self._due = float("-inf")

    def __call__(self, done: int, total: int | None) -> None:
        """Take the numbers of `on_upload`."""
        if self._is_shown and (done == total or self._clock() >= self._due):
            self._due = self._clock() + 0.1
            self._output.write(f"\r{bar(done, total)}")
            self._output.flush()

    def end(self) -> None:
        """Begin a new line after the bar."""
        if self._is_shown:
            self._output.write("\n")


def sha256_of(path: Path) -> str:
    """Return the hash of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def upload(client: HttpClient, path: Path, url: str, progress: Callable[[int, int | None], None]) -> HttpResponse:
    """Send a file with its checksum, and return the response of the server.

    progress: called with the bytes of the body that were sent, and all of them. The body is a little larger than the file.

    Raises: OSError, if the file cannot be read; HttpRequestException, for a status of 400 or more, or without an answer.
    """
    fields = {"sha256": await asyncio.to_thread(sha256_of, path)}
    response = await client.post(url, data=fields, files={"file": path}, on_upload=progress)
    return response.raise_for_status()


async def main() -> int:
    parser = argparse.ArgumentParser(description="Upload a file as multipart/form-data.")
    parser.add_argument("file", type=Path)
    parser.add_argument("url")
    given = parser.parse_args()
    progress = Progress(sys.stderr)
    # No limit for the whole upload, but for each wait. `wait_continue` lets the server refuse before the file is sent.
    async with HttpClient(timeout=Timeout(connect=10, read=60, write=60), wait_continue=True) as client:
        try:
            response = await upload(client, given.file, given.url, progress)
        except (HttpRequestException, InvalidURL, OSError) as error:
            progress.end()
            print(f"{given.file} was not uploaded: {error}", file=sys.stderr)
            return 1
    progress.end()
    print(response.status_code, response.reason, response.text)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
