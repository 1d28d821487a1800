"""Run tests/core/forking_client.py, a client that forks, with a server in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hookline_testing.server import Script, ScriptedServer, response

PROGRAM = Path(__file__).parents[1] / "core/forking_client.py"
SECONDS = 60


def serve(server: ScriptedServer) -> None:
    """Answer with the target, so that whoever gets the answer of another sees it."""

    def answer(request: Any) -> Script:
        body = b"x" * 10_000_000 if request.target == "/large" else request.target.encode()
        pause = 0.05 if "slow" in request.target else 0
        return Script().read_body().pause(pause).send(response(body))

    server.respond(answer)


def start(scenario: str, server: ScriptedServer, loop: str, **options: Any) -> subprocess.Popen[str]:
    serve(server)
    url = server.url(host="127.0.0.1")
    command = [sys.executable, str(PROGRAM), scenario, loop, url, json.dumps(options)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(scenario: str, server: ScriptedServer, loop: str, **options: Any) -> None:
    with start(scenario, server, loop, **options) as program:
        try:
            _, errors = program.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    assert (program.returncode, errors) == (0, "")
