"""The examples of the README run as they stand."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


@pytest.mark.parametrize(("number", "output"), [(0, "0.0 0.0 0.1\n"), (1, "200\n0.0\n")], ids=["calls", "rules"])
def test_example_runs(number: int, output: str, scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    found = run_block(python_blocks("throttle")[number], scripted.url())
    if number == 0:  # the third waits for a tenth of a second, or for less if the machine is slow
        found = found[:8] + "0.1\n" if found[:8] == "0.0 0.0 " and float(found[8:]) <= 0.1 else found
    assert found == output
