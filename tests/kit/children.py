"""What the processes of a test do: functions that a fresh process can import."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

from hookline import HttpClient, HttpRequestException


def fetch(url: str, options: dict[str, Any]) -> Any:
    """What a synchronous client gets, which goes to the process that asked."""
    with HttpClient() as client:
        return client.get(url, **options)


def fetch_async(url: str, options: dict[str, Any]) -> Any:
    """The same in a loop."""

    async def main() -> Any:
        async with HttpClient() as client:
            return await client.get(url, **options)

    return asyncio.run(main())


def fetch_strictly(url: str, options: dict[str, Any]) -> Any:
    """The error of a status of 400 and more."""
    with HttpClient() as client:
        try:
            return client.get(url, **options).raise_for_status()
        except HttpRequestException as error:
            error.add_note("in a child")
            raise


def fetch_stream(url: str, options: dict[str, Any]) -> Any:
    """A stream that is still open when the process that asked is to get it."""
    client = HttpClient()
    found = client.get(url, stream=True, **options)
    KEPT.append((client, found))
    return found


def close_streams() -> None:
    """The end of what `fetch_stream` left open."""
    while KEPT:
        client, found = KEPT.pop()
        found.close()
        client.close()


KEPT: list[Any] = []


def facts_of(response: Any) -> dict[str, Any]:
    """What a process sees of a response that it was given."""
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
    """Put the result, or the error, into a queue."""
    try:
        queue.put(function(*args))
    except Exception as error:  # noqa: BLE001  # it is the result
        queue.put(error)


def names_in(data: bytes) -> set[str]:
    """The modules that a pickle names."""
    found: set[str] = set()

    class Noting(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            found.add(module)
            return super().find_class(module, name)

    import io

    Noting(io.BytesIO(data)).load()
    return found
