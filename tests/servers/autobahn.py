"""The Autobahn|Testsuite: its fuzzing server, in a Python 2.7 environment, and its reports on a client."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import pytest

from servers.addresses import free_ports

VERSION = "25.10.1"
QUICK = (
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.1", "12.1.5", "12.2.3", "12.3.3", "12.4.3",
    "12.5.3", "13.1.3", "13.2.3", "13.3.3", "13.4.3", "13.5.3", "13.6.3", "13.7.3",
)  # fmt: skip
GOOD = {"OK", "INFORMATIONAL"}


def setup() -> Path:
    """Return the folder with the constraints and the start-up code of the suite; it is not part of the project."""
    found = Path(os.environ.get("HOOKLINE_CONFORMANCE") or "../shared/conformance") / "autobahn"
    if not (found / "wstest_loopback.py").exists():
        if os.environ.get("HOOKLINE_CONFORMANCE"):
            pytest.fail(f"HOOKLINE_CONFORMANCE is set, and {found} has no set-up of the suite")
        pytest.skip(f"LOUD: {found} is not there")
    return found.resolve()


def run(*command: str | Path, seconds: float = 240, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, env=os.environ | environment
    )
    if done.returncode:
        pytest.skip(f"LOUD: the Autobahn|Testsuite cannot be installed: {command[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def python_with_suite(constraints: Path) -> Path:
    """Return the interpreter of an environment with the suite. The environment is made once, and kept for later runs."""
    folder = Path(tempfile.gettempdir()) / f"hookline-autobahn-{VERSION}-{os.getuid()}"
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    old = shutil.which("python2.7")
    if shutil.which("pyenv"):
        versions = run("pyenv", "versions", "--bare").split()
        old = next((run("pyenv", "which", "python", PYENV_VERSION=v) for v in versions if v.startswith("2.7")), old)
    if old is None:
        pytest.skip("LOUD: there is no Python 2.7, which the Autobahn|Testsuite needs")
    with tempfile.TemporaryDirectory() as tools:
        run(old, "-m", "pip", "install", "-q", "--target", tools, "virtualenv<20.22")
        run(old, "-m", "virtualenv", "-q", folder, PYTHONPATH=tools)
    run(python, "-m", "pip", "install", "-q", "-c", constraints, f"autobahntestsuite=={VERSION}")
    (folder / "ready").touch()
    return python


class FuzzingServer:
    """The fuzzing server, a process that runs for the length of a `with` block and listens on `url`."""

    def __init__(self, folder: Path, cases: tuple[str, ...]) -> None:
        data = setup()
        self._python = python_with_suite(data / "constraints.txt")
        self._program = data / "wstest_loopback.py"
        self._folder = folder
        self._port = free_ports(1)[0]
        self.url = f"ws://127.0.0.1:{self._port}"
        spec = {
            "url": self.url,
            "options": {"failByDrop": False},
            "outdir": str(folder / "reports"),
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        (folder / "spec.json").write_text(json.dumps(spec))

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._python, self._program, "-m", "fuzzingserver", "-u", "0", "-s", self._folder / "spec.json"],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        for _ in range(200):
            if self._process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", self._port)).close()
                    return self
                except ConnectionRefusedError:
                    time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"the fuzzing server does not listen:\n{(self._folder / 'log').read_text()[-2000:]}")

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()

    def results(self, agent: str) -> dict[str, Any]:
        """Return its report on a client, {case: result}. A request to /updateReports must come first."""
        found: dict[str, Any] = json.loads((self._folder / "reports" / "index.json").read_text())[agent]
        return found


def judge(results: dict[str, Any]) -> tuple[Counter[str], list[str]]:
    """Return how many cases had each behaviour, and a text for each case that did not pass."""
    bad = [
        f"{case}: {result['behavior']}, close {result['behaviorClose']}"
        for case, result in results.items()
        if result["behavior"] not in GOOD or result["behaviorClose"] not in GOOD
    ]
    return Counter(result["behavior"] for result in results.values()), bad
