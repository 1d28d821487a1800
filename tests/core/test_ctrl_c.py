"""Ctrl-C in synchronous mode: KeyboardInterrupt comes out, wherever it found the call, and the next call works."""

from __future__ import annotations

import asyncio
import os
import random
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline import HttpClient
from hookline_testing.server import Script, ScriptedServer, response

PROGRAM = Path(__file__).with_name("interrupted_client.py")
SOON = 0.012  # seconds within which SIGINT comes: as long as a call takes


def answer_with_pauses(server: ScriptedServer) -> None:
    def answer(request: object) -> Script:
        target = request.target  # type: ignore[attr-defined]
        if target == "/large":
            return Script(response(b"x" * 2_000_000))
        return Script().pause(0.01 if target == "/slow" else 0).read_body().send(response(b"body"))

    server.respond(answer)


def interrupt(server: ScriptedServer, rounds: int, *options: str, seed: int | None = None) -> int:
    """Run the program and send it SIGINT at random moments; returns how many came within a call."""
    answer_with_pauses(server)
    seed = random.randrange(2**32) if seed is None else seed
    print(f"seed {seed}")  # noqa: T201  # pytest shows it behind a failure
    moments = random.Random(seed)
    command = [sys.executable, *options, str(PROGRAM), server.url(), str(rounds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        last = ""
        for line in child.stdout:
            if line != "go\n":
                last = line
                continue
            time.sleep(moments.uniform(0, SOON))
            os.kill(child.pid, signal.SIGINT)
        errors = child.stderr.read()
    assert child.returncode == 0, errors
    within, lost = map(int, last.split())
    assert lost <= 1 + rounds / 200
    return within


@pytest.mark.parametrize("options", [(), ("-X", "dev")], ids=["plain", "dev"])
def test_ctrl_c_at_any_moment_ends_the_call_and_the_next_one_works(
    make_scripted: Callable[..., ScriptedServer], options: tuple[str, ...]
) -> None:
    assert interrupt(make_scripted(strict=False), 30, *options) > 0


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-X", "dev")], ids=["plain", "dev"])
def test_ctrl_c_at_a_thousand_moments(make_scripted: Callable[..., ScriptedServer], options: tuple[str, ...]) -> None:
    assert interrupt(make_scripted(strict=False), 1000, *options) > 100


def test_exception_of_a_signal_handler_of_the_user_comes_out_and_the_next_call_works(scripted: ScriptedServer) -> None:
    main = threading.get_ident()

    def interrupt() -> None:
        """Interrupt the client while its loop sleeps: in the middle of a callback asyncio would log what is raised."""
        while sys._current_frames()[main].f_code.co_filename != selectors.__file__:
            time.sleep(0.001)
        signal.pthread_kill(main, signal.SIGALRM)

    def answer(request: object) -> Script:
        if request.target == "/slow":  # type: ignore[attr-defined]
            return Script().then(lambda connection: asyncio.to_thread(interrupt)).stall()
        return Script(response(b"body"))

    class Late(Exception):
        pass

    def break_in(number: int, frame: object) -> None:
        raise Late

    scripted.respond(answer)
    before = signal.signal(signal.SIGALRM, break_in)
    try:
        with HttpClient(autoload=False) as client:
            for _ in range(40):
                with pytest.raises(Late):
                    client.get(scripted.url("/slow"), timeout=5)
                assert client.get(scripted.url(), timeout=5).text == "body"
            assert client.stats()[:3] == (1, 0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
