"""The example of the README runs as it stands."""

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block


@pytest.mark.parametrize("code", python_blocks("redirects"))
def test_example_runs(code: str, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 302, [("Location", "/there")]), response())
    assert run_block(code, scripted.url()) == f"['{scripted.url()}'] -> {scripted.url('/there')}\n"


@pytest.mark.parametrize("code", python_blocks("redirects"))
def test_example_shows_the_error(code: str, scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 302, [("Location", "/there")]))
    assert run_block(code, scripted.url()) == "still redirected after 5 hops\n"
