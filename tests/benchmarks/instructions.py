"""Count the client's own instructions per call or message: `python tests/benchmarks/instructions.py`.

The kinds are small GETs and POSTs, and the echo of a websocket. Counts, of valgrind, do not depend on the machine's load, so
they show a change of one per cent. The program compares two runs of different length; the difference is the cost of the
requests, without start-up. `--against REVISION` also counts that revision with the same interpreter, and exits with 1 if the
working tree costs more than `--limit` per cent over it.

`--guard` does so for each row of instruction_limits.toml, with the commit and the limit of the row. It does not count the commit
again if the row has its count with this interpreter and these libraries. `--store` writes the counts that are missing.
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
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import instruction_limits
from benchmarks.canned import FRESH_ANSWER, CannedLoop, Http2Transport, WebSocketTransport, step_through
from benchmarks.workloads import (
    CALL_AUTH,
    CALL_FIELDS,
    CALL_PARAMS,
    COOKIES,
    SMALL,
    WrongAnswer,
    echoed,
    small_document,
)

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
    "GET; a timeout of the client": {},
    "GET with a pair": {"auth": ("user", "password")},
    "GET with a handler": {},
    "GET of another URL": {},
    "realistic call": {"params": CALL_PARAMS, "headers": CALL_FIELDS, "auth": CALL_AUTH},
    "GET over HTTP/2": {},  # 32 at a time; so are those below
    "POST over HTTP/2": {"data": BODY},
    "GET over HTTP/2 of the floor": {},  # what a client of no features takes for it, as for the next
    "POST over HTTP/2 of the floor": {"data": BODY},
    "GET over HTTP/2 one by one": {},
    "GET over HTTP/2 one by one of the floor": {},
    "GET over HTTP/2 on h2": {},  # the engine in Python
    "GET over HTTP/2 on h2 of the floor": {},
    "upload over HTTP/2": {},  # 256 KiB in pieces of 64 KiB, one at a time
    "upload over HTTP/2 of the floor": {},
    "miss": {},  # of a cache in memory, of another URL each
    "hit": {},
    "websocket echo": {"compression": False},  # of the handshake: 64 bytes, sent and received on one websocket
}
DEFAULT_KINDS = "GET,GET with a field,POST"
FEW, MANY = 1000, 3000  # requests of the two runs
# With an unlucky seed, names collide in tables of the interpreter, which adds 2 % to one kind of call: the least count is taken.
HASH_SEEDS = ("0", "1")


AT_A_TIME = 32
UPLOAD = 256 * 1024  # bytes


async def repeat_over_http2(kind: str, requests: int) -> None:
    """Send requests on one connection, by 32 tasks of the loop or by one."""
    from benchmarks.adapter import Setup, pieces
    from benchmarks.http2_floors import H2Floor, NGH2Floor
    from hookline import HttpClient

    loop = asyncio.get_running_loop()
    assert isinstance(loop, CannedLoop)
    loop.transport_type = Http2Transport
    left, url, is_on_h2 = requests, URL.replace("http:", "https:"), "on h2" in kind
    is_upload = kind.startswith("upload")
    async with AsyncExitStack() as stack:
        if kind.endswith("floor"):
            floor = (H2Floor if is_on_h2 else NGH2Floor)(Setup(url.removesuffix("/small"), 1, None))
            await floor.open()

            async def send() -> tuple[int, bytes]:
                if is_upload:
                    return await floor.upload(url, UPLOAD)
                return await (floor.post(url, BODY) if kind.startswith("POST") else floor.get(url))
        else:
            client = await stack.enter_async_context(HttpClient(http2_engine="h2" if is_on_h2 else None))

            async def send() -> tuple[int, bytes]:
                if is_upload:
                    response = await client.post(url, data=pieces(UPLOAD))
                else:
                    response = await (client.post(url, data=BODY) if kind.startswith("POST") else client.get(url))
                return response.status_code, response.content

        async def take_turns() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                if (answer := await send()) != (200, SMALL):
                    raise WrongAnswer(f"{answer!r}")

        at_a_time = 1 if is_upload or "one by one" in kind else AT_A_TIME
        await asyncio.gather(*(take_turns() for _ in range(at_a_time)))


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
    elif kind == "GET; a timeout of the client":
        options["timeout"] = 30
    keywords = dict(KINDS[kind])
    if kind == "realistic call":
        options["cookies"] = COOKIES
    if kind in ("GET with a read timeout", "realistic call"):
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
            if kind == "realistic call" and response.json() != small_document():
                raise WrongAnswer(f"{response!r}: {response.text}")
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


@contextmanager
def checked_out(revision: str | None) -> Iterator[Path]:
    """Write the files of a revision, or of the working tree for None, to a folder, compile them, and return the folder.

    It has the same name for all of them, because counts differ by 1 % if the code is imported from another path.
    """
    folder = new_folder()
    try:
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
        yield folder
    finally:
        shutil.rmtree(folder)


def new_folder() -> Path:
    """Make the folder of a checkout. Runs at the same time get others, of the same length."""
    folders = [Path(tempfile.gettempdir(), f"hookline-instructions-{number}") for number in range(10)]
    for folder in folders:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            return folder
    raise RuntimeError(f"{folders[0]} and nine others exist: remove those of runs that were killed")


def counts(revision: str | None, kinds: Iterable[str]) -> dict[str, int]:
    """Return {kind: the instructions of one request} with the code of a revision, or of the working tree for None."""
    with checked_out(revision) as tree:
        return {kind: per_request(tree, kind) for kind in kinds}


def compare(kinds: list[str], revision: str | None, limit: float) -> bool:
    """Print the counts of the working tree, beside those of a revision if there is one; return True if one is over the limit."""
    own = counts(None, kinds)
    before = counts(revision, kinds) if revision else {}
    for kind in kinds:
        line = f"{kind}: {own[kind]} instructions"
        if revision:
            line += f", {revision} {before[kind]}, {growth(own[kind], before[kind]):+.2f} %"
        print(line)
    return any(growth(own[kind], before[kind]) > limit for kind in before)


def growth(now: int, before: int) -> float:
    """Return by how many per cent a count has grown."""
    return 100 * (now - before) / before


def guard() -> bool:
    """Compare the working tree with each row of instruction_limits.toml; return True if one has grown by more than its limit."""
    rows = instruction_limits.read()
    own = counts(None, [row.kind for row in rows])
    count_missing(rows)
    exceeded = over_limit(rows, own)
    for row in rows:
        before = row.counts[instruction_limits.build()]
        print(
            f"{row.kind}: {own[row.kind]} instructions, {row.commit} {before}, {growth(own[row.kind], before):+.2f} %, "
            f"limit {row.limit} %: {'EXCEEDED' if row.kind in exceeded else 'kept'}"
        )
    return bool(exceeded)


def over_limit(rows: list[instruction_limits.Limit], own: dict[str, int]) -> list[str]:
    """Return the kinds whose count has grown by more than the limit of their row."""
    build = instruction_limits.build()
    return [row.kind for row in rows if growth(own[row.kind], row.counts[build]) > row.limit]


def count_missing(rows: list[instruction_limits.Limit]) -> None:
    """Count the commit of each row that has no count with this interpreter and these libraries."""
    build = instruction_limits.build()
    missing = [row for row in rows if build not in row.counts]
    for commit in dict.fromkeys(row.commit for row in missing):
        found = counts(commit, [row.kind for row in missing if row.commit == commit])
        print(f"counted at {commit}, because its counts are of other builds: {', '.join(found)}", flush=True)
        for row in missing:
            if row.commit == commit:
                row.counts[build] = found[row.kind]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REVISION", help="count this revision too, and compare")
    parser.add_argument("--limit", type=float, default=3.0, help="per cent over REVISION (default: %(default)s)")
    parser.add_argument("--kinds", default=DEFAULT_KINDS, help=f"of {', '.join(KINDS)} (default: %(default)s)")
    parser.add_argument(
        "--guard", action="store_true", help="compare with instruction_limits.toml; exit with 1 over a limit"
    )
    parser.add_argument(
        "--store", action="store_true", help="write the counts of instruction_limits.toml for this build"
    )
    parser.add_argument("--repeat", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=FEW, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.repeat:
        with asyncio.Runner(loop_factory=CannedLoop) as runner:
            function = repeat_over_http2 if "HTTP/2" in options.repeat else repeat
            runner.run(function(options.repeat, options.requests))
        return 0
    if options.guard:
        return int(guard())
    if options.store:
        rows = instruction_limits.read()
        count_missing(rows)
        instruction_limits.write(rows)
        return 0
    kinds = options.kinds.split(",")
    for kind in kinds:
        if kind not in KINDS:
            parser.error(f"--kinds: there is no {kind!r}; choose from {', '.join(KINDS)}")
    return int(compare(kinds, options.against, options.limit))


if __name__ == "__main__":
    sys.exit(main())
