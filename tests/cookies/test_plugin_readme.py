"""The examples of the README run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, response

README = Path(__file__).parents[2] / "plugins/cookies/README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_example_runs(code: str, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.always(response(headers=[("Set-Cookie", "a=1")]))

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code.replace("http://127.0.0.1:8000/", scripted.url())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout in ("", "set by this response: {'a': '1'}\nsent from now on: a=1\n")
    assert (tmp_path / "cookies.json").exists()
