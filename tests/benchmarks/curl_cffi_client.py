"""curl_cffi, which wraps libcurl. It is not among the packages of the tests: `pip install curl_cffi`."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.adapter import JSON_TYPE, Adapter
from benchmarks.workloads import WrongAnswer


class CurlCffiClient(Adapter):
    async def open(self) -> None:
        library: Any = importlib.import_module("curl_cffi")
        requests: Any = importlib.import_module("curl_cffi.requests")
        options = {library.CurlOpt.MAXCONNECTS: self.setup.pool}
        if not self.setup.reuses:
            options |= {library.CurlOpt.FORBID_REUSE: 1, library.CurlOpt.SSL_SESSIONID_CACHE: 0}
        self.session = requests.AsyncSession(
            max_clients=self.setup.pool,
            verify=self.setup.ca or True,
            curl_options=options,
            trust_env=False,
            timeout=60,
        )

    async def close(self) -> None:
        await self.session.close()

    def describe(self) -> str:
        return importlib.metadata.version("curl_cffi")

    async def get(self, url: str) -> tuple[int, bytes]:
        response = await self.session.get(url)
        return response.status_code, response.content

    async def json(self, url: str) -> tuple[int, object]:
        response = await self.session.get(url)
        return response.status_code, response.json()

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        response = await self.session.post(url, data=body, headers=JSON_TYPE)
        return response.status_code, response.content

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        response = await self.session.get(url, stream=True)
        if response.status_code != 200:
            raise WrongAnswer(f"status {response.status_code}")
        async for chunk in response.aiter_content():
            yield chunk
        await response.aclose()
