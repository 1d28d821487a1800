"""Read and write instruction_limits.toml: what each kind of call may cost, and what it cost at a commit.

The counts belong to a build: the interpreter and the libraries that run in a request. With another build nothing can be compared
with them.
"""

from __future__ import annotations

import json
import platform
import sys
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

FILE = Path(__file__).with_name("instruction_limits.toml")
LIBRARIES = ("httptools", "multidict", "pluggy", "wsproto")  # whose code runs in a request
HEAD = """\
# What calls may cost in instructions. `python tests/benchmarks/instructions.py --guard` compares the working tree with each
# row, and .ci/run fails if one has grown by more than its limit.
#
# kind: of instructions.py. commit: what is compared with. limit: per cent over it. reason: for this commit and this limit; who
# changes one of them gives the new reason in the same commit. counts: of the commit, by interpreter and libraries; where they
# are missing the commit is counted again, and `--store` writes them.
"""


@dataclass
class Limit:
    """A row of the file."""

    kind: str
    commit: str
    limit: float
    reason: str
    counts: dict[str, int] = field(default_factory=dict)


def build() -> str:
    """Return the name of this interpreter, its processor and the libraries."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    return f"{sys.version}; {platform.machine()}; {versions}"


def read() -> list[Limit]:
    """Return the rows. Raises: ValueError, for a row without a reason."""
    rows = [Limit(**row) for row in tomllib.loads(FILE.read_text(encoding="utf-8"))["row"]]
    for row in rows:
        if not row.reason.strip():
            raise ValueError(f"{FILE.name}: the row {row.kind!r} gives no reason for its limit")
    return rows


def write(rows: list[Limit]) -> None:
    FILE.write_text(text_of(rows), encoding="utf-8")


def text_of(rows: list[Limit]) -> str:
    """Return the file with these rows."""
    tables = (
        f"\n[[row]]\nkind = {json.dumps(row.kind)}\ncommit = {json.dumps(row.commit)}\nlimit = {row.limit}\n"
        f"reason = {json.dumps(row.reason)}\n\n[row.counts]\n"
        + "".join(f"{json.dumps(name)} = {count}\n" for name, count in sorted(row.counts.items()))
        for row in rows
    )
    return HEAD + "".join(tables)
