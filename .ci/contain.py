"""Run a program for a limited time, then end every process that it has left behind.

    python3 contain.py SECONDS PROGRAM [ARGUMENT ...]

Exits with the program's own status, or with 124 if its time is up. Linux only: this process becomes the parent of all orphans
below it (PR_SET_CHILD_SUBREAPER, prctl(2)), also of those in other sessions, so it can find and name them.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# Seconds between the request to end and SIGKILL.
GRACE = 5.0


def adopt_orphans() -> None:
    """Become the parent of every orphan below this process, and have the kernel end this process together with its caller."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) or libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl failed")


def running_below(ancestor: int) -> dict[int, str]:
    """Return the running processes below `ancestor`: {process id: name}."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        # A process may end while its files are read.
        with contextlib.suppress(OSError):
            name, _, rest = (entry / "stat").read_text(errors="replace").partition(" (")[2].rpartition(") ")
            state, parent = rest.split()[:2]
            if state != "Z":
                parents[int(entry.name)] = int(parent)
                names[int(entry.name)] = name
    below: set[int] = set()
    found = {ancestor}
    while found:
        found = {child for child, parent in parents.items() if parent in found} - below
        below |= found
    return {process: names[process] for process in below}


def reap() -> None:
    """Take the status of every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def end_leftovers() -> None:
    """Send SIGTERM to all processes below this one, and SIGKILL after the grace period."""
    asked: set[int] = set()
    deadline = time.monotonic() + GRACE
    while left := running_below(os.getpid()):
        late = time.monotonic() > deadline
        for process, name in left.items():
            if process not in asked:
                print(f"ended a process that was left behind: {name} ({process})", flush=True)
            if late or process not in asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL if late else signal.SIGTERM)
            asked.add(process)
        time.sleep(0.05)
        reap()


def leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def main() -> int:
    limit, program = float(sys.argv[1]), sys.argv[2:]
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    adopt_orphans()
    child = subprocess.Popen(program, stdin=subprocess.DEVNULL)
    try:
        status = child.wait(limit)
        return status if status >= 0 else 128 - status
    except subprocess.TimeoutExpired:
        print(f"not done after {limit:.0f} s: {' '.join(program)}", flush=True)
        return 124
    finally:
        end_leftovers()


sys.exit(main())
