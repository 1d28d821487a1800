"""A distribution whose plugins need the means for authors, built as a wheel and installed beside the wheels of the project."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.environments import ROOT, Environment, build, clean_variables
from kit.environments import run as run_program

PROGRAM = """
import asyncio, json, os, sys
from hookline import HttpClient

url, mirror, folder = sys.argv[1:]
os.chdir(folder)

async def main():
    found = []
    plugins = ["journal", "store", "mirror", "checksum"]
    async with HttpClient(plugins=plugins, mirror=mirror) as client:
        for path in ("/old", "/old", "/busy"):
            response = await client.get(url + path, checksum="sha256")
            history = [[earlier.status_code, earlier.is_stored] for earlier in response.history]
            found.append([response.status_code, response.text, response.is_stored, history, response.checksum])
    return found

print(json.dumps(asyncio.run(main())))
"""
WATCHED = """
import asyncio, json, sys
from hookline import HttpClient, HttpConnectionError, PluginError

url, = sys.argv[1:]

async def main():
    found = []
    async with HttpClient(plugins=["sign", "phases"], require=["loopback_only"]) as client:
        response = await client.post(url, data=b"signed", exact_headers=[("x-b", "1"), ("X-A", "2"), ("x-b", "3")])
        found.append([response.status_code, response.phases])
        for call in (client.get("http://192.0.2.1/"), client.get(url, disable=["loopback_only"])):
            try:
                await call
            except (HttpConnectionError, PluginError) as error:
                found.append(f"{type(error).__name__}: {error}")
    return found

print(json.dumps(asyncio.run(main())))
"""
ASKED = """
import asyncio, json, sys
from hookline import HttpClient

url, = sys.argv[1:]

async def main():
    async with HttpClient(plugins=["probe", "unchanged"]) as client:
        responses = [await client.get(url) for _ in range(2)]
        return [[response.text, response.probed] for response in responses]

print(json.dumps(asyncio.run(main())))
"""
BODY = b"the body " * 10_000


@pytest.fixture(scope="module")
def python(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheels of the project, and that of the third party."""
    folder = tmp_path_factory.mktemp("means")
    build(folder / "built", ROOT / "tests" / "authors" / "acme-means")
    environment = Environment(folder / "venv")
    environment.install(*wheelhouse.glob("*.whl"), *(folder / "built").glob("*.whl"))
    return environment.python


def test_plugins_of_a_third_party_store_send_again_and_keep_state(
    python: Path, scripted: ScriptedServer, make_scripted: Callable[[], ScriptedServer], tmp_path: Path
) -> None:
    scripted.answer(
        response(b"moved", 302, [("Location", "/new")]),
        response(gzip.compress(BODY), headers=[("Content-Encoding", "gzip")]),
        response(b"", 503),
    )
    mirror = make_scripted()
    mirror.answer(response(b"", 302, [("Location", "/there")]), response(b"mirrored"))
    arguments = (scripted.url(""), mirror.url(""))
    output = run_program(
        python, "-I", "-W", "error", "-c", PROGRAM, *arguments, str(tmp_path),
        environment=clean_variables(),
    )  # fmt: skip
    text, digest = BODY.decode(), hashlib.sha256(BODY).hexdigest()
    assert json.loads(output) == [
        [200, text, False, [[302, False]], digest],
        [200, text, True, [[302, True]], digest],
        [200, "mirrored", False, [[302, False]], hashlib.sha256(b"mirrored").hexdigest()],
    ]
    assert [request.target for request in scripted.requests] == ["/old", "/new", "/busy"]
    assert [request.target for request in mirror.requests] == ["/busy", "/there"]
    assert (tmp_path / "journal.txt").read_text(encoding="utf-8").splitlines() == [
        "begin", "/old 302", "/new 200", "/old 302", "/new 200", "/busy 503", "/busy 302", "/there 200",
        "2 connections are open", "end",
    ]  # fmt: skip


def test_plugins_of_a_third_party_sign_guard_and_watch(python: Path, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    arguments = ("-I", "-W", "error", "-c", WATCHED, scripted.url())
    answered, refused, required = json.loads(run_program(python, *arguments, environment=clean_variables()))
    assert answered == [200, ["connect", "send", "wait", "body"]]
    assert refused == "HttpConnectionError: 192.0.2.1 is not on this machine"
    assert required.startswith(
        "PluginError: disable=['loopback_only']: plugin 'loopback_only' (acme-means 1.0) stands in require="
    )
    (request,) = scripted.requests
    names = "host;x-b;x-a;x-b;content-length"
    digest = hashlib.sha256(b"signed").hexdigest()
    assert request.header("X-Signature") == f"{digest} {names}"
    assert [name for name, _ in request.headers] == [b"Host", b"x-b", b"X-A", b"x-b", b"X-Signature", b"Content-Length"]


def test_plugins_of_a_third_party_look_up_and_answer_a_head(python: Path, scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 304))
    output = run_program(python, "-I", "-W", "error", "-c", ASKED, scripted.url(), environment=clean_variables())
    assert json.loads(output) == [["what it has", [["127.0.0.1"], True]]] * 2
    assert scripted.connections == 1
    assert [request.header("X-Peer") for request in scripted.requests] == ["127.0.0.1 http/1.1"] * 2
