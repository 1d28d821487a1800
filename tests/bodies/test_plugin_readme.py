"""The example of the README runs as it stands."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


@pytest.mark.parametrize("code", python_blocks("bodies"))
def test_example_runs(code: str, scripted: ScriptedServer) -> None:
    scripted.always(response(b"one\ntwo\n"))
    assert run_block(code, scripted.url()) == "8 of 8 bytes\none\ntwo\n8 bytes saved\nNone\n"
