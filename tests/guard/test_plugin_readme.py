"""The example of the README runs as it stands."""

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


def test_example_runs(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    (code,) = python_blocks("guard")
    assert run_block(code, scripted.url()) == "127.0.0.0/8 (loopback)\n200\n"
