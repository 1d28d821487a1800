"""Errors whose class says that they are permanent are not retried, whatever `errors=` names."""

from __future__ import annotations

import pytest

from hookline import HttpClient, HttpRequestException, HttpResponse, hookimpl
from hookline_retry import Retry
from hookline_testing.server import ScriptedServer, response


class Temporary(HttpRequestException):
    """An error of another plugin."""


class Permanent(HttpRequestException):
    is_permanent = True


@pytest.mark.parametrize(("kind", "attempts"), [(Temporary, 3), (Permanent, 1)])
async def test_permanent_errors_are_not_retried(
    scripted: ScriptedServer, kind: type[HttpRequestException], attempts: int
) -> None:
    class Refuses:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            raise kind("not here", request=response.request)

    scripted.always(response(b"x"))
    policy = Retry(2, errors=HttpRequestException, backoff=0)
    async with HttpClient(autoload=False, plugins=["retry", Refuses()], retry=policy) as client:
        with pytest.raises(kind):
            await client.get(scripted.url())
    assert len(scripted.requests) == attempts
