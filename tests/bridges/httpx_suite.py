"""Run the tests of httpx 0.28 that use a server over Hookline: `python tests/bridges/httpx_suite.py`.

The distribution of httpx is fetched with pip into a temporary folder; its tests run there, in a process of their own, with
`httpx.AsyncHTTPTransport` and `httpx.HTTPTransport` replaced. Tests without a server are left out. `CANNOT_PASS` has the tests
that cannot pass, with the reason: the program fails if another one fails, and if one of these passes.

This file is also the plugin of pytest that replaces the transports.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
from functools import partialmethod
from pathlib import Path
from typing import Any

VERSION = "0.28.1"
PORT = 8000  # of the server of its tests
SECONDS = 300  # for all of its tests, which take 10
# What the tests import besides, and the versions on whose output they insist.
OF_THE_TESTS = (
    "chardet==5.2.0",
    "click<8.2",
    "cryptography",
    "rich<14",
    "trio>=0.26",
    "zstandard>=0.23",
)
TRIO = "trio: Hookline runs on asyncio"
# On trio these pass: they end before anything is sent.
PASS_ON_TRIO = ("test_get_invalid_url", "test_cannot_stream_sync_request")
TRACE = "it wants the trace events of opening a connection; the transports tell of the request and of the head alone"
# Those on trio are found by their parameter.
CANNOT_PASS: dict[str, str] = {
    "tests/test_api.py::test_httpcore_lazy_loading": "it wants httpcore to be imported, which is not needed",
    "tests/test_main.py::test_verbose": TRACE,
    "tests/test_main.py::test_auth": TRACE,
}
# It passes or not, by which thread is faster: its server responds before it reads the body, and Hookline takes a response that
# is here before the peer has refused data for too long.
EITHER = frozenset({"tests/test_timeouts.py::test_write_timeout[asyncio]"})


class CannotRun(Exception):
    """The distribution cannot be fetched, or the port of its server is taken."""


def fetch(folder: Path) -> Path:
    """Fetch and unpack the source distribution of httpx, and what its tests import; returns its folder.

    Raises: CannotRun.
    """
    with socket.socket() as probe:
        if not probe.connect_ex(("127.0.0.1", PORT)):
            raise CannotRun(f"the tests of httpx need the port {PORT}, where another server listens")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    for command in (
        [*pip, "download", "--no-deps", "--no-binary", "httpx", "-d", str(folder), f"httpx=={VERSION}"],
        [*pip, "install", "--target", str(folder / "libraries"), *OF_THE_TESTS],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CannotRun(done.stderr.strip().rpartition("\n")[2] or "pip failed")
    with tarfile.open(folder / f"httpx-{VERSION}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"httpx-{VERSION}"


def run(folder: Path, *words: str) -> dict[str, str]:
    """Run the tests in an unpacked distribution; returns the outcome of each: "passed", "failed" or "skipped".

    words: further arguments of pytest.
    """
    report = folder / "outcomes.json"
    here = Path(__file__).resolve().parent
    path = os.pathsep.join(map(str, (here, folder, folder.parent / "libraries")))
    environment = {**os.environ, "PYTHONPATH": path, "HTTPX_SUITE_REPORT": str(report)}
    environment.pop("PYTEST_ADDOPTS", None)
    # the installed httpx is tested, and not the folder of the same name in the distribution
    (folder / "httpx").rename(folder / "httpx_of_the_distribution")
    options = "-q -p httpx_suite -p no:cacheprovider -p no:xdist -p no:asyncio -c pyproject.toml"
    command = [sys.executable, "-m", "pytest", *options.split(), "-m", "not network", *words, "tests"]
    subprocess.run(command, cwd=folder, env=environment, check=False, timeout=SECONDS)
    found: dict[str, str] = json.loads(report.read_text())
    return found


def reason_of(test: str) -> str | None:
    """Return why a test cannot pass; None = it has to pass."""
    if "[trio" in test and not any(name in test for name in PASS_ON_TRIO):
        return TRIO
    return CANNOT_PASS.get(test)


def wrong(outcomes: dict[str, str]) -> list[str]:
    """Return a line for each test whose outcome is not the expected one."""
    outcomes = {test: outcome for test, outcome in outcomes.items() if test not in EITHER}
    lines = [
        f"{test}: {outcome}" for test, outcome in outcomes.items() if outcome != "passed" and reason_of(test) is None
    ]
    lines += [
        f"{test}: passed, although {reason}"
        for test in outcomes
        if outcomes[test] == "passed" and (reason := reason_of(test))
    ]
    return lines


def summary(outcomes: dict[str, str]) -> str:
    """Return how many tests pass, and how many cannot for which reason."""
    passed = sum(outcome == "passed" for test, outcome in outcomes.items() if test not in EITHER)
    reasons = [reason for test in outcomes if (reason := reason_of(test)) is not None]
    counts = "".join(f"\n{reasons.count(reason)} cannot: {reason}" for reason in dict.fromkeys(reasons))
    return f"{passed} of {len(outcomes)} pass{counts}\n{len(EITHER)} passes or not, by which thread is faster"


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        outcomes = run(fetch(Path(scratch)), *sys.argv[1:])
    sys.stdout.write("\n".join([summary(outcomes), *wrong(outcomes), ""]))
    return 1 if wrong(outcomes) or not outcomes else 0


# -- the plugin of pytest


def pytest_configure(config: Any) -> None:
    """Replace the transports, before the tests are imported."""
    import uvicorn.config

    # As in the environment of httpx: its own lines alone are in the log, and fields are written as h11 does.
    make = partialmethod(uvicorn.config.Config.__init__, http="h11", log_level="critical")
    uvicorn.config.Config.__init__ = make  # type: ignore[method-assign,assignment]
    if "HTTPX_SUITE_OWN" in os.environ:  # to compare with the transports of httpx
        return
    import httpx
    from httpx import _client

    from hookline_bridges.httpx import HooklineTransport, SyncHooklineTransport

    for module in (httpx, _client):
        module.AsyncHTTPTransport = HooklineTransport  # type: ignore[attr-defined,misc]
        module.HTTPTransport = SyncHooklineTransport  # type: ignore[attr-defined,misc]


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out the tests without a server."""
    kept = [item for item in items if "server" in item.fixturenames]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended; a failure of a fixture counts as one of the test."""
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome if _outcomes.get(report.nodeid) != "failed" else "failed"


def pytest_sessionfinish() -> None:
    Path(os.environ["HTTPX_SUITE_REPORT"]).write_text(json.dumps(_outcomes))


if __name__ == "__main__":
    sys.exit(main())
