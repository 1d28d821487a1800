"""The examples of the README run as they stand."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


@pytest.mark.parametrize("code", python_blocks("retry"), ids=["calls", "budget"])
def test_example_runs(code: str, scripted: ScriptedServer) -> None:
    if "retry=1" in code:
        scripted.answer(response(b"busy", 503))
    scripted.always(response(b"ok"))
    assert run_block(code, scripted.url()) in ("", "200 [503]\n")
