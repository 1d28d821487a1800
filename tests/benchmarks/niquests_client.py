"""niquests, which runs in an environment of its own: it installs another library under the name urllib3."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.adapter import JSON_TYPE, Adapter, pieces
from benchmarks.workloads import CALL_AUTH, CALL_FIELDS, CALL_PARAMS, COOKIES, READ_TIMEOUT, WrongAnswer


class NiquestsClient(Adapter):
    has_cookies = False

    async def open(self) -> None:
        self.library: Any = importlib.import_module("niquests")
        self.session = self.library.AsyncSession(
            pool_connections=self.setup.pool,
            # Otherwise it opens a connection for each concurrent request, over HTTP/2 too.
            pool_maxsize=1 if self.setup.http2 else self.setup.pool,
            disable_http3=True,
            revocation_configuration=None,  # the authority of the tests has no service for it
            timeout=60,
            verify=self.setup.ca or True,
            # It has no option that switches off keep-alive. HTTP/2 has no such field: see clients.REUSES_ALWAYS.
            headers=None if self.setup.reuses else {"Connection": "close"},
        )
        self.session.trust_env = False

    async def close(self) -> None:
        await self.session.close()

    def describe(self) -> str:
        version: str = self.library.__version__
        return version

    async def get(self, url: str) -> tuple[int, bytes]:
        response = await self.session.get(url)
        return response.status_code, response.content

    async def json(self, url: str) -> tuple[int, object]:
        response = await self.session.get(url)
        return response.status_code, response.json()

    async def call(self, url: str) -> tuple[int, object]:
        if not self.has_cookies:
            self.session.cookies.update(COOKIES)
            self.has_cookies = True
        timeout = self.library.TimeoutConfiguration(read=READ_TIMEOUT)
        response = await self.session.get(url, params=CALL_PARAMS, headers=CALL_FIELDS, auth=CALL_AUTH, timeout=timeout)
        return response.status_code, response.json()

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        response = await self.session.post(url, data=body, headers=JSON_TYPE)
        return response.status_code, response.content

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        response = await self.session.post(url, data=pieces(size))
        return response.status_code, response.content

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        response = await self.session.get(url, stream=True)
        if response.status_code != 200:
            raise WrongAnswer(f"status {response.status_code}")
        # -1: pieces as they arrive, which are not decoded either.
        async for chunk in await response.iter_raw(-1):
            yield chunk
        await response.close()
