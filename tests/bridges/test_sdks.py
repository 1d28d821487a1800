"""The tests in sdks/ pass with releases of openai and anthropic that this test fetches for them: over httpx2, and over httpx."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree  # the report is our own

import pytest

HERE = Path(__file__).resolve().parent
RELEASES = {
    "httpx2": ("openai>=3.50,<4", "anthropic>=2.10,<3"),  # the present ones
    "httpx": ("openai>=2.50,<3", "anthropic>=0.120,<1"),  # the last ones that use it
}
SECONDS = 600  # for the tests, which take about 35


@pytest.mark.slow
@pytest.mark.parametrize("library", RELEASES)
def test_sdks_work_over_hookline(library: str, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    libraries, report = tmp_path / "libraries", tmp_path / "report.xml"
    fetched = subprocess.run(
        [*pip, "install", "--no-compile", "--target", str(libraries), *RELEASES[library]],
        capture_output=True,
        text=True,
    )
    if fetched.returncode:
        pytest.skip(fetched.stderr.strip().rpartition("\n")[2] or "pip failed")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HOOKLINE_"))}
    environment["PYTHONPATH"] = str(libraries)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        str(HERE / "sdks"),
    ]
    done = subprocess.run(
        command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr
    (suite,) = ElementTree.parse(report).getroot()  # noqa: S314
    assert [suite.get(name) for name in ("failures", "errors", "skipped")] == ["0", "0", "0"]
    modules = {path.stem for path in (HERE / "sdks").glob("test_*.py")}
    assert {case.get("classname", "").rpartition(".")[2] for case in suite} == modules
