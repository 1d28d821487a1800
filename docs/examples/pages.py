"""Read a list from a web API, page by page, with retries and a cache on the disk.

    python pages.py https://api.github.com/repos/python/cpython/labels

The pages are linked with `Link: <…>; rel="next"` (RFC 8288). A 429 or 503 is repeated when its Retry-After says. Pages are kept
in a file: a second run sends their ETags, and the server answers 304 for those that have not changed, which costs no quota.
The variable API_TOKEN may have a token for the API. It needs `pip install 'hookline[cache,retry]'`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypeAlias

from hookline import HttpClient, HttpRequest, HttpRequestException, HttpResponse, InvalidURL, split_url
from hookline_bodies import BodiesResponse
from hookline_cache import Cache, CacheResponse, SQLiteStorage
from hookline_retry import Retry

MOST_PAGES = 1000  # a server whose pages lead in a circle ends here


class Response(BodiesResponse, CacheResponse, HttpResponse[HttpRequest]):
    """A response with `links` and `cache_status`, for type checkers."""


Client: TypeAlias = HttpClient[Response]


class BadList(Exception):
    """The API sent something else than pages of a list."""


def make_client(cache: Path, token: str | None = None) -> Client:
    """Make a client for one API, which asks five times more, and keeps pages in the file `cache`."""
    headers = {"Accept": "application/json", "Authorization": None if token is None else f"Bearer {token}"}
    return HttpClient[Response](
        headers=headers, plugins=["retry"], retry=Retry(5, max_wait=120), cache=Cache(SQLiteStorage(cache)), timeout=300
    )


def next_page(response: Response, first: str) -> str | None:
    """Return the URL of the page after this one; None = it is the last.

    first: the URL of the first page, which the user gave.

    Raises: BadList, if the next one is at another origin, to which the token must not be sent; InvalidURL.
    """
    link = response.links.get("next")
    if link is None:
        return None
    here, there = split_url(first), split_url(link["url"])
    if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
        raise BadList(f"the next page is at another origin: {there.scheme}://{there.host}")
    return there.url


async def items(client: Client, url: str) -> AsyncGenerator[Any, None]:
    """Yield the items of all pages, the first of which is at `url`. Each page is read when it is needed.

    Raises: BadList; HttpRequestException, for a status of 400 or more after all retries, or without an answer.
    """
    page: str | None = url
    for _ in range(MOST_PAGES):
        if page is None:
            return
        response = (await client.get(page)).raise_for_status()
        try:
            found = response.json()
        except ValueError as error:
            raise BadList(f"{page} is not JSON: {error}") from error
        if not isinstance(found, list):
            raise BadList(f"{page} has no list, but an object of type {type(found).__name__}")
        for item in found:
            yield item
        page = next_page(response, url)
    raise BadList(f"there are more than {MOST_PAGES} pages")


async def main() -> int:
    parser = argparse.ArgumentParser(description="Print the items of a list that a web API has in pages.")
    parser.add_argument("url")
    parser.add_argument("--cache", type=Path, default=Path("pages.sqlite"), help="default: %(default)s")
    given = parser.parse_args()
    async with make_client(given.cache, os.environ.get("API_TOKEN")) as client:
        client.event("post_request").bind(report)
        try:
            async with contextlib.aclosing(items(client, given.url)) as found:
                async for item in found:
                    print(item)
        except (BadList, HttpRequestException, InvalidURL) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def report(response: Response, exc: BaseException | None = None) -> None:
    """Say what became of each request, on the event `post_request`."""
    print(response.status_code, response.url, f"({response.cache_status})", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
