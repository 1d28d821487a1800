"""httpx's own tests that use a server pass over Hookline, but for those of which httpx_suite.py says why they cannot."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
def test_tests_of_httpx_pass_over_hookline(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("httpx_suite", HERE / "httpx_suite.py")
    assert specification is not None
    assert specification.loader is not None
    suite = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(suite)
    try:
        folder = suite.fetch(tmp_path)
    except suite.CannotRun as error:
        pytest.skip(str(error))
    outcomes = suite.run(folder)
    assert suite.wrong(outcomes) == []
    assert suite.summary(outcomes).startswith("68 of 91 pass")
