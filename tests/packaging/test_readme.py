"""The commands of the README can be found, parsed and followed."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def commands(root: Path) -> list[str]:
    """All lines of the README's shell examples."""
    text = (root / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.mark.parametrize("part", ["/pip install . ./core ./plugins/*/ && ", "-r tests/requirements.txt && "])
def test_command_that_ci_runs_stands_once(commands: list[str], part: str) -> None:
    assert len([line for line in commands if line.startswith("python3 -m venv ") and part in line]) == 1


def test_uv_command_stands_once(commands: list[str]) -> None:
    assert len([line for line in commands if line.split("#")[0].strip() == "uv run pytest -n auto"]) == 1


def test_commands_are_valid_shell(commands: list[str]) -> None:
    script = "\n".join(commands)
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_paths_in_commands_exist(commands: list[str], root: Path) -> None:
    words = [word for line in commands for word in shlex.split(line, comments=True)]
    paths = [word for word in words if "/" in word and not word.startswith((".venv/", "http")) and ":" not in word]
    assert paths
    assert not [path for path in paths if not list(root.glob(path.removeprefix("./")))]
