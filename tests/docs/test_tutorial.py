"""docs/tutorial.md, followed from its first block to its last: files are written, commands are run, outputs are compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
BLOCKS = BLOCK.findall(PAGE)
STARTED = 'ThreadingHTTPServer(("127.0.0.1", 8000), Shelf).serve_forever()\n'
# Done by the reader beforehand: the environment of the tests stands for the first, the fixture `server` for the second.
PREPARED = {"install", "server"}


@pytest.fixture
def server() -> Iterator[str]:
    """The server of the page, on a free port; its address."""
    (source,) = (text for _, title, text in BLOCKS if title == "server.py")
    assert source.endswith(STARTED)
    names: dict[str, Any] = {}
    exec(source.removesuffix(STARTED), names)  # noqa: S102  # the page is ours
    with names["ThreadingHTTPServer"](("127.0.0.1", 0), names["Shelf"]) as started:
        started.daemon_threads = True
        started.block_on_close = False
        thread = Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{started.server_port}"
        started.shutdown()
        thread.join()


def test_tutorial_can_be_followed(server: str, tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("HOOKLINE_", "HTTP"))
    } | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONWARNINGS": "error"}
    printed, compared = "", 0
    for kind, title, text in BLOCKS:
        if kind == "python":
            (tmp_path / title).write_text(text.replace("127.0.0.1:8000", server), encoding="utf-8")
        elif kind == "sh" and title not in PREPARED:
            done = subprocess.run(
                text.split(), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, f"{text}{done.stderr}"
            printed = done.stdout.replace(server, "127.0.0.1:8000")
        elif kind == "text":
            assert printed == text
            compared += 1
    assert compared > 6


def test_each_program_of_the_tutorial_is_run_and_shows_its_output() -> None:
    assert 2 * len(BLOCKS) == len(re.findall(r"^```", PAGE, re.MULTILINE))
    programs = [title for kind, title, _ in BLOCKS if kind == "python" and title != "server.py"]
    runs = [text for kind, title, text in BLOCKS if kind == "sh" and title not in PREPARED]
    assert runs == [f"python {title}\n" for title in programs]
    assert [kind for kind, _, _ in BLOCKS[-3:]] == ["python", "sh", "text"]
