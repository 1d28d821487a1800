"""Run the command `hookline` in forks of one process that has imported it: 20 ms for a run, against 300 for a new process.

`ForkServer` starts this file as that process, hands it arguments, environment, folder and the three standard streams through a
Unix socket, and gets the exit status back. Everything is as in a new process, but the time for imports.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

LENGTH = 8  # bytes of the length before each request


class ForkServer:
    """The process; to be closed."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._socket.settimeout(60)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**environment, "PYTHONPATH": ""},
            )

    def run(
        self, arguments: Sequence[str], streams: Sequence[int], environment: Mapping[str, str], folder: Path
    ) -> None:
        """Start one run. streams: the descriptors of its standard streams, which the caller closes afterwards."""
        request = {"arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
        data = json.dumps(request).encode("ascii")
        socket.send_fds(self._socket, [f"{len(data):0{LENGTH}}".encode()], list(streams))
        self._socket.sendall(data)

    def wait(self) -> int:
        """Return the exit status of the run."""
        return int(self._socket.recv(LENGTH).decode())

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.wait(30)


def serve(connection: socket.socket) -> None:
    """Run what is asked for, one after the other, until the socket is closed."""
    preload()
    while True:
        length, streams, _, _ = socket.recv_fds(connection, LENGTH, 3)
        if not length:
            return
        data = b""
        while len(data) < int(length):
            data += connection.recv(int(length) - len(data))
        child = os.fork()
        if child == 0:
            connection.close()
            run_child(json.loads(data), streams)
        for stream in streams:
            os.close(stream)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(f"{status:{LENGTH}}".encode())


def preload() -> None:
    """Import what the runs import. Nothing is called, so that no environment is remembered."""
    import importlib.util
    import pkgutil

    import hookline_cli

    for module in pkgutil.walk_packages(hookline_cli.__path__, "hookline_cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("auth", "cookies", "decompress", "expect", "oauth", "redirects", "retry", "tunnel", "websocket"):
        if importlib.util.find_spec(f"hookline_{name}"):  # some tests run with core and the command line alone
            importlib.import_module(f"hookline_{name}")
    for name in ("rich.progress", "pygments.lexers.data", "pygments.lexers.html", "pygments.formatters.terminal"):
        importlib.import_module(name)


def run_child(request: Any, streams: Sequence[int]) -> NoReturn:
    """Run the command in a fork, and end it."""
    status = 99
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # until the end of the process
        sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
        sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
        sys.argv = ["hookline", *request["arguments"]]
        import hookline_cli

        status = hookline_cli.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  # shown, as Python shows it at the end of a program
        traceback.print_exc()
        status = 1
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        serve(connection)
