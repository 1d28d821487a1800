"""The sessions of the noxfile and the hooks of pre-commit are complete, documented and use the versions of the tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


def nox(root: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "nox", *options]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)


@pytest.fixture
def sessions(root: Path) -> dict[str, str]:
    """The sessions that `nox -l` lists, with their descriptions."""
    done = nox(root, "--list")
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^[*-] (\S+)(?: -> (.+))?$", done.stdout, re.MULTILINE))


def test_every_session_has_a_description(sessions: dict[str, str]) -> None:
    assert {"lint", "types", "test", "slow", "soak", "docs", "bench"} <= set(sessions)
    assert not [name for name, description in sessions.items() if not description]


def test_contributing_lists_every_session(sessions: dict[str, str], root: Path) -> None:
    section = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\n| task |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(sessions)


def test_files_that_the_noxfile_names_are_there(root: Path) -> None:
    text = (root / "noxfile.py").read_text(encoding="utf-8")
    paths = re.findall(r'"((?:docs|tests|tools)(?:/[\w.]+)*)"', text)
    assert "tests/requirements.txt" in paths
    assert not [path for path in paths if not (root / path).exists()]


def test_version_session_prints_the_version(root: Path, settings: dict[str, dict[str, str]]) -> None:
    done = nox(root, "--session", "version")
    assert (done.returncode, done.stdout) == (0, f"{settings['project']['version']}\n"), done.stderr


def test_hooks_use_the_ruff_of_the_tests(root: Path) -> None:
    lines = (root / "tests/requirements.txt").read_text(encoding="utf-8").splitlines()
    (ruff,) = (line for line in lines if line.startswith("ruff"))
    hooks = (root / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r'"(ruff[^"]*)"', hooks) == [ruff, ruff]
