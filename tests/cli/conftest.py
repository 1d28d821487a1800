"""Run the command as users do: through pipes, and on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.fork_server import ForkServer

COMMAND = Path(sys.executable).parent / "hookline"

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Show = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment without what changes plugins or colour, and without a configuration."""
    dropped = ("HOOKLINE_", "NO_COLOR", "TERM", "COLUMNS", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    folder = str(tmp_path_factory.mktemp("config"))
    return {**kept, "TERM": "xterm", "PYTHONWARNINGS": "error", "HOOKLINE_CONFIG_DIR": folder}


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """The process that has imported the command."""
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, fork_server: ForkServer) -> Run:
    """`run("GET", url)`: the finished `hookline`; `as_module=True`: `python -m hookline`, in a process of its own."""

    def run(
        *arguments: str, as_module: bool = False, text_in: str = "", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        given = {**environment, **(variables or {})}
        if as_module:
            return subprocess.run(
                [sys.executable, "-m", "hookline", *arguments],
                input=text_in, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=given,
            )  # fmt: skip
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            source.write(text_in.encode())
            source.seek(0)
            fork_server.run(arguments, [source.fileno(), out.fileno(), err.fileno()], given, tmp_path)
            status = fork_server.wait()
            texts = [each.seek(0) or each.read().decode() for each in (out, err)]
        return subprocess.CompletedProcess([*arguments], status, *texts)

    return run


@pytest.fixture
def on_terminal(environment: dict[str, str], tmp_path: Path, fork_server: ForkServer) -> Show:
    """The same with standard output on a terminal; gives status, what the terminal shows, and standard error.

    columns: the width of the terminal. all_streams: True puts standard error there too. keys: all streams are on the terminal,
    and these are pressed when it shows `after`.
    """

    def run(
        *arguments: str,
        variables: dict[str, str] | None = None,
        columns: int = 80,
        all_streams: bool = False,
        keys: str = "",
        after: str = "",
    ) -> tuple[int, str, str]:
        ours, theirs = pty.openpty()
        modes = termios.tcgetattr(ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as err:
            try:
                streams = [source.fileno(), theirs, theirs if all_streams else err.fileno()]
                streams = [theirs] * 3 if keys else streams
                fork_server.run(arguments, streams, {**environment, **(variables or {})}, tmp_path)
                os.close(theirs)
                begin = press(ours, keys, after) if keys else ""
                shown = begin + read_terminal(ours)
                status = fork_server.wait()
                assert termios.tcgetattr(ours) == modes, "the terminal was left in another mode"
            finally:
                os.close(ours)
            err.seek(0)
            return status, shown.replace("\r\n", "\n"), err.read().decode()

    return run


def press(descriptor: int, keys: str, after: str) -> str:
    """Press keys on a terminal as soon as it shows a text, and return what it has shown."""
    shown = b""
    while after.encode() not in shown:
        shown += os.read(descriptor, 65536)
    os.write(descriptor, keys.encode())
    return shown.decode()


def read_terminal(descriptor: int) -> str:
    """Return all that is written to a terminal until its other side is closed."""
    shown = b""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            data = b""
        if not data:
            return shown.decode()
        shown += data
