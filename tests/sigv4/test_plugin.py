"""The plugin alone with core, disabled, and beside other values of `auth=`."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import hookline
import hookline_sigv4
from hookline import HttpClient, Option, hookimpl
from hookline_sigv4 import SigV4, SigV4Plugin
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, SECRET_KEY

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


def auth_of(service: str = "s3", **options: Any) -> SigV4:
    return SigV4(service, "us-east-1", (ACCESS_KEY, SECRET_KEY), **options)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("plugin", ["sigv4", SigV4Plugin()], ids=["name", "object"])
async def test_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        assert [found.name for found in client.plugins] == ["sigv4"]
        await client.get(scripted.url(), auth=auth_of())
        await client.get(scripted.url())
        with pytest.raises(TypeError, match="auth= takes a SigV4"):
            await client.get(scripted.url(), auth=("user", "password"))
    sent = [(request.header("authorization") or "")[:16] for request in scripted.requests]
    assert sent == ["AWS4-HMAC-SHA256", ""]


async def test_loaded_for_every_client() -> None:
    async with HttpClient(require=["sigv4"]) as client:
        found = next(found for found in client.plugins if found.name == "sigv4")
    assert (found.distribution, found.options) == ("hookline-sigv4", ("auth",))
    assert hookline.SigV4 is SigV4  # type: ignore[attr-defined]


async def test_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(disable=["sigv4"]) as client:
        with pytest.raises(TypeError, match=r"auth"):
            await client.get(scripted.url(), auth=auth_of())
    assert scripted.requests == []


def test_it_runs_only_for_auth() -> None:
    client = HttpClient(autoload=False, plugins=["sigv4"])
    assert dict(client.plugins.order("pre_request"))["sigv4"].endswith("runs for option auth")


async def test_values_of_other_plugins_are_left_alone(scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 403, [("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]))

    class Other:
        @hookimpl
        def declare(self) -> list[Any]:
            return [Option("auth", None, accepts=(str,))]

    async with HttpClient(autoload=False, plugins=["sigv4", Other()]) as client:
        await client.get(scripted.url(), auth="other")
    assert scripted.requests[0].header("authorization") is None
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"service": ""}, ValueError, "service='' is not a name"),
        ({"service": "s3/x"}, ValueError, "service='s3/x' is not a name"),
        ({"service": 3}, TypeError, "service is a str, not int"),
        ({"region": "eu west"}, ValueError, "region='eu west' is not a name"),
        ({"payload": "chunked"}, ValueError, "there are 'signed', 'unsigned', 'streamed' and None"),
        ({"chunk_size": 100}, ValueError, "8192 bytes and more"),
        ({"signed_headers": "range"}, TypeError, "takes several names"),
        ({"signed_headers": ["Connection"]}, ValueError, "connection cannot be signed"),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        SigV4(**{"service": "s3", "region": "us-east-1", "credentials": (ACCESS_KEY, SECRET_KEY), **options})


def test_names_are_imported_at_first_use() -> None:
    for name in hookline_sigv4.__all__:
        assert getattr(hookline_sigv4, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'SigV5'"):
        hookline_sigv4.SigV5  # noqa: B018


async def test_option_reads_as_it_was_given() -> None:
    auth = auth_of()
    async with HttpClient(auth=auth) as client:
        assert client.auth is auth
        assert copy.copy(auth) is not auth
