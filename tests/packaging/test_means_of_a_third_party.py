"""A distribution whose plugins need the means for authors, built as a wheel and installed beside the wheels of the project."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

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
BODY = b"the body " * 10_000


def test_plugins_of_a_third_party_do_what_needs_the_means(
    wheelhouse: Path, scripted: ScriptedServer, make_scripted: Callable[[], ScriptedServer], tmp_path: Path
) -> None:
    build(tmp_path / "built", ROOT / "tests" / "authors" / "acme-means")
    environment = Environment(tmp_path / "venv")
    environment.install(*wheelhouse.glob("*.whl"), *(tmp_path / "built").glob("*.whl"))
    scripted.answer(
        response(b"moved", 302, [("Location", "/new")]),
        response(gzip.compress(BODY), headers=[("Content-Encoding", "gzip")]),
        response(b"", 503),
    )
    mirror = make_scripted()
    mirror.answer(response(b"", 302, [("Location", "/there")]), response(b"mirrored"))
    arguments = (scripted.url(""), mirror.url(""))
    output = run_program(
        environment.python, "-I", "-W", "error", "-c", PROGRAM, *arguments, str(tmp_path),
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
