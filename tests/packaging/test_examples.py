"""The distributions of docs/examples, built as wheels and installed beside the wheels of the project."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.environments import ROOT, Environment, build, clean_variables
from kit.environments import run as run_program

EXAMPLES = sorted(path.parent for path in ROOT.glob("docs/examples/hookline-*/pyproject.toml"))
SDK = ROOT / "docs" / "examples" / "notes-sdk"
LONGEST = 60  # lines of all files together: what five minutes are enough for

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def python(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheels of the project, and of the examples, and nothing of this one."""
    folder = tmp_path_factory.mktemp("examples")
    build(folder / "built", *EXAMPLES, SDK)
    environment = Environment(folder / "venv")
    environment.install(*wheelhouse.glob("*.whl"), *(folder / "built").glob("*.whl"))
    return environment.python


@pytest.fixture
def run(python: Path) -> Run:
    """Run the body of a coroutine there, in which `client(...)` makes a client; gives back what it leaves in `result`."""

    def run(body: str, *arguments: str, **environment: str) -> Any:
        code = f"""
import asyncio, json, sys
from hookline import HttpClient as client, hookimpl
result = None

async def main():
    global result
{textwrap.indent(textwrap.dedent(body), "    ")}

asyncio.run(main())
print(json.dumps(result))
"""
        variables = clean_variables() | environment
        return json.loads(run_program(python, "-I", "-W", "error", "-c", code, *arguments, environment=variables))

    return run


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_is_short(example: Path) -> None:
    files = [path for path in example.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.suffix for path in files} == {".toml", ".py"}
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) < LONGEST


def test_three_plugins_are_there() -> None:
    assert [path.name for path in EXAMPLES] == ["hookline-allowed-cookies", "hookline-msgpack", "hookline-stamp"]


def test_installed_examples_are_loaded_for_every_client(run: Run) -> None:
    found = run("result = [[p.name, p.distribution, p.version] for p in client().plugins]")
    assert ["stamp", "hookline-stamp", "1.0"] in found
    assert ["allowed_cookies", "hookline-allowed-cookies", "1.0"] in found
    assert "cookies" not in [name for name, *_ in found]
    assert {"redirects", "decompress", "expect"} <= {name for name, *_ in found}
    assert run("result = [[a.name, a.why, a.by.name] for a in client().plugins.absent if a.by]") == [
        ["cookies", "replaced", "allowed_cookies"]
    ]


def test_every_request_is_stamped_but_no_connect(run: Run, scripted: ScriptedServer) -> None:
    scripted.respond(
        lambda request: (
            response(b"", 302, [("Location", "/two")])
            if request.target == "/one"
            else response(b"refused", 403)
            if request.method == "CONNECT"
            else response(b"ok")
        )
    )
    result = run(
        """
        class Asker:
            before = "stamp"

            @hookimpl
            async def pre_request(self, response):
                request = response.request
                if request.cause == "call":
                    for method, cause in (("CONNECT", "connect"), ("GET", "token")):
                        sub = request.client.new_request(method, url + "token", cause=cause, parent=request)
                        await request.client.exchange(sub)

        url = sys.argv[1]
        async with client(plugins=[Asker()]) as c:
            await c.get(url + "one")
            await c.get(url, stamp="red", disable=["asker"])
            await c.get(url, stamp=None, disable=["asker"])
            await c.get(url, disable=["stamp", "asker"])
        async with client(stamp="green") as c:
            result = [c.stamp, (await c.get(url)).status_code]
        """,
        scripted.url(),
    )
    assert result == ["green", 200]
    seen = [(request.method, request.target, request.header("x-stamp")) for request in scripted.requests]
    assert seen[0][::2] == ("CONNECT", None)
    assert seen[1:] == [
        ("GET", "/token", "blue"),
        ("GET", "/one", "blue"),
        ("GET", "/two", "blue"),
        ("GET", "/", "red"),
        ("GET", "/", None),
        ("GET", "/", None),
        ("GET", "/", "green"),
    ]


def test_connect_to_a_real_proxy_is_not_stamped(run: Run, scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: response(b"refused", 403) if request.method == "CONNECT" else response(b"ok"))
    result = run(
        """
        result = []
        async with client(proxies={"all": sys.argv[1]}) as c:
            for url in ("https://origin.example/", "http://origin.example/"):
                try:
                    result.append((await c.get(url)).status_code)
                except ConnectionError as error:
                    result.append(type(error).__name__)
        """,
        scripted.url(),
    )
    assert result == ["HttpProxyError", 200]
    assert [(request.method, request.target, request.header("x-stamp")) for request in scripted.requests] == [
        ("CONNECT", "origin.example:443", None),
        ("GET", "http://origin.example/", "blue"),
    ]


def test_replacement_has_all_that_the_jar_declares(run: Run) -> None:
    def declared(name: str, disabled: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = run(
            f"""
            found = client(disable={disabled}).plugins["{name}"].plugin.declare()
            result = {{}}
            for each in found:
                key = type(each).__name__ + (" of " + each.of if hasattr(each, "of") else "")
                result.setdefault(key, []).append(each.name)
            """
        )
        return found

    jar, allowed = declared("cookies", "['allowed_cookies']"), declared("allowed_cookies", "[]")
    del jar["Attribute of request"]  # for jars of http.cookiejar, which the replacement does not take
    assert set(jar) == {"Option", "Attribute of response", "Attribute of client", "Credential"}
    assert {kind: set(names) - set(allowed.get(kind, ())) for kind, names in jar.items()} == {
        kind: set() for kind in jar
    }


def test_allowed_cookies_stand_in_for_the_jar(
    run: Run, scripted: ScriptedServer, make_scripted: Callable[..., ScriptedServer]
) -> None:
    other = make_scripted()
    fields = [("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "tracker=2")]
    scripted.answer(response(b"", 200, fields), response(b""), response(b""))
    scripted.answer(response(b"", 302, [("Location", other.url())]), response(b"", 200, fields), response(b""))
    other.always(response(b""))
    result = run(
        """
        url = sys.argv[1]
        async with client(allowed_cookies={"session"}) as c:
            first = await c.get(url)
            await c.get(url)
            await c.get(url, cookies={"mine": "3"})
            await c.get(url, cookies={"mine": "3"})
            result = [first.cookies, list(c.cookies.values())]
        async with client(allowed_cookies={"session"}, store_cookies=False) as c:
            await c.get(url)
            await c.get(url)
        """,
        scripted.url(),
    )
    assert result == [{"session": "1", "tracker": "2"}, [{"session": "1"}]]
    assert [request.header("cookie") for request in scripted.requests] == [
        None,
        "session=1",
        "session=1; mine=3",
        "session=1; mine=3",
        None,
        None,
    ]
    assert [request.header("cookie") for request in other.requests] == [None]  # another origin gets nothing


def test_replacement_is_left_out_and_the_jar_comes_back(run: Run) -> None:
    names = "[p.name for p in c.plugins if 'cookies' in p.name]"
    assert run(f"c = client(disable=['allowed_cookies']); result = {names}") == ["cookies"]
    assert run(f"c = client(disable=['cookies']); result = {names}") == []
    assert run(f"c = client(autoload='default'); result = {names}") == ["cookies"]
    assert run(f"c = client(); result = {names}", HOOKLINE_DISABLE="allowed_cookies") == ["cookies"]


def test_optional_plugin_is_there_by_name_alone(run: Run) -> None:
    assert run("result = 'retry' in client().plugins") is False
    assert run("result = 'retry' in client(plugins=['retry']).plugins") is True


def test_objects_are_sent_and_decoded_as_messagepack(run: Run, scripted: ScriptedServer) -> None:
    scripted.respond(
        lambda request: (
            response(b"\xc1", 200, [("Content-Type", "application/msgpack")])
            if request.target == "/broken"
            else response(b"", 307, [("Location", "/here")])
            if request.target == "/moved"
            else response(request.body, 200, [("Content-Type", request.header("content-type") or "")])
        )
    )
    result = run(
        """
        url = sys.argv[1]
        async with client() as c:
            result = [(await c.post(url + "moved", msgpack={"a": [1, None]}, timeout=10)).decode_content()]
            for given in ({"msgpack": 1, "json": 1}, {"msgpak": 1}):
                try:
                    await c.post(url, **given)
                except (ValueError, TypeError) as error:
                    result.append(str(error))
            try:
                (await c.get(url + "broken")).decode_content()
            except ValueError as error:
                result.append(str(error).partition(":")[0])
            try:
                await c.post(url, msgpack=1, disable=["msgpack"])
            except TypeError as error:
                result.append("disabled" in str(error))
            result.append(c.plugins["msgpack"].bodies)
        """,
        scripted.url(),
    )
    assert result == [
        {"a": [1, None]},
        "give json=, or msgpack=, but not both",
        "HttpClient.post() got an unexpected keyword 'msgpak'. Did you mean 'msgpack'?",
        "the body is not MessagePack",
        True,
        ["msgpack"],
    ]
    assert [request.body for request in scripted.requests[:2]] == [b"\x81\xa1a\x92\x01\xc0"] * 2
    assert {request.header("content-type") for request in scripted.requests[:2]} == {"application/msgpack"}


def test_sdk_has_no_plugins_of_others_but_uses_those_of_a_client_that_it_is_given(
    run: Run, scripted: ScriptedServer
) -> None:
    scripted.always(response(b'{"id": 7, "text": "buy milk"}'))
    result = run(
        """
        import notes_sdk
        async with notes_sdk.Notes(sys.argv[1], "t0ken") as notes:
            first = await notes.get(7)
        async with client() as c, notes_sdk.Notes(sys.argv[1], "t0ken", client=c) as notes:
            second = await notes.get(7)
        result = [first == second, first.text, notes_sdk.__version__]
        """,
        scripted.url(),
    )
    assert result == [True, "buy milk", "1.0"]
    seen = [(request.header("x-stamp"), request.header("authorization")) for request in scripted.requests]
    assert seen == [(None, "Bearer t0ken"), ("blue", "Bearer t0ken")]
