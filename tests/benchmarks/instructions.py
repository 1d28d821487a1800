"""Count the client's own instructions per call or message: `python tests/benchmarks/instructions.py`.

The kinds are small GETs and POSTs, and the echo of a websocket. Counts, of valgrind, do not depend on the machine's load, so
they show a change of one per cent. The program compares two runs of different length; the difference is the cost of the
requests, without start-up. `--against REVISION` also counts that revision with the same interpreter, and exits with 1 if the
working tree costs more than `--limit` per cent over it.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.canned import FRESH_ANSWER, CannedLoop, WebSocketTransport, step_through
from benchmarks.workloads import SMALL, WrongAnswer, echoed

ROOT = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:8080/small"
BODY = b"x" * 1024
# What each kind of call has besides its URL.
KINDS: dict[str, dict[str, Any]] = {
    "GET": {},
    "GET with a field": {"headers": {"X-Request-Id": "1"}},
    "POST": {"data": BODY},
    "GET with a timeout": {"timeout": 30},
    "GET with a read timeout": {},  # of the call
    "GET; a read timeout of the client": {},
    "GET with a pair": {"auth": ("user", "password")},
    "GET with a handler": {},
    "GET of another URL": {},
    "miss": {},  # of a cache in memory, of another URL each
    "hit": {},
    "websocket echo": {"compression": False},  # of the handshake: 64 bytes, sent and received on one websocket
}
DEFAULT_KINDS = "GET,GET with a field,POST"
FEW, MANY = 1000, 3000  # requests of the two runs
# With an unlucky seed, names collide in tables of the interpreter, which adds 2 % to one kind of call: the least count is taken.
HASH_SEEDS = ("0", "1")


async def repeat(kind: str, requests: int) -> None:
    from hookline import HttpClient, Timeout

    loop = asyncio.get_running_loop()
    assert isinstance(loop, CannedLoop)
    options: dict[str, Any] = {}
    if kind in ("miss", "hit"):
        from hookline_cache import Cache

        loop.response, options = FRESH_ANSWER, {"cache": Cache()}
    if kind == "GET; a read timeout of the client":
        options["timeout"] = Timeout(read=30)
    keywords = dict(KINDS[kind])
    if kind == "GET with a read timeout":
        keywords["timeout"] = Timeout(read=30)
    elif kind == "GET with a handler":
        keywords["on_headers"] = lambda response, exc=None: None
    if kind == "websocket echo":
        loop.transport_type = WebSocketTransport
        await repeat_echo(requests, loop)
        return
    is_other = kind in ("GET of another URL", "miss")
    async with HttpClient(**options) as client:
        for number in range(requests):
            send = client.post if kind == "POST" else client.get
            url = f"{URL}/{number:06}" if is_other else URL
            response = step_through(send(url, **keywords), loop)
            if kind in ("miss", "hit") and response.is_stored is not (kind == "hit" and number > 0):
                raise WrongAnswer(f"{response!r}: stored {response.is_stored}")
            if response.status_code != 200 or response.content != SMALL:
                raise WrongAnswer(f"{response!r}")


async def repeat_echo(messages: int, loop: CannedLoop) -> None:
    from hookline import HttpClient

    message = echoed(64)
    async with HttpClient() as client:
        websocket: Any = step_through(client.get("ws://127.0.0.1:8080/ws", **KINDS["websocket echo"]), loop)
        for _ in range(messages):
            step_through(websocket.send(message), loop)
            if step_through(websocket.receive(), loop) != message:
                raise WrongAnswer("another message than was sent")
        await websocket.close()


def members(tree: Path) -> list[str]:
    """Return the folders of a checkout that contain importable code."""
    return [str(tree / "core"), *sorted(str(path.parent) for path in tree.glob("plugins/*/pyproject.toml"))]


def plugins_without_code(tree: Path) -> list[str]:
    """Return the installed plugins that a checkout does not have yet: they need the core of today."""
    newer = [path for path in ROOT.glob("plugins/*/pyproject.toml") if not (tree / path.relative_to(ROOT)).exists()]
    projects = [tomllib.loads(path.read_text(encoding="utf-8"))["project"] for path in newer]
    return [name for project in projects for name in project.get("entry-points", {}).get("hookline", ())]


def total(tree: Path, kind: str, requests: int, seed: str) -> int:
    """Return the instructions of a process that sends this number of requests with the code of `tree`."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(members(tree)),  # comes before the installed checkout
        "HOOKLINE_DISABLE": ",".join(plugins_without_code(tree)),
        "PYTHONHASHSEED": seed,  # without it sets and dictionaries differ from run to run
    }
    done = subprocess.run(
        [*command, "--repeat", kind, "--requests", str(requests)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or counted is None:
        raise RuntimeError(f"the counted process failed with status {done.returncode}:\n{done.stderr[-2000:]}")
    return int(counted[1])


def per_request(tree: Path, kind: str) -> int:
    """Return the instructions of one request, without start-up."""
    return min((total(tree, kind, MANY, seed) - total(tree, kind, FEW, seed)) // (MANY - FEW) for seed in HASH_SEEDS)


def check_out(revision: str | None, folder: Path) -> Path:
    """Write the files of a revision, or of the working tree for None, to a new folder, compile them, and return it.

    The working tree is copied too, because counts differ by 1 % if the code is imported from a path of another length.
    """
    folder.mkdir()
    if revision is None:
        for name in ("core", "plugins"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    else:
        archive = subprocess.run(
            ["git", "archive", revision, "core", "plugins"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    if not compileall.compile_dir(folder, quiet=2):  # half of a counted run would be spent on that
        raise RuntimeError(f"{revision or 'the working tree'} cannot be compiled")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REVISION", help="count this revision too, and compare")
    parser.add_argument("--limit", type=float, default=3.0, help="per cent over REVISION (default: %(default)s)")
    parser.add_argument("--kinds", default=DEFAULT_KINDS, help=f"of {', '.join(KINDS)} (default: %(default)s)")
    parser.add_argument("--repeat", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=FEW, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.repeat:
        with asyncio.Runner(loop_factory=CannedLoop) as runner:
            runner.run(repeat(options.repeat, options.requests))
        return 0
    exceeded = False
    with tempfile.TemporaryDirectory() as folder:
        tree = check_out(None, Path(folder, "now"))
        other = check_out(options.against, Path(folder, "old")) if options.against else None
        for kind in options.kinds.split(","):
            own = per_request(tree, kind)
            line = f"{kind}: {own} instructions"
            if other is not None:
                before = per_request(other, kind)
                change = 100 * (own - before) / before
                exceeded = exceeded or change > options.limit
                line += f", {options.against} {before}, {change:+.2f} %"
            print(line, flush=True)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
