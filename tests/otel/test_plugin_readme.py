"""The example of the README runs as it stands."""

from __future__ import annotations

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


def test_example_runs(scripted: ScriptedServer) -> None:
    scripted.answer(response())
    (code,) = python_blocks("otel")
    assert run_block(code, scripted.url()).splitlines() == [
        "00-",
        "GET 200 ['queued', 'connect', 'sent', 'first_byte']",
        "call GET None []",
    ]
    assert scripted.requests[0].target == "/?token=secret"
