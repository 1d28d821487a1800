"""pyreqwest, which wraps a client written in Rust. It is not among the packages of the tests: `pip install pyreqwest`."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.adapter import JSON_TYPE, Adapter, pieces
from benchmarks.workloads import WrongAnswer


class PyreqwestClient(Adapter):
    async def open(self) -> None:
        library: Any = importlib.import_module("pyreqwest.client")
        idle = self.setup.pool if self.setup.reuses else 0
        builder = library.ClientBuilder().max_connections(self.setup.pool).pool_max_idle_per_host(idle).no_proxy()
        builder = (
            builder.pool_idle_timeout(timedelta(seconds=600)).timeout(timedelta(seconds=60)).gzip(True).http2(True)
        )
        if self.setup.ca:
            builder = builder.add_root_certificate_pem(Path(self.setup.ca).read_bytes())
        self.client = builder.build()
        await self.client.__aenter__()

    async def close(self) -> None:
        await self.client.__aexit__(None, None, None)

    def describe(self) -> str:
        return importlib.metadata.version("pyreqwest")

    async def get(self, url: str) -> tuple[int, bytes]:
        response = await self.client.get(url).build().send()
        return response.status, bytes(await response.bytes())

    async def json(self, url: str) -> tuple[int, object]:
        response = await self.client.get(url).build().send()
        return response.status, await response.json()

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        request = self.client.post(url).header("Content-Type", JSON_TYPE["Content-Type"]).body_bytes(body).build()
        response = await request.send()
        return response.status, bytes(await response.bytes())

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        response = await self.client.post(url).body_stream(pieces(size)).build().send()
        return response.status, bytes(await response.bytes())

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        async with self.client.get(url).build_streamed() as response:
            if response.status != 200:
                raise WrongAnswer(f"status {response.status}")
            while (chunk := await response.body_reader.read_chunk()) is not None:
                yield bytes(chunk)
