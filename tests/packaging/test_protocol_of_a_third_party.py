"""A distribution with a protocol of its own, built as a wheel and installed beside the wheels of the project."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from kit.environments import ROOT, Environment, build, clean_variables
from kit.environments import run as run_program
from servers.certificates import Certificates
from servers.mux import ALPN, mux_server

PROGRAM = """
import asyncio, json, sys
from hookline import HttpClient

async def main():
    async with HttpClient(verify=sys.argv[2]) as client:
        responses = await asyncio.gather(*(client.get(sys.argv[1]) for _ in range(20)))
        return sorted({response.version for response in responses}), client.stats().connections

print(json.dumps(asyncio.run(main())))
"""


async def test_installed_protocol_is_offered_by_every_client(
    wheelhouse: Path, certificates: Certificates, tmp_path: Path
) -> None:
    build(tmp_path / "built", ROOT / "tests" / "multiplexing" / "acme-mux")
    environment = Environment(tmp_path / "venv")
    environment.install(*wheelhouse.glob("*.whl"), *(tmp_path / "built").glob("*.whl"))
    async with mux_server(certificates.right.server_context(alpn=(ALPN, "http/1.1"))) as mux:
        arguments = (environment.python, "-I", "-W", "error", "-c", PROGRAM, mux.url(), str(certificates.ca_file))
        output = await asyncio.to_thread(run_program, *arguments, environment=clean_variables())
        assert json.loads(output) == [["ACME/1"], 1]
        assert (mux.connections, len(mux.requests)) == (1, 20)
