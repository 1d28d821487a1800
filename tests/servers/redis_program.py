"""redis-server, in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.processes import running
from servers.programs import require_module, require_program


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """Run a redis-server that keeps nothing on the disk; gives its URL."""
    require_module("redis", "redis")
    program = require_program("redis-server", "redis-server")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        return [program, "--bind", "127.0.0.1", "--port", str(ports[0]), "--save", "", "--dir", str(directory)]

    with running("redis-server", prepare, "tcp") as child:
        yield f"redis://127.0.0.1:{child.ports[0]}/0"
