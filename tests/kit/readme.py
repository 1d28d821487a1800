"""The examples of a member's README, each run as a program of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

STAND_IN = "http://127.0.0.1:8000/"


def python_blocks(member: str, page: Path | None = None) -> list[str]:
    """Return the python blocks of `plugins/MEMBER/README.md`, or of `page`."""
    readme = page or Path(__file__).parents[2] / "plugins" / member / "README.md"
    return re.findall(r"^```python\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def run_block(code: str, url: str) -> str:
    """Run a block as a program against a server at `url`, with warnings as errors; return its output."""
    command = [sys.executable, "-W", "error", "-c", code.replace(STAND_IN, url)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout
