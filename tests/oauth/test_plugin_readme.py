"""The examples of the README run as they stand."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


@pytest.mark.parametrize("code", python_blocks("oauth"))
def test_example_runs(code: str, scripted: ScriptedServer) -> None:
    scripted.always(response())
    assert run_block(code, scripted.url()) in ("", "200\n")
