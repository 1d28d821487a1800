"""Assert that a guard blocks a request."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import EgressBlocked, HttpClient


async def is_blocked(client: HttpClient, url: str, **options: Any) -> EgressBlocked:
    """Return the error of a GET, which holds nothing of the client any more."""
    with pytest.raises(EgressBlocked) as caught:
        await client.get(url, **options)
    assert client.stats().in_use == 0
    return caught.value
