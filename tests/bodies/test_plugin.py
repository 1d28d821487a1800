"""The plugin with and without a client: named in a call, disabled, replaced; for sub-requests and for all calls."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest

from hookline import HttpClient, hookimpl
from hookline_bodies import Bodies
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

URL = "http://127.0.0.1:1/"


async def test_plugin_as_an_object_sends_files(scripted: ScriptedServer) -> None:
    scripted.answer(response(b""))
    async with HttpClient(autoload=False, plugins=[Bodies()]) as client:
        await client.post(scripted.url(), data=io.BytesIO(b"content"))
    assert scripted.requests[0].body == b"content"


async def test_plugin_of_one_call_has_all_it_adds(scripted: ScriptedServer, tmp_path: Any) -> None:
    scripted.answer(response(b"one\ntwo", headers=[("Link", "</2>; rel=next")]))
    told: list[Any] = []
    async with HttpClient(autoload=False) as client:
        answer = await client.post(
            scripted.url(), files={"f": b"x"}, plugins=["bodies"], on_upload=lambda *each: told.append(each)
        )
        assert answer.links["next"]["url"] == scripted.url("/2")
        assert [line async for line in answer.raw.iter_lines()] == ["one", "two"]
    size = len(scripted.requests[0].body)
    assert told == [(size, size)]


@pytest.mark.parametrize("given", [{"files": {"f": b"x"}}, {"on_upload": print}, {"on_download": print}])
async def test_disabled_plugin_is_named_by_the_error(given: dict[str, Any]) -> None:
    (name,) = given
    async with HttpClient() as client:
        with pytest.raises(TypeError, match=f"unexpected keyword '{name}'.*'bodies'.*disabled"):
            await client.post(URL, disable=["bodies"], **given)
        with pytest.raises(TypeError, match="files, paths and other values need a plugin"):
            await client.post(URL, disable=["bodies"], data=io.BytesIO(b""))
    async with HttpClient(autoload=False) as client:
        with pytest.raises(TypeError, match=f"unexpected keyword '{name}'.*'bodies', which is not loaded"):
            await client.post(URL, **given)


async def test_near_miss_names_the_keyword() -> None:
    async with HttpClient(autoload=False, plugins=["bodies"]) as client:
        with pytest.raises(TypeError, match="Did you mean 'files'"):
            await client.post(URL, file={"f": b"x"})
        with pytest.raises(TypeError, match="'files': it is the body of a request"):
            HttpClient(autoload=False, plugins=["bodies"], files={})


async def test_callbacks_of_the_client_are_called_for_each_call(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    up: list[Any] = []
    down: list[Any] = []
    async with HttpClient(
        autoload=False,
        plugins=["bodies"],
        on_upload=lambda *each: up.append(each),
        on_download=lambda *each: down.append(each),
    ) as client:
        await client.post(scripted.url(), json=[1])
        await client.post(scripted.url(), data=b"four", on_upload=None)
    assert up == [(3, 3)]
    assert down[-1] == (4, 4)


class Asks:
    """Sends a sub-request with a file for each call."""

    name = "asks"

    @hookimpl
    async def pre_request(self, response: Any) -> None:
        client = response.request.client
        sub = client.new_request(
            "POST", response.request.url, cause="token", parent=response.request, files={"f": io.BytesIO(b"own")}
        )
        await client.exchange(sub)


async def test_sub_request_sends_files_and_reports_nothing(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    told: list[Any] = []
    async with HttpClient(autoload=False, plugins=["bodies", Asks()]) as client:
        await client.post(scripted.url(), data=b"four", on_upload=lambda *each: told.append(each))
    assert [b"own" in request.body for request in scripted.requests] == [True, False]
    assert told == [(4, 4)]


async def test_callbacks_leave_the_body_and_its_snapshot_as_they_are(scripted: ScriptedServer) -> None:
    scripted.answer(response(b""))
    async with HttpClient(autoload=False, plugins=["bodies"]) as client:
        answer = await client.post(scripted.url(), json=[1], on_upload=print, on_download=print)
    assert answer.request.body == b"[1]"
    copied = pickle.loads(pickle.dumps(answer))
    assert (copied.request.body, copied.request.on_upload) == (b"[1]", None)


def test_plugin_lists_what_it_declares() -> None:
    info = HttpClient(autoload=False, plugins=["bodies"]).plugins["bodies"]
    assert info.bodies == ("data", "files")
    assert info.options == ("on_upload", "on_download")
    assert info.hooks == ("pre_request",)
    assert info.runs_for == ("option on_download", "option on_upload")
