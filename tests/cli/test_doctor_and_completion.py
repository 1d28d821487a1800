"""`hookline doctor` and `hookline completion`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_doctor_shows_what_the_client_sees_and_no_secret(run: Run) -> None:
    variables = {"https_proxy": "http://user:hunter2@proxy:3128", "no_proxy": "a.example", "HOOKLINE_DISABLE": "expect"}

    done = run("doctor", variables=variables)

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert "proxy for https http://user:…@proxy:3128 (https_proxy)" in lines
    assert "no proxy for a.example (no_proxy)" in lines
    assert any(line.startswith("expect disabled (hookline-expect ") for line in lines)
    assert "HOOKLINE_DISABLE expect" in lines
    assert any(line.startswith("OpenSSL OpenSSL ") for line in lines)
    assert any(line.startswith("hookline-core ") for line in lines)
    assert "commands sse, ws" in lines
    assert "hunter2" not in done.stdout


def test_doctor_names_what_is_broken(run: Run, tmp_path: Path) -> None:
    metadata = tmp_path / "acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[hookline]\nacme = no_such_module:Acme\n")

    done = run("doctor", variables={"PYTHONPATH": str(tmp_path)})

    assert done.returncode == 2
    assert "plugin 'acme' of acme 1.0 cannot be imported" in done.stderr
    assert "acme                 broken" in done.stdout


COMPLETE = r"""
source ./script
complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hookline; echo "${COMPREPLY[*]}"; }
complete_words hookline --max-red
complete_words hookline doc
complete_words hookline --pretty n
complete_words hookline -o scr
complete_words hookline --timeout x
"""


def test_bash_completes_options_commands_and_paths(run: Run, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(run("completion", "bash").stdout)

    done = subprocess.run(["bash", "-c", COMPLETE], capture_output=True, text=True, cwd=tmp_path, timeout=60)

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["--max-redirects", "doctor", "none", "script", ""]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_are_accepted_by_their_shells(run: Run, tmp_path: Path, shell: str) -> None:
    script = run("completion", shell).stdout
    (tmp_path / "script").write_text(script)

    assert "max-redirects" in script
    assert "doctor" in script
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True, timeout=60)
        assert done.stderr == ""


def test_unknown_shell_is_an_error(run: Run) -> None:
    done = run("completion", "tcsh")

    assert done.returncode == 2
    assert "invalid choice: 'tcsh'" in done.stderr
