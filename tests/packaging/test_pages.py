"""docs/plugins/writing.md, publishing.md and starting.md, followed command by command, beside the wheels of the project.

A block with a title is a file, a ```sh block is run line by line, and a ```text block behind it is what it prints. Where
the plugin of the pages is installed, sdks.md still says what is loaded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.environments import ROOT, clean_variables
from kit.environments import run as run_program

PAGES = [ROOT / "docs" / "plugins" / name for name in ("writing.md", "publishing.md")]
STARTING = ROOT / "docs" / "plugins" / "starting.md"
# What the commands install besides.
TOOLS = ("build", "flit_core>=3.12,<5", "pytest", "twine")
BLOCK = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a script, stop at the first command that fails, and give back all that it printed."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{script}\nended with {done.returncode}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def environment(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which pip finds the wheels of the project and of the tools, and looks nowhere else."""
    wheels, programs = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("programs")
    python3 = programs / "python3"  # the one that the wheels are for
    python3.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python3.chmod(0o755)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", wheels)
    run_program(*pip, *wheelhouse.glob("*.whl"), *TOOLS)
    return {name: value for name, value in clean_variables().items() if not name.startswith("PIP_")} | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
    }


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")
def test_pages_can_be_followed_from_an_empty_folder(tmp_path: Path, environment: dict[str, str]) -> None:
    folder, printed, ran = tmp_path, "", 0
    for page in PAGES:
        for kind, title, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if title:
                (folder / title).write_text(text, encoding="utf-8")
            elif kind == "sh":
                printed = run(text, folder, environment)
                ran += len(text.splitlines())
                if "\ncd " in text:
                    folder /= text.partition("\ncd ")[2].partition("\n")[0]
                if "hookline plugins\n" in text:
                    assert "hookline-request-id" in printed
            else:
                assert kind == "text", f"nothing runs a block of {kind} in {page.name}"
                assert printed.endswith(text)
    assert ran > 15
    assert shutil.which("pip", path=str(tmp_path / "elsewhere" / "bin"))

    sdks = (PAGES[0].parent / "sdks.md").read_text(encoding="utf-8")
    (code, output) = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", sdks, re.DOTALL | re.MULTILINE)[1]
    (folder / "sdk.py").write_text(code, encoding="utf-8")
    assert "hookline-retry" not in output
    assert run(".venv/bin/python sdk.py", folder, environment) == output


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")
def test_page_that_starts_a_plugin_can_be_followed(tmp_path: Path, environment: dict[str, str]) -> None:
    """In an environment that has what the page takes for granted: the command line, and the kit of the checks."""
    run("python3 -m venv env && env/bin/pip install hookline hookline-testing", tmp_path, environment)
    inside = environment | {"PATH": f"{tmp_path / 'env' / 'bin'}{os.pathsep}{environment['PATH']}"}

    new, check = (text for _, _, text in BLOCK.findall(STARTING.read_text(encoding="utf-8")))
    printed = run(new, tmp_path, inside)
    assert "3 passed" in printed
    printed = run(check, tmp_path, inside)
    assert "redirects conforms\n" in printed
    assert "basic conforms\n" in printed


def test_page_shows_what_is_run() -> None:
    """No block of the pages escapes the reading."""
    for page in (*PAGES, STARTING):
        text = page.read_text(encoding="utf-8")
        assert 2 * len(BLOCK.findall(text)) == len(re.findall(r"^```", text, re.MULTILINE))
