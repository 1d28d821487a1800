"""What the plugin adds to requests, responses, streams and clients, for type checkers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from .lines import Lines

    Progress = Callable[[int, int | None], object] | None


class BodiesRequest:
    """What the plugin adds to requests.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_bodies import BodiesRequest


        class Request(BodiesRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(on_upload=print)
        print(client.build_request("GET", "http://127.0.0.1:8000/").on_upload)
    """

    on_upload: Progress
    on_download: Progress


class BodiesClient:
    """What the plugin adds to clients.

    Example::

        from hookline import HttpClient
        from hookline_bodies import BodiesClient


        class Client(BodiesClient, HttpClient): ...


        client = Client(on_upload=print)
        print(client.on_upload)
    """

    on_upload: Progress
    on_download: Progress


class BodiesResponse:
    """What the plugin adds to responses.

    Example::

        from hookline import HttpClient, HttpResponse
        from hookline_bodies import BodiesResponse


        class Response(BodiesResponse, HttpResponse): ...


        async with HttpClient[Response]() as client:
            print((await client.get("http://127.0.0.1:8000/pages")).links["next"]["url"])
    """

    links: dict[str, dict[str, str]]


class BodiesStream:
    """What the plugin adds to `response.raw`.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse, ResponseStream
        from hookline_bodies import BodiesStream


        class Stream(BodiesStream, ResponseStream): ...


        async with HttpClient[HttpResponse[HttpRequest, Stream]]() as client:
            response = await client.get("http://127.0.0.1:8000/lines", stream=True)
            print([line async for line in response.raw.iter_lines()])
    """

    iter_lines: Callable[..., Lines]
    save: Callable[[str | os.PathLike[str]], Coroutine[Any, Any, int]]


class SyncBodiesStream:
    """What the plugin adds to `response.raw` without a running loop.

    Example::

        from hookline import HttpRequest, SyncHttpClient, SyncHttpResponse, SyncResponseStream
        from hookline_bodies import SyncBodiesStream


        class Stream(SyncBodiesStream, SyncResponseStream): ...


        with SyncHttpClient[SyncHttpResponse[HttpRequest, Stream]]() as client:
            response = client.get("http://127.0.0.1:8000/lines", stream=True)
            print(list(response.raw.iter_lines()))
    """

    iter_lines: Callable[..., Lines]
    save: Callable[[str | os.PathLike[str]], int]
