"""The response of a mocked route."""

from __future__ import annotations

import json as json_module
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from ..memory.exchange import Exchange

NOTHING: Any = object()  # not given; None is a JSON value


class Reply:
    """One response.

    content: bytes, or a plain or asynchronous iterable of bytes, which is sent chunk by chunk. json, text: the body; they also
    set Content-Type, unless `headers` does. headers: a mapping, or pairs. reason: None = the registered one.

    Example::

        from hookline import HttpClient
        from hookline_testing import Mock, Reply

        with Mock() as mock, HttpClient() as client:
            mock.get("https://api.example/*").respond(lambda request: Reply(404, text=request.path))
            print(client.get("https://api.example/items").text)
    """

    def __init__(
        self,
        status: int = 200,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        content: bytes | Iterable[bytes] | AsyncIterable[bytes] = b"",
        json: Any = NOTHING,
        text: str | None = None,
        reason: str | None = None,
    ) -> None:
        if sum((json is not NOTHING, text is not None, content != b"")) > 1:
            raise TypeError("give only one of content, json and text")
        if isinstance(content, str):
            raise TypeError("content takes bytes; text= takes str")
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        kind = None
        if json is not NOTHING:
            content, kind = json_module.dumps(json).encode(), "application/json"
        elif text is not None:
            content, kind = text.encode(), "text/plain; charset=utf-8"
        if kind is not None and not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("Content-Type", kind))
        self.status = status
        self.headers = pairs
        self.content = content
        self.reason = reason

    async def send(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises: ConnectionError, when the client has closed; ValueError, for fields that HTTP cannot carry; what the iterable
        raises.

        Example::

            from hookline_testing import Reply


            class Noted(Reply):
                async def send(self, exchange):
                    print(self.status)
                    await super().send(exchange)
        """
        fields = [(name.encode("ascii"), value.encode("utf-8", "surrogateescape")) for name, value in self.headers]
        exchange.start(self.status, fields, self.reason)
        content = self.content
        if isinstance(content, bytes):
            await exchange.write(content, more=False)
            return
        if isinstance(content, AsyncIterable):
            async for piece in content:
                await exchange.write(piece, more=True)
        else:
            for piece in content:
                await exchange.write(piece, more=True)
        await exchange.write(b"", more=False)
