"""The test suite of requests over Hookline. pip fetches it; nothing of it is in this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest

from kit.sdists import fetch_packages, fetch_source

TESTS = Path(__file__).resolve().parents[1]
OF_THE_POOLS = "it counts the pools of urllib3 in `adapter.poolmanager`, which is not there"

# The tests that cannot pass, and why. docs/bridges/requests.md has them too.
CANNOT_PASS = {
    "tests/test_lowlevel.py::test_chunked_encoding_error": (
        "the server closes the connection within the head; http.client takes what came for a whole head, Hookline reports that"
        " no response came: ConnectionError"
    ),
    "tests/test_lowlevel.py::test_conflicting_content_lengths": (
        "a head with two lengths is no response (RFC 9112, section 6.3): ConnectionError, not InvalidHeader"
    ),
    "tests/test_requests.py::TestRequests::test_session_close_proxy_clear": (
        "it replaces `adapter.proxy_manager` of urllib3, which is not there"
    ),
    "tests/test_requests.py::TestPreparingURLs::test_different_connection_pool_for_tls_settings_verify_True": OF_THE_POOLS,
    "tests/test_requests.py::TestPreparingURLs::test_different_connection_pool_for_tls_settings_verify_bundle_expired_cert": (
        OF_THE_POOLS
    ),
    "tests/test_requests.py::TestPreparingURLs::test_different_connection_pool_for_tls_settings_verify_bundle_unexpired_cert": (
        OF_THE_POOLS
    ),
}
AT_LEAST = 600  # tests that pass; fewer mean that the suite did not run


@pytest.mark.slow
def test_suite_of_requests_passes_but_for_the_tests_that_cannot(tmp_path: Path) -> None:
    source = fetch_source("requests", version("requests"), tmp_path)
    needed = [line for line in (source / "requirements-dev.txt").read_text().splitlines() if "pytest-httpbin" in line]
    packages = fetch_packages(tmp_path / "packages", *needed)
    report = tmp_path / "outcomes.json"
    paths = os.pathsep.join(str(path) for path in (packages, TESTS, TESTS / "bridges"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "requests_suite", "-q", "-n", "4", "tests"],
        cwd=source,
        env={**os.environ, "PYTHONPATH": paths, "OUTCOMES": str(report), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    outcomes = json.loads(report.read_text())
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed - CANNOT_PASS.keys() == set(), done.stdout[-10_000:]
    assert CANNOT_PASS.keys() - failed == set(), "these pass now: take them out of the table"
    assert Counter(outcomes.values())["passed"] >= AT_LEAST, Counter(outcomes.values())
