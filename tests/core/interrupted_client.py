# ruff: noqa: T201  # what it prints is read by the test
"""A program for tests/core/test_ctrl_c.py: calls in synchronous mode that are interrupted, each followed by one that must work.

`python interrupted_client.py URL ROUNDS`. Each round begins with the line "go" on standard output; SIGINT has to come some time
later, once. At the end stands how often it came within the call, and how often it never came.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import time
from collections.abc import Callable, Iterator

from hookline import HttpClient

LONGEST = 20  # seconds that a round may take, on a busy machine
PATIENCE = 5  # seconds to wait for SIGINT behind the end of a call


def main(url: str, rounds: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    client = HttpClient()

    def get() -> None:
        client.get(url)

    def get_slowly() -> None:
        client.get(url + "slow")

    def upload() -> None:
        def chunks() -> Iterator[bytes]:
            for _ in range(20):
                yield b"x" * 10_000

        client.post(url, data=chunks())

    def stream() -> None:
        with client.get(url + "large", stream=True) as response:
            for _ in response.raw:
                pass

    def close() -> None:
        client.get(url)
        client.close()

    calls: list[Callable[[], None]] = [get, get_slowly, upload, stream, close]
    within = lost = 0
    for number in range(rounds):
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        has_ended = False
        try:
            print("go", flush=True)
            calls[number % len(calls)]()
            has_ended = True
            time.sleep(PATIENCE)
            lost += 1  # by Python, which drops what is raised within the callback of a weak reference
        except KeyboardInterrupt:
            within += not has_ended
        assert client.get(url, timeout=LONGEST).text == "body"
        assert client.stats()[:3] == (1, 0, 0), client.stats()
    client.close()
    print(within, lost, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
