"""The examples of the README run as they stand."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block

BLOCKS = python_blocks("auth")
CHALLENGE = response(b"", 401, [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_example_runs(code: str, scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: response() if request.header("authorization") else CHALLENGE)
    assert run_block(code, scripted.url()) in ("", "200\n200\n200\n401\n")
