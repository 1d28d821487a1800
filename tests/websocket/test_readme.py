"""The examples of the README run as they stand."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "plugins/websocket/README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_example_runs(code: str, websockets_server: Any) -> None:
    url = "ws" + websockets_server.url("/").removeprefix("http")

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code.replace("ws://127.0.0.1:8000/", url)],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "hello\n"


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 3
