"""The examples of the README run as they stand."""

from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks, run_block

OUTPUTS = [
    "body False hookline; fwd=uri-miss; ttl=60; stored\n"
    "body False hookline; fwd=request; ttl=60; stored\n"
    "body True hookline; hit; ttl=60\n",
    "False\nTrue\n",
]


@pytest.mark.parametrize(
    ("code", "output"), list(zip(python_blocks("cache"), OUTPUTS, strict=True)), ids=["calls", "file"]
)
def test_example_runs(
    code: str, output: str, scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scripted.always(response(b"body", 200, [("Cache-Control", "max-age=60")]))
    assert run_block(code, scripted.url()) == output
