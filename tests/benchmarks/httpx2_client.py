"""httpx2 as it is usually installed."""

from __future__ import annotations

import httpx2

from benchmarks.adapter import Adapter
from benchmarks.workloads import CALL_AUTH, CALL_FIELDS, CALL_PARAMS, COOKIES, READ_TIMEOUT


class Httpx2Client(Adapter):
    async def open(self) -> None:
        limits = httpx2.Limits(max_connections=self.setup.pool, keepalive_expiry=600)
        self.client = httpx2.AsyncClient(
            limits=limits, verify=self.setup.context() or True, cookies=COOKIES, trust_env=False
        )
        self.timeout = httpx2.Timeout(None, read=READ_TIMEOUT)

    async def close(self) -> None:
        await self.client.aclose()

    def describe(self) -> str:
        return httpx2.__version__

    async def call(self, url: str) -> tuple[int, object]:
        response = await self.client.get(
            url, params=CALL_PARAMS, headers=CALL_FIELDS, auth=CALL_AUTH, timeout=self.timeout
        )
        return response.status_code, response.json()
