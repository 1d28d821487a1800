"""The example of the README runs as it stands."""

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


def test_example_runs(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"))
    (code,) = python_blocks("bridges")
    assert run_block(code, scripted.url()) == "200 HTTP/1.1\n"
    assert (scripted.requests[0].header("user-agent") or "").startswith("python-httpx")
