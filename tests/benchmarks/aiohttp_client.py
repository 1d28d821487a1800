"""aiohttp as it is usually installed: a session with the C extensions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import http_parser, http_writer

from benchmarks.adapter import JSON_TYPE, Adapter, pieces
from benchmarks.workloads import CALL_AUTH, CALL_FIELDS, CALL_PARAMS, COOKIES, READ_TIMEOUT, WrongAnswer


def assert_extensions() -> None:
    """Raise RuntimeError if aiohttp uses its Python parser or writer: a comparison with those would be unfair."""
    parser = getattr(http_parser, "HttpResponseParser", None)
    writer = getattr(http_writer, "_serialize_headers", None)
    if parser is getattr(http_parser, "HttpResponseParserPy", None) or writer is getattr(
        http_writer, "_py_serialize_headers", None
    ):
        raise RuntimeError("aiohttp runs without its C extensions; a comparison with it would be unfair")


class AiohttpClient(Adapter):
    async def open(self) -> None:
        assert_extensions()
        connector = aiohttp.TCPConnector(limit=self.setup.pool, keepalive_timeout=600, ssl=self.setup.context() or True)
        jar = aiohttp.CookieJar(unsafe=True)  # which sends cookies to IP addresses
        self.session = aiohttp.ClientSession(connector=connector, cookie_jar=jar)
        self.auth = aiohttp.BasicAuth(*CALL_AUTH)
        self.timeout = aiohttp.ClientTimeout(total=None, sock_read=READ_TIMEOUT)

    async def close(self) -> None:
        await self.session.close()

    def describe(self) -> str:
        return f"{aiohttp.__version__} with C extensions"

    async def get(self, url: str) -> tuple[int, bytes]:
        async with self.session.get(url) as response:
            return response.status, await response.read()

    async def json(self, url: str) -> tuple[int, object]:
        async with self.session.get(url) as response:
            return response.status, await response.json()

    async def call(self, url: str) -> tuple[int, object]:
        if not len(self.session.cookie_jar):
            self.session.cookie_jar.update_cookies(COOKIES)
        async with self.session.get(
            url, params=CALL_PARAMS, headers=CALL_FIELDS, auth=self.auth, timeout=self.timeout
        ) as response:
            return response.status, await response.json()

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        async with self.session.post(url, data=body, headers=JSON_TYPE) as response:
            return response.status, await response.read()

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        async with self.session.post(url, data=pieces(size)) as response:
            return response.status, await response.read()

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        async with self.session.get(url) as response:
            if response.status != 200:
                raise WrongAnswer(f"status {response.status}")
            async for chunk in response.content.iter_any():
                yield chunk

    async def open_websocket(self, url: str) -> Any:
        return await self.session.ws_connect(url, max_msg_size=0)

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        await websocket.send_bytes(message)
        received: bytes = await websocket.receive_bytes()
        return received

    async def close_websocket(self, websocket: Any) -> None:
        await websocket.close()
