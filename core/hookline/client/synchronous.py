"""The synchronous mode, with types: `SyncHttpClient`, whose calls are typed as returning responses."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ..exchange.request import HttpRequest
from ..exchange.response import HttpResponse, RequestT_co
from ..exchange.response_stream import ResponseStream
from ..messages.fields import HeadersLike
from ..network.loop_runner import running_loop
from .client import HttpClient

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    StreamT_co = TypeVar("StreamT_co", bound="SyncResponseStream", default="SyncResponseStream", covariant=True)
    SyncT_co = TypeVar("SyncT_co", bound="SyncHttpResponse[Any, Any]", default="SyncHttpResponse", covariant=True)
else:  # type checkers alone need the defaults, which Python has from 3.13 on
    from typing import TypeVar

    StreamT_co, SyncT_co = TypeVar("StreamT_co"), TypeVar("SyncT_co")

T = TypeVar("T")


class SyncResponseStream(ResponseStream):
    """The type of `response.raw` in synchronous mode, for type checkers. The objects are of the class ResponseStream.

    Example::

        from hookline import SyncHttpClient, SyncResponseStream


        def first_bytes(stream: SyncResponseStream) -> bytes:
            return stream.read(100)


        with SyncHttpClient() as client:
            with client.get("http://127.0.0.1:8000/large", stream=True) as response:
                print(len(first_bytes(response.raw)))
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def read(self, n: int | None = -1) -> bytes: ...  # type: ignore[override]


class SyncHttpResponse(HttpResponse[RequestT_co, StreamT_co]):
    """The type of responses in synchronous mode, for type checkers. The objects are of the class HttpResponse.

    Example: docs/typing.md#plugins-of-your-own
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def close(self) -> None: ...  # type: ignore[override]


class SyncHttpClient(HttpClient[SyncT_co]):
    """An `HttpClient` for programs without a running event loop. Its calls return responses, and have that type:

        with SyncHttpClient() as client:
            response = client.get("http://127.0.0.1:8000/")

    Parameters, methods and errors are those of `HttpClient`. In a running event loop, where those return an awaitable, the
    methods raise RuntimeError. Handlers are the exception: they run in the loop of the client, and await what they call.

    Example: docs/typing.md#without-a-running-loop
    """

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:  # type: ignore[override]
        """Run a coroutine, and return its result; see `HttpClient.run`.

        Raises: RuntimeError, in a running event loop; whatever the coroutine raises.

        Example::

            from hookline import SyncHttpClient


            async def work() -> int:
                return 7


            with SyncHttpClient() as client:
                print(client.run(work()))
        """
        if not self._claim and running_loop() is not None:  # a loop that this client does not run
            coroutine.close()
            raise RuntimeError("an event loop is running, which a SyncHttpClient would block: use an HttpClient")
        return super().run(coroutine)  # type: ignore[return-value]  # no loop runs, so this is the result

    # What `run` returns, for type checkers.
    if TYPE_CHECKING:

        def close(self) -> None: ...  # type: ignore[override]

        def request(  # type: ignore[override]
            self, method: str, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any
        ) -> SyncT_co: ...
        def send(self, request: HttpRequest, **options: Any) -> SyncT_co: ...  # type: ignore[override]
        def get(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
        def options(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
        def head(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
        def post(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
        def put(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
        def patch(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
        def delete(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> SyncT_co: ...  # type: ignore[override]
