"""Measure everything that docs/performance.md shows, and write the page and its pictures: `run.py --publish`."""

from __future__ import annotations

import datetime
import json
import os
import platform
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import startup
from benchmarks.clients import UV
from benchmarks.environments import ROOT, NotInstalled, environment_of
from benchmarks.figures import CLIENTS, ON_UVLOOP, OWN, figures_of
from benchmarks.page import page, pictures
from benchmarks.runner import TESTS, Plan, Row, cores, measure
from benchmarks.servers import serving

DOCS = ROOT / "docs"
STARTS = 15  # processes of each client
LABELS = (*CLIENTS, *ON_UVLOOP)
VERSION = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
"""
# What a version in the page consists of: the client, and what it is built on.
BUILT_ON = {
    OWN: ("hookline-core", "httptools", "multidict", "ngh2"),
    "httpx2": ("httpx2", "httpcore2", "h11", "h2"),
    "niquests": ("niquests", "urllib3-future", "jh2"),
}


def find_pythons(labels: Sequence[str], folder: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return {client: its interpreter}, and {client: why it is not installed}.

    folder: for an environment of each client; None = use what this interpreter has.
    """
    pythons, missing = {}, {}
    for label in labels:
        if folder is not None:
            print(f"installing {label}", flush=True)
            try:
                pythons[label] = environment_of(label, folder)
            except NotInstalled as error:
                print(f"{label}: {error}", file=sys.stderr)
                missing[label] = "pip could not install it"
        elif versions_of(label, sys.executable):
            pythons[label] = sys.executable
        else:
            missing[label] = "the interpreter that measured does not have it"
    return pythons, missing


def versions_of(label: str, python: str) -> str:
    """Return the versions of a client and of what it is built on; "" = it is not installed."""
    names = [*BUILT_ON.get(label, (label,)), "uvloop"]
    done = subprocess.run([python, "-P", "-c", VERSION, *names], capture_output=True, text=True, check=True)
    found = done.stdout.splitlines()
    return ", ".join(found) if found and found[0].startswith(names[0]) else ""


def output_of(*command: str) -> str:
    """Return the first line that a program prints; "" if it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except FileNotFoundError:
        return ""
    return ((done.stdout or done.stderr).splitlines() or [""])[0] if done.returncode == 0 else ""


def commit() -> str:
    """Describe the commit of the working tree."""
    found = output_of("git", "rev-parse", "--short=12", "HEAD")
    if not found:
        return "outside of a repository of git"
    changed = output_of(
        "git", "status", "--porcelain", "--untracked-files=no", "--", "core", "plugins", "tests/benchmarks"
    )
    return f"at commit `{found}`" + (" with changes" if changed else "")


def machine(server: str) -> dict[str, str]:
    """Return what the page says of the machine."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    usable = cores()
    pinned = "not pinned, since there is one core: do not trust the figures" if None in usable else "pinned"
    return {
        "processor": f"{fields.get('model name', platform.processor())}, {os.cpu_count()} cores; client and server {pinned}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {platform.python_compiler()}",
        "TLS": ssl.OPENSSL_VERSION,
        "server": server,
    }


def take(plan: Plan, mib: int, kind: str | None, folder: Path | None, command: str) -> Iterator[dict[str, Any]]:
    """Measure, and yield one row for each sample, process and table; those with the key `record` are not of `runner.measure`.

    folder: see `find_pythons`.
    """
    wanted = {label.removesuffix(UV) for label in plan.labels}
    pythons, missing = find_pythons([label for label in CLIENTS if label in wanted], folder)
    labels = [label for label in plan.labels if label.removesuffix(UV) in pythons]
    plan = replace(plan, labels=labels, pythons=pythons, everywhere=True)
    server_core = cores()[1]
    with serving(mib, server_core, kind, http2=True) as server:
        kinds = [server.kind, *([output_of("nginx", "-v").partition(": ")[2] or "nginx"] if server.http2 else [])]
        yield {
            "record": "about",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "command": command,
            "commit": commit(),
            "machine": machine(" and ".join(kinds)),
            "versions": {label: versions_of(label, python) for label, python in pythons.items()},
            "missing": missing,
            "installs": folder is not None,
            "rounds": plan.rounds,
            "retries": plan.retries,
            "foreign": plan.foreign,
            "length": "0.4 s, streams for 0.3 s" if plan.seconds is None else f"{plan.seconds:g} s",
            "starts": STARTS if plan.rounds > 1 else 1,
        }
        yield from measure(plan, server)
    starting = {label: python for label, python in pythons.items() if label in startup.SOURCES}
    for row in startup.measure(starting, STARTS if plan.rounds > 1 else 1):
        yield {"record": "startup", **row}
    if OWN in pythons:
        yield {"record": "growth", "times": growth(pythons[OWN], is_brief=plan.rounds == 1)}


def growth(python: str, *, is_brief: bool) -> dict[str, list[list[float]]]:
    """Return what growth.py measures; brief: one batch of few requests."""
    words = ["--batches", "1", "--requests", "20", "--clients", "2", "--most", "100"] if is_brief else []
    done = subprocess.run(
        [python, "-P", str(Path(TESTS, "benchmarks", "growth.py")), "--json", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times: dict[str, list[list[float]]] = json.loads(done.stdout)
    return times


def write(rows: Sequence[Mapping[str, Any]], docs: Path) -> list[Path]:
    """Write the page and its pictures below a folder, and return the files.

    Raises: ValueError, if the rows are not of `run.py --publish`.
    """
    figures = figures_of(rows)
    files = {docs / "performance.md": page(figures)}
    files |= {docs / "pictures" / name: picture for name, picture in pictures(figures).items()}
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return list(files)


def publish(
    plan: Plan,
    mib: int,
    kind: str | None,
    *,
    out: Path | None,
    docs: Path,
    environments: Path | None,
    installs: bool,
    command: str,
) -> list[Path]:
    """Measure, write each row to `out` as soon as it comes, and write the page; return its files.

    environments: the folder that keeps an environment for each client; None = a temporary one. installs: False measures what
    this interpreter has. command: what the page shows as the command that measured.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary:
        folder = (environments or Path(temporary)) if installs else None
        for row in take(plan, mib, kind, folder, command):
            rows.append(row)
            if out:
                with out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            if "error" in row:
                print(f"{row['client']}, {row.get('workload', 'start-up')}: {row['error']}", file=sys.stderr)
            elif row.get("round") == 0:
                print(f"{row['workload']}: {row['client']}", flush=True)
    return write(rows, docs)
