"""Responses and errors of clients with all plugins go from process to process."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any

import pytest

import hookline
from hookline import ConnectionRefused, HttpClient, HttpRequestException, HttpResponse
from hookline_auth import HTTPDigestAuth
from hookline_oauth import OAuth2
from hookline_redirects import TooManyRedirects
from hookline_testing.server import ScriptedServer, head, response
from hookline_websocket import WS
from kit.children import (
    close_streams,
    facts_of,
    fetch,
    fetch_async,
    fetch_stream,
    fetch_strictly,
    into_queue,
    names_in,
)
from kit.copies import WAYS, assert_same_error, assert_same_response
from servers.addresses import Site, refused_port

METHODS = ["spawn", "fork"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # the server of the test is a thread


@pytest.fixture(scope="module", params=METHODS)
def pool(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context(request.param)) as executor:
        yield executor


def answer_with_redirect(scripted: ScriptedServer) -> None:
    cookie = ("Set-Cookie", "seen=1; Path=/")
    scripted.answer(response(b"moved", 302, [("Location", scripted.url("/b")), cookie]))
    scripted.answer(response(b'{"a": 1}', headers=[("Content-Type", "application/json")]))


@pytest.mark.parametrize("function", [fetch, fetch_async], ids=["synchronous", "loop"])
def test_response_arrives_from_a_process_pool(scripted: ScriptedServer, pool: Executor, function: Any) -> None:
    answer_with_redirect(scripted)

    found = pool.submit(function, scripted.url("/a"), {"timings": True, "auth": ("me", "s3cret")}).result(30)

    assert isinstance(found, HttpResponse)
    assert (found.status_code, found.json(), found.url) == (200, {"a": 1}, scripted.url("/b"))
    assert [(r.status_code, r.content, r.cookies) for r in found.history] == [(302, b"moved", {"seen": "1"})]
    assert found.cookies == {}
    assert 0 < found.elapsed.total_seconds() < 30
    assert found.timings.done > 0
    assert found.request.max_redirects == 10
    assert found.request.proxy is None
    assert found.request.auth is None
    assert "Authorization" not in found.request.headers
    assert pool.submit(facts_of, found).result(30) == facts_of(found)


def test_error_of_a_status_arrives_from_a_process_pool_as_itself(scripted: ScriptedServer, pool: Executor) -> None:
    scripted.answer(response(b"why", 418))

    with pytest.raises(HttpRequestException, match="418") as caught:
        pool.submit(fetch_strictly, scripted.url("/a"), {}).result(30)

    error = caught.value
    assert type(error) is HttpRequestException
    assert error.__notes__ == ["in a child"]
    assert (error.response.status_code, error.response.content) == (418, b"why")
    assert error.request is error.response.request
    assert error.request.url == scripted.url("/a")


def test_error_of_a_plugin_arrives_from_a_process_pool_as_itself(scripted: ScriptedServer, pool: Executor) -> None:
    scripted.always(head(302, [("Location", scripted.url("/again")), ("Content-Length", "0")]))

    with pytest.raises(TooManyRedirects) as caught:
        pool.submit(fetch, scripted.url("/a"), {"max_redirects": 2}).result(30)

    assert [r.status_code for r in caught.value.response.history] == [302, 302]


def test_error_of_a_connection_arrives_from_a_process_pool_as_itself(pool: Executor) -> None:
    with refused_port() as port, pytest.raises(ConnectionRefused) as caught:
        pool.submit(fetch, f"http://127.0.0.1:{port}/", {}).result(30)

    assert isinstance(caught.value, ConnectionError)
    assert caught.value.request.method == "GET"
    assert caught.value.response is None


def test_open_stream_in_a_process_pool_is_an_error_that_says_what_to_do(
    scripted: ScriptedServer, pool: Executor
) -> None:
    scripted.answer(response(b"x" * 10)[:-5])

    with pytest.raises(TypeError, match=r"read it \(`await response\.raw\.read\(\)`\) or close it"):
        pool.submit(fetch_stream, scripted.url(), {}).result(30)
    pool.submit(close_streams).result(30)


def test_client_given_to_a_process_pool_is_an_error_that_says_what_to_do(pool: Executor) -> None:
    with HttpClient() as client, pytest.raises(TypeError, match="make a client where one is needed"):
        pool.submit(client.get, "http://a.test/").result(30)


@pytest.mark.parametrize("method", METHODS)
def test_response_and_error_go_through_the_queue_of_a_process(scripted: ScriptedServer, method: str) -> None:
    answer_with_redirect(scripted)
    scripted.answer(response(b"why", 500))
    context: Any = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    found = []
    for function in (fetch, fetch_strictly):
        process = context.Process(target=into_queue, args=(queue, function, scripted.url("/a"), {}))
        process.start()
        found.append(queue.get())
        process.join(30)

    assert found[0].json() == {"a": 1}
    assert isinstance(found[1], HttpRequestException)
    assert found[1].response.content == b"why"


# -- of all plugins


@pytest.mark.parametrize("copied", WAYS.values(), ids=WAYS)
async def test_response_with_all_plugins_is_the_same_as_a_copy(scripted: ScriptedServer, copied: Any) -> None:
    scripted.answer(response(b"", 401, [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]))
    answer_with_redirect(scripted)
    async with HttpClient(plugins=["retry"], cookies={"own": "c00kie"}) as client:
        client.cookies.set("mine", "c00kie", domain="127.0.0.1", path="/")
        found = await client.get(scripted.url("/a"), auth=HTTPDigestAuth("me", "s3cret"), timings=True)

        made = copied(found)
        data = pickle.dumps(found)

    assert_same_response(made, found, left_out=("authorization", "cookie"))
    assert made.history[1].cookies == found.history[1].cookies == {"seen": "1"}
    assert b"c00kie" not in data
    assert b"s3cret" not in data
    assert not any(name.startswith("hookline_") for name in names_in(data))


async def test_response_is_unpickled_where_core_is_alone(scripted: ScriptedServer, tmp_path: Any) -> None:
    answer_with_redirect(scripted)
    async with HttpClient() as client:
        path = tmp_path / "response"
        path.write_bytes(pickle.dumps(await client.get(scripted.url("/a"))))
    program = (
        "import pickle, sys\n"
        "class Plugins:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.startswith('hookline_'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Plugins())\n"
        f"found = pickle.load(open({str(path)!r}, 'rb'))\n"
        "print(found.json(), found.history[0].cookies, found.request.max_redirects)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("{'a': 1} {'seen': '1'} 10\n", "")


@pytest.mark.parametrize("options", [
    {"disable": ["cookies", "redirects"]}, {"autoload": False}, {"disable": ["cookies", "redirects", "auth", "oauth"]},
], ids=["disabled", "not-autoloaded", "more"])  # fmt: skip
@pytest.mark.parametrize("per_call", [False, True], ids=["client", "call"])
async def test_credentials_are_left_out_whichever_plugins_run(
    scripted: ScriptedServer, options: dict[str, Any], per_call: bool
) -> None:
    scripted.answer(response(b"x"))
    of_call = options if per_call and "disable" in options else {}
    async with HttpClient(**({} if of_call else options)) as client:
        found = await client.get(
            scripted.url(), headers={"Cookie": "c00kie", "Authorization": "Bearer s3cret"}, **of_call
        )
        data = pickle.dumps(found)

    assert b"c00kie" not in data
    assert b"s3cret" not in data


async def test_credentials_of_proxies_and_tokens_are_left_out(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    scripted.always(response(b"x"))
    token = {"access_token": "t0ken", "token_type": "Bearer"}
    proxy = scripted.url("").replace("//", "//me:pr0xy@")
    async with HttpClient(proxies={"http": proxy}, auth=OAuth2(client_id="me", token=token)) as client:
        found = await client.get("http://a.test/")
        data = pickle.dumps(found)

    assert [secret for secret in (b"t0ken", b"pr0xy") if secret in data] == []
    again = pickle.loads(data)
    assert again.request.proxy == found.request.proxy
    assert again.request.target == "http://a.test/"


def errors_of_plugins() -> list[type[BaseException]]:
    """All exceptions of all plugins, by import of all their modules, but for bridges to libraries that are not installed."""
    found: list[Any] = []
    for package in pkgutil.iter_modules():
        if package.name.startswith("hookline_"):
            path = importlib.import_module(package.name).__path__
            for module in pkgutil.walk_packages(path, f"{package.name}."):
                if module.name.endswith((".pytest_plugin", "__main__")):
                    continue
                try:
                    found += vars(importlib.import_module(module.name)).values()
                except ModuleNotFoundError as error:
                    if package.name != "hookline_bridges" or (error.name or "").startswith("hookline"):
                        raise
    kinds = [kind for kind in found if inspect.isclass(kind) and issubclass(kind, BaseException)]
    return sorted(
        {k for k in kinds if k.__module__.startswith("hookline_") and not k.__name__.startswith("_")},
        key=lambda kind: kind.__qualname__,
    )


def test_error_of_each_plugin_is_the_same_as_a_copy() -> None:
    kinds = errors_of_plugins()
    assert {"OAuthError", "TooManyRedirects", "WebSocketClosed", "AuthError", "CookieRefused", "NotRecorded"} <= {
        kind.__name__ for kind in kinds
    }
    with HttpClient() as client:
        request = client.new_request("GET", "http://a.test/", cause="x")
    for kind in kinds:
        names = inspect.signature(kind.__init__).parameters
        given = {name: name.upper() for name in ("error", "description", "reason") if name in names}
        given |= {"code": 1001} if "code" in names else {}
        given |= {"request": request} if issubclass(kind, hookline.HttpRequestException) else {}
        error = kind("it failed", **given)
        error.add_note("noted")
        for name, copied in WAYS.items():
            if name != "core":
                made = copied(error)
                assert_same_error(made, error)
                for attribute in given.keys() - {"request"}:
                    assert getattr(made, attribute) == getattr(error, attribute)


# -- websockets


async def test_websocket_is_no_object_to_copy_and_its_handshake_is(websockets_server: Site) -> None:
    async with HttpClient() as client:
        websocket = await client.get(websockets_server.url("/echo").replace("http", "ws"))
        try:
            for copied in (pickle.dumps, *WAYS.values()):
                with pytest.raises(TypeError, match=r"a WebSocket cannot be copied or pickled: .*websocket\.handshake"):
                    copied(websocket)
            made = pickle.loads(pickle.dumps(websocket.handshake))
        finally:
            await websocket.close()

    assert (made.status_code, made.content) == (101, b"")
    assert made.headers["upgrade"] == "websocket"


async def test_error_of_a_handshake_is_the_same_as_a_copy(scripted: ScriptedServer) -> None:
    scripted.answer(head(101, [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "no")]))
    async with HttpClient() as client:
        with pytest.raises(HttpRequestException) as caught:
            await client.get(scripted.url().replace("http", "ws"), websocket_handler=WS())

        assert_same_error(pickle.loads(pickle.dumps(caught.value)), caught.value)
