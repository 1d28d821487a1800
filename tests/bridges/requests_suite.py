"""A plugin of pytest, for the test suite of requests alone: its sessions have `HooklineAdapter` for their default adapters.

test_requests_suite.py runs the suite with it. The outcome of each test is written as JSON to the file that OUTCOMES names.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests.sessions

from hookline_bridges.requests import HooklineAdapter
from servers.addresses import black_hole

outcomes: dict[str, str] = {}
stack = ExitStack()


def pytest_configure() -> None:
    requests.sessions.HTTPAdapter = HooklineAdapter  # type: ignore[misc,assignment]  # whose objects sessions mount


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of connect timeouts an address on this machine that does not answer; theirs depends on the network."""
    for module in {getattr(item, "module", None) for item in items}:
        if hasattr(module, "TARPIT"):
            module.TARPIT = f"http://127.0.0.1:{stack.enter_context(black_hole())}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    stack.close()
    if not hasattr(session.config, "workerinput"):  # of xdist: the controller has the reports of all
        Path(os.environ["OUTCOMES"]).write_text(json.dumps(outcomes))
