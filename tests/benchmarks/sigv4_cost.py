"""Print what a signature costs per small GET, in microseconds of CPU, beside that of botocore.

    .venv/bin/python tests/benchmarks/sigv4_cost.py

Both sign the same requests, with the same fields. The signature alone is measured: the request is made before, and not sent. The
last line is a whole GET over loopback, without and with a signature, and with the plugin and no `auth=`.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from hookline import HttpClient
from hookline_sigv4 import SigV4
from hookline_testing.server import ScriptedServer, response

ROUNDS, COUNT = 9, 2000
KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
URL = "https://bucket.s3.eu-west-1.amazonaws.com/folder/key-{}?list-type=2&prefix=a"


def median(run: Callable[[int], None]) -> float:
    """Return the microseconds of CPU per call, the median of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for number in range(COUNT):
            run(number)
        rounds.append((time.process_time() - begin) / COUNT * 1e6)
    return statistics.median(rounds)


def main() -> None:
    """Measure and print."""
    for service, kind in (("s3", S3SigV4Auth), ("execute-api", SigV4Auth)):
        theirs = kind(Credentials(*KEYS), service, "eu-west-1")
        ours = SigV4(service, "eu-west-1", KEYS)
        client = HttpClient(autoload=False, plugins=["sigv4"])

        def make(number: int, client: HttpClient = client) -> None:
            client.build_request("GET", URL.format(number % 50))

        def sign(number: int, client: HttpClient = client, ours: SigV4 = ours) -> None:
            ours.apply(client.build_request("GET", URL.format(number % 50)))

        def sign_by_botocore(number: int, theirs: SigV4Auth = theirs) -> None:
            theirs.add_auth(AWSRequest("GET", URL.format(number % 50), headers={"Accept": "*/*"}))

        def make_for_botocore(number: int) -> None:
            AWSRequest("GET", URL.format(number % 50), headers={"Accept": "*/*"})

        own, other = median(sign) - median(make), median(sign_by_botocore) - median(make_for_botocore)
        print(f"{service}: {own:.1f} us, botocore {other:.1f} us")
    asyncio.run(calls())


async def calls() -> None:
    """Print the CPU of whole GETs; the server runs in a thread of the same process, and is counted too."""
    with ScriptedServer() as server:
        server.always(response(b"ok"))
        auth = SigV4("s3", "eu-west-1", KEYS)
        found: dict[str, list[float]] = {}
        async with (
            HttpClient(autoload=False) as without,
            HttpClient(autoload=False, plugins=["sigv4"]) as plugin,
            HttpClient(autoload=False, plugins=["sigv4"], auth=auth) as signing,
        ):
            for _ in range(ROUNDS):
                for name, client in (("without the plugin", without), ("without auth=", plugin), ("signed", signing)):
                    begin = time.thread_time()  # of this thread, so without the server
                    for _ in range(300):
                        await client.get(server.url("/key"))
                    found.setdefault(name, []).append((time.thread_time() - begin) / 300 * 1e6)
        print(", ".join(f"{name} {statistics.median(values):.1f} us" for name, values in found.items()))


if __name__ == "__main__":
    main()
