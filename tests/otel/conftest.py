"""What the tests of the plugin share: an SDK in memory, and a client that records to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hookline import HttpClient
from kit.otel import Telemetry


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
async def client(telemetry: Telemetry) -> AsyncIterator[HttpClient]:
    """A client with the plugin, and no other."""
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], timeout=20) as client:
        yield client
