"""Run the command as users do: a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "hookline"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment without what changes plugins or colour."""
    dropped = ("HOOKLINE_", "NO_COLOR", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "TERM": "xterm", "PYTHONWARNINGS": "error"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """`run("GET", url)`: the finished `hookline`; `as_module=True`: `python -m hookline`."""

    def run(
        *arguments: str, as_module: bool = False, text_in: str = "", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "hookline"] if as_module else [str(COMMAND)]
        return subprocess.run(
            [*program, *arguments],
            input=text_in,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**environment, **(variables or {})},
        )

    return run


@pytest.fixture
def on_terminal(environment: dict[str, str]) -> Callable[..., tuple[int, str, str]]:
    """The same with standard output on a terminal; gives status, what the terminal shows, and standard error."""

    def run(*arguments: str, variables: dict[str, str] | None = None, as_module: bool = False) -> tuple[int, str, str]:
        program = [sys.executable, "-m", "hookline"] if as_module else [str(COMMAND)]
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                [*program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=subprocess.PIPE,
                env={**environment, **(variables or {})},
            )
            os.close(theirs)
            shown = b""
            while True:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # Linux says EIO when the other side is closed
                    break
                if not data:
                    break
                shown += data
            error = process.communicate(timeout=60)[1]
        finally:
            os.close(ours)
        return process.returncode, shown.decode().replace("\r\n", "\n"), error.decode()

    return run
