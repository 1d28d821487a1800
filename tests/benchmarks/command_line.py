"""Print what one request from the command line costs, beside curl, HTTPie and Python itself.

    .venv/bin/python tests/benchmarks/command_line.py                   # milliseconds: 30 s
    .venv/bin/python tests/benchmarks/command_line.py --instructions    # by valgrind: millions of instructions, which vary less

It installs this repository in a new environment, as a user does: the distributions that `pip install hookline` brings, or with
`--all` those of all plugins. The commands take turns, and their output goes through a pipe.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.environments import ROOT, make, members

BODY = b'{"name": "Ada"}'


class Answer(BaseHTTPRequestHandler):
    """Answers each GET with a small JSON body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name that http.server calls
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # named by http.server
        """Print nothing."""


def install(folder: Path, *, has_all: bool) -> Path:
    """Make an environment with Hookline in a folder, and return the folder of its programs."""
    chosen = members()
    if has_all:
        chosen = [ROOT / "core", *(path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml")))]
    return make(folder, ROOT, *chosen)


def run(command: list[str]) -> float:
    """Run a command once, and return its milliseconds."""
    began = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return (time.perf_counter() - began) * 1000


def instructions(command: list[str]) -> float:
    """Run a command under callgrind, and return its millions of instructions."""
    options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        ["valgrind", *options, *command], capture_output=True, check=True, text=True, stdin=subprocess.DEVNULL
    )
    return int(re.findall(r"Collected : (\d+)", done.stderr)[-1]) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--instructions", action="store_true", help="count instructions instead of milliseconds")
    parser.add_argument("--all", action="store_true", help="install all plugins, not only the default ones")
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # with which some modules would be compiled each time
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as folder:
        programs = install(Path(folder), has_all=given.all)
        python = str(programs / "python")
        commands = {
            "python -c pass": [python, "-c", "pass"],
            "python -c 'import asyncio'": [python, "-c", "import asyncio"],
            "hookline URL": [python, str(programs / "hookline"), url],
        }
        for name, command in {"curl": ["curl", "-s", url], "http": ["http", "--ignore-stdin", url]}.items():
            if path := shutil.which(name):
                commands[" ".join([*command[:-1], "URL"])] = [path, *command[1:]]
        if given.instructions:
            for name, command in commands.items():
                print(f"{name:28} {instructions(command):7.0f} M instructions")
            return
        for command in commands.values():
            run(command)
        samples: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(given.rounds):
            for name, command in commands.items():
                samples[name].append(run(command))
        least = min(samples["python -c pass"])
        for name, each in samples.items():
            over = min(each) - least
            print(
                f"{name:28} {min(each):7.1f} ms at least, {statistics.median(each):7.1f} in the median, {over:+7.1f} over Python"
            )


if __name__ == "__main__":
    main()
