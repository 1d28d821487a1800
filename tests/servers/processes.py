"""Start a server program on free ports, wait until it answers, and stop it by its process id."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from servers.addresses import free_ports

# Seconds in which a program must start to listen, and seconds that it may take to end before it is killed.
START_PATIENCE = 20.0
STOP_PATIENCE = 5.0
# How often a start is tried, each time on new ports: another process may take a free port before the program does.
_ATTEMPTS = 3
_POLL_INTERVAL = 0.02  # seconds
_LOG_TAIL = 4000  # bytes of each log that an error shows

# The protocol of a port. It is ready when it answers a request, answers one over TLS, or accepts a connection.
Speech = Literal["http", "https", "tcp"]
# A function of the directory and the ports: it writes the configuration and returns the command.
Prepare = Callable[[Path, Sequence[int]], Sequence[str]]


class StartError(Exception):
    """A program did not start to answer; the message has its output and its logs."""


class Child:
    """A program that runs in the foreground and listens on `ports` of 127.0.0.1."""

    def __init__(
        self,
        name: str,
        directory: Path,
        command: Sequence[str],
        ports: Mapping[int, Speech],
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.ports = list(ports)
        self._speech = ports
        self.directory = directory
        with open(directory / "output.log", "ab") as output:
            # A process group of its own: SIGINT of the terminal must reach pytest only, and SIGWINCH (a resized window) would
            # stop apache2.
            self._process = subprocess.Popen(
                [*_die_with_parent(), *command],
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def wait_until_ready(self, patience: float = START_PATIENCE) -> None:
        """Wait until every port answers.

        It is not enough that a port accepts a connection: apache2 listens, closes, and listens again while it starts.

        Raises:
            StartError: the program ended or took longer than `patience` seconds.
        """
        deadline = time.monotonic() + patience
        waiting = list(self.ports)
        while waiting:
            if self._process.poll() is not None:
                raise StartError(f"{self.name} ended with status {self._process.returncode}.\n{self.logs()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} does not answer after {patience} s.\n{self.logs()}")
            if _is_ready(waiting[0], self._speech[waiting[0]]):
                waiting.pop(0)
            else:
                time.sleep(_POLL_INTERVAL)

    def stop(self) -> None:
        """End the program: terminate it, then kill it. Does nothing if it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def logs(self) -> str:
        """Return the end of every log in the directory."""
        tails = [
            f"--- {path.name}\n{path.read_bytes()[-_LOG_TAIL:].decode(errors='replace')}"
            for path in sorted(self.directory.glob("*.log"))
        ]
        return "\n".join(tails)


@contextlib.contextmanager
def running(
    name: str, prepare: Prepare, *speeches: Speech, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run a program for the length of the block, in a temporary directory that every user can read; one port per protocol.

    Call it in the main thread: if setpriv (Debian package util-linux) is installed, the kernel ends the program when the
    thread that started it ends, so that the program does not outlive a killed pytest.

    Raises:
        StartError: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix=f"hookline-{name}-", ignore_cleanup_errors=True) as path:
        directory = Path(path)
        # Worker processes run as another user, who must be able to enter.
        directory.chmod(0o755)
        child = _start(name, directory, prepare, speeches, environment or _environment())
        try:
            yield child
        finally:
            child.stop()


def _start(
    name: str, directory: Path, prepare: Prepare, speeches: Sequence[Speech], environment: Mapping[str, str]
) -> Child:
    for attempt in range(1, _ATTEMPTS + 1):
        ports = free_ports(len(speeches))
        child = Child(name, directory, prepare(directory, ports), dict(zip(ports, speeches, strict=True)), environment)
        try:
            child.wait_until_ready()
        except StartError as error:
            child.stop()
            if attempt == _ATTEMPTS or "in use" not in str(error):
                raise
        except BaseException:
            child.stop()
            raise
        else:
            return child
    raise AssertionError("unreachable")


def _is_ready(port: int, speech: Speech) -> bool:
    try:
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=1))
            if speech == "tcp":
                return True
            if speech == "https":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                client = stack.enter_context(context.wrap_socket(client))
            client.sendall(b"HEAD / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return client.recv(1) != b""
    except OSError:
        return False


def _environment() -> dict[str, str]:
    """Return an environment without proxies and locales of the user who runs the tests."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}


def _die_with_parent() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
