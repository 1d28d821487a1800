"""Functions that tests run in other processes. A fresh process imports them from here."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

from hookline import HttpClient, HttpRequestException


def fetch(url: str, options: dict[str, Any]) -> Any:
    """Return the response to a GET of a synchronous client; it is pickled for the calling process."""
    with HttpClient() as client:
        return client.get(url, **options)


def fetch_async(url: str, options: dict[str, Any]) -> Any:
    """Do as `fetch`, with a client in an event loop."""

    async def main() -> Any:
        async with HttpClient() as client:
            return await client.get(url, **options)

    return asyncio.run(main())


def fetch_strictly(url: str, options: dict[str, Any]) -> Any:
    """Do as `fetch`, and raise HttpRequestException for a status of 400 or more."""
    with HttpClient() as client:
        try:
            return client.get(url, **options).raise_for_status()
        except HttpRequestException as error:
            error.add_note("in a child")
            raise


def fetch_stream(url: str, options: dict[str, Any]) -> Any:
    """Return a response with `stream=True` that is still open when it is pickled for the calling process."""
    client = HttpClient()
    found = client.get(url, stream=True, **options)
    KEPT.append((client, found))
    return found


def close_streams() -> None:
    """Close the streams that `fetch_stream` left open, and their clients."""
    while KEPT:
        client, found = KEPT.pop()
        found.close()
        client.close()


KEPT: list[Any] = []


def facts_of(response: Any) -> dict[str, Any]:
    """Return the facts that a process reads from a response that it received."""
    return {
        "status": response.status_code,
        "content": response.content,
        "headers": list(response.headers.items()),
        "url": response.url,
        "history": [earlier.status_code for earlier in response.history],
        "cookies": response.cookies,
        "elapsed": response.elapsed,
    }


def into_queue(queue: Any, function: Any, *args: Any) -> None:
    """Call a function, and put its result or its exception into a queue."""
    try:
        queue.put(function(*args))
    except Exception as error:  # noqa: BLE001  # it is the result
        queue.put(error)


def names_in(data: bytes) -> set[str]:
    """Return the modules that a pickle imports from."""
    found: set[str] = set()

    class Noting(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            found.add(module)
            return super().find_class(module, name)

    import io

    Noting(io.BytesIO(data)).load()
    return found
