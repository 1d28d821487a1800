"""The server of other people's event streams, for these tests alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from servers.programs import require_module

if TYPE_CHECKING:
    from servers.addresses import Site


@pytest.fixture(scope="session")
def event_streams() -> Iterator[Site]:
    """sse-starlette under uvicorn; servers/event_streams.py lists its paths."""
    for module, distribution in (("sse_starlette", "sse-starlette"), ("uvicorn", "uvicorn")):
        require_module(module, distribution)
    from servers.event_streams import event_streams_site

    with event_streams_site() as site:
        yield site
