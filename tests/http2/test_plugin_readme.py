"""The examples of the README run as they stand."""

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


def test_example_runs(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    (code,) = python_blocks("http2")
    assert run_block(code, scripted.url()) == "{200} HTTP/1.1\n"
