"""A body that the caller reads: chunk by chunk, until its end, or until it is let go."""

from __future__ import annotations

from typing import Any

from ..errors import ReadTimeout, StreamAbandoned, StreamConsumedError
from ..http1.connection import Connection
from .failure import fail
from .progress import NEVER, Progress


class Streaming(Progress):
    """See the module."""

    __slots__ = ()

    async def read_chunk(self) -> bytes:
        """The next decoded bytes of the body; b"" at its end. Whatever goes wrong ends the exchange.

        Raises: StreamConsumedError, when it was closed before; whatever went wrong.
        """
        connection = self.connection
        if connection is None:
            if self.is_cut:
                raise StreamConsumedError("the body was closed, or failed, before its end")
            return self.take(bounded=True)
        if connection.waiter is not None and not connection.waiter.done():
            raise StreamConsumedError("the stream is being read elsewhere at the same time; it has one reader")
        try:
            while True:
                self.is_whole = complete = connection.complete
                if not complete and self.filter is None and not self.parts:
                    if connection.read_at_once is not None and not connection.parts:
                        connection.read_at_once()
                    if len(connection.parts) == 1:
                        return connection.take_parts()[0]  # one read of a body that goes on, as most are
                if connection.parts or self.parts or complete or self.filter is not None:
                    self.parts += connection.take_parts()
                    data = self.take(bounded=True)
                    if complete and not (self.filter is not None and self.filter.has_pending):
                        await self._finish_stream(connection)
                        return data
                    if data:
                        return data
                if self.request.timeout.read:
                    self.wait_for(None, ReadTimeout, self.request.timeout.read, total=False)
                if connection.error is not None:
                    raise connection.error
                connection.waiter = waiter = connection.loop.create_future()
                await waiter
                if self.due != NEVER:
                    self.unwatch()
        except BaseException as error:
            self.is_whole = False
            await fail(self.as_response, error)
            raise

    async def _finish_stream(self, connection: Connection) -> None:
        self.end_body(connection)
        if not self.is_finished:
            self.mark_finished()
            stage = self.stage("post_request")
            if stage is not None:
                with self.request.client.scope.section():
                    await stage.run(self.as_response)  # no answer is taken: the caller has the response

    def close(self) -> Any:
        """Let go of a body that nobody reads on; nothing happens when it was read. In a running loop, await it or not."""
        return self.request.client.settle(self.aclose())

    async def aclose(self) -> None:
        """The same as a coroutine: post_request is told of StreamAbandoned."""
        if self.connection is not None:
            await self.abandon("the body was closed before its end")

    async def abandon(self, why: str) -> None:
        """End a stream that nobody reads on. What post_request raises has no caller to go to: it is logged."""
        error = StreamAbandoned(why)
        await fail(self.as_response, error)
        for note in getattr(error, "__notes__", ()):
            self.request.client.logger.error("%r: %s", self.request, note)
