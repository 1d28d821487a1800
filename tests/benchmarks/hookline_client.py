"""Hookline with every installed default plugin, the same with isal, over HTTP/2 or kept to HTTP/1.1, and its core alone."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from benchmarks.adapter import JSON_TYPE, Adapter, pieces
from benchmarks.workloads import CALL_AUTH, CALL_FIELDS, CALL_PARAMS, COOKIES, READ_TIMEOUT, WrongAnswer
from hookline import HttpClient, Timeout


class HooklineClient(Adapter):
    autoload = True
    uses_isal = False
    options: ClassVar[dict[str, Any]] = {}
    has_cookies = False

    async def open(self) -> None:
        if not self.uses_isal:
            sys.modules["isal"] = None  # type: ignore[assignment]  # as if it was not installed
        self.stack = AsyncExitStack()
        client = HttpClient(
            pool_size=self.setup.pool,
            keep_alive=600 if self.setup.reuses else 0,
            verify=self.setup.ca or True,
            autoload=self.autoload,
            **self.options,
        )
        self.client: Any = await self.stack.enter_async_context(client)
        self.timeout = Timeout(read=READ_TIMEOUT)

    async def close(self) -> None:
        await self.stack.aclose()

    def describe(self) -> str:
        return f"plugins: {', '.join(plugin.name for plugin in self.client.plugins) or 'none'}"

    async def get(self, url: str) -> tuple[int, bytes]:
        response = await self.client.get(url)
        return response.status_code, response.content

    async def json(self, url: str) -> tuple[int, object]:
        response = await self.client.get(url)
        return response.status_code, response.json()

    async def call(self, url: str) -> tuple[int, object]:
        if not self.has_cookies:
            self.client.cookies = COOKIES
            self.has_cookies = True
        response = await self.client.get(
            url, params=CALL_PARAMS, headers=CALL_FIELDS, auth=CALL_AUTH, timeout=self.timeout
        )
        return response.status_code, response.json()

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        response = await self.client.post(url, data=body, headers=JSON_TYPE)
        return response.status_code, response.content

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        response = await self.client.post(url, data=pieces(size))
        return response.status_code, response.content

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        response = await self.client.get(url, stream=True)
        if response.status_code != 200:
            raise WrongAnswer(f"status {response.status_code}")
        async for chunk in response.raw:
            yield chunk

    async def open_websocket(self, url: str) -> Any:
        return await self.client.get(url, compression=False, max_message_size=0)

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        await websocket.send(message)
        received: bytes = await websocket.receive()
        return received

    async def close_websocket(self, websocket: Any) -> None:
        await websocket.close()


class HooklineIsal(HooklineClient):
    uses_isal = True

    async def open(self) -> None:
        import isal  # noqa: F401  # without it zlib would be measured

        await super().open()


class HooklineCore(HooklineClient):
    autoload = False

    async def decoded(self, url: str) -> tuple[int, bytes]:
        raise NotImplementedError("core alone leaves content codings to plugins")


class HooklineOnH2(HooklineClient):
    options: ClassVar[dict[str, Any]] = {"http2_engine": "h2"}


class HooklineHttp1(HooklineClient):
    options: ClassVar[dict[str, Any]] = {"version": "HTTP/1.1"}
