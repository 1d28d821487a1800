"""Nothing of what is secret in a request gets into logs, whatever their level."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from hookline import HttpClient
from servers.http2 import Http2Server


@pytest.mark.parametrize("engine", ["h2"])  # the server of the test has the same library, which ngh2 does not need
async def test_fields_are_not_logged(
    server: Http2Server, make_client: Callable[..., HttpClient], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client = make_client()
        await client.get(server.url(), headers={"Authorization": "Bearer s3cret"})
    assert "s3cret" not in caplog.text
