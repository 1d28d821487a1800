"""httpx2 with HTTP/2, where the server offers it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from benchmarks.adapter import JSON_TYPE, Adapter, pieces
from benchmarks.workloads import CALL_AUTH, CALL_FIELDS, CALL_PARAMS, COOKIES, READ_TIMEOUT, WrongAnswer


class Httpx2Client(Adapter):
    async def open(self) -> None:
        kept = self.setup.pool if self.setup.reuses else 0
        self.client = httpx2.AsyncClient(
            http2=True,
            verify=self.setup.context() or True,
            timeout=60,
            trust_env=False,
            limits=httpx2.Limits(max_connections=self.setup.pool, max_keepalive_connections=kept, keepalive_expiry=600),
        )
        self.timeout = httpx2.Timeout(None, read=READ_TIMEOUT)

    async def close(self) -> None:
        await self.client.aclose()

    def describe(self) -> str:
        return httpx2.__version__

    async def get(self, url: str) -> tuple[int, bytes]:
        response = await self.client.get(url)
        return response.status_code, response.content

    async def json(self, url: str) -> tuple[int, object]:
        response = await self.client.get(url)
        return response.status_code, response.json()

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        response = await self.client.post(url, content=body, headers=JSON_TYPE)
        return response.status_code, response.content

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        response = await self.client.post(url, content=pieces(size))
        return response.status_code, response.content

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        async with self.client.stream("GET", url) as response:
            if response.status_code != 200:
                raise WrongAnswer(f"status {response.status_code}")
            async for chunk in response.aiter_raw():
                yield chunk

    async def call(self, url: str) -> tuple[int, object]:
        if not self.client.cookies:
            self.client.cookies.update(COOKIES)
        response = await self.client.get(
            url, params=CALL_PARAMS, headers=CALL_FIELDS, auth=CALL_AUTH, timeout=self.timeout
        )
        return response.status_code, response.json()
