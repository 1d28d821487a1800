"""The example of the README runs as it stands."""

import gzip

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block

BODY = gzip.compress(b"x" * 1000)


@pytest.mark.parametrize("code", python_blocks("decompress"))
def test_example_runs(code: str, scripted: ScriptedServer) -> None:
    scripted.always(response(BODY, headers=[("Content-Encoding", "gzip")]))
    assert run_block(code, scripted.url()) == f"gzip 1000\n{len(BODY)} bytes as they came\n"


@pytest.mark.parametrize("code", python_blocks("decompress"))
def test_example_shows_the_error(code: str, scripted: ScriptedServer) -> None:
    scripted.always(response(BODY[:-9], headers=[("Content-Encoding", "gzip")]))
    assert run_block(code, scripted.url()).startswith("the body cannot be decoded: ")
