"""The workloads: the operation, how many run at a time, and which result is right."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

MIB = 1024 * 1024
SMALL = b'{"id": 20417, "title": "one small answer", "ready": true, "labels": ["red", "green"], "weight": 0.73125}'
PAYLOAD = bytes(range(32, 96)) * 16  # 1 KiB
RECEIVED = b'{"received": %d}'
PIECE = bytes(range(256)) * 256  # 64 KiB, the pieces of a streamed upload
# What a program in production gives to a call. The cookies are in the client's jar.
COOKIES = {f"cookie-{number:02}": f"{number:016x}" for number in range(25)}
CALL_AUTH = ("user", "password")
CALL_FIELDS = {"Accept": "application/json", "X-Request-Id": "0123456789abcdef"}
CALL_PARAMS = {"page": "2", "order": "by name"}
READ_TIMEOUT = 30  # seconds


@dataclass(frozen=True)
class Workload:
    """One operation that `concurrency` tasks repeat until `seconds` are over.

    operation: the adapter's method. big: it transfers the big body. size: bytes of an echoed message. http2: over
    HTTP/2, with one connection. The first letters of the names are fixed, so that tables of different machines, versions and
    programs can be compared.
    """

    title: str
    operation: str
    path: str
    concurrency: int = 1
    seconds: float = 0.4
    tls: bool = False
    reuses: bool = True  # connections are kept alive
    big: bool = False
    size: int = 0
    http2: bool = False


WORKLOADS = {
    "a_seq": Workload("small GET, one at a time", "get", "/small"),
    "b_c10": Workload("small GET, 10 at a time", "get", "/small", 10),
    "v_c10": Workload("small GET, 10 at a time, each head differs", "get", "/varied", 10),
    "c_c100": Workload("small GET, 100 at a time", "get", "/small", 100),
    "h_post": Workload("POST 1 KiB, 32 at a time", "post", "/sink", 32),
    "f_down": Workload("streamed download", "download", "/big", big=True, seconds=0.3),
    "i_up": Workload("streamed upload in 64 KiB pieces", "upload", "/sink", big=True, seconds=0.3),
    "e_json": Workload("JSON of 10 KiB, 32 at a time", "json", "/json", 32),
    "g_1m": Workload("whole body of 1 MiB", "body", "/1m"),
    "n_gzip": Workload("gzip body of 1 MiB decoded", "decoded", "/gzip"),
    "j_tls": Workload("small GET over TLS, 32 at a time", "get", "/small", 32, tls=True),
    "l_new": Workload("small GET, new connection each", "get", "/once", reuses=False),
    "r_call": Workload("the realistic call, 32 at a time", "call", "/small", 32),
    "ws_64": Workload("websocket, echo of 64 B", "echo", "/ws", size=64),
    "ws_64x16": Workload("websocket, echo of 64 B, 16 of them", "echo", "/ws", 16, size=64),
    "ws_64k": Workload("websocket, echo of 64 KiB", "echo", "/ws", size=64 * 1024),
    "ws_1m": Workload("websocket, echo of 1 MiB", "echo", "/ws", size=MIB),
    "h2_seq": Workload("small GET over HTTP/2, one at a time", "get", "/small", tls=True, http2=True),
    "h2_c32": Workload("small GET over HTTP/2, 32 at a time", "get", "/small", 32, tls=True, http2=True),
    "h2_c100": Workload("small GET over HTTP/2, 100 at a time", "get", "/small", 100, tls=True, http2=True),
    "h2_json": Workload("JSON of 10 KiB over HTTP/2, 32 at a time", "json", "/json", 32, tls=True, http2=True),
    "h2_post": Workload("POST 1 KiB over HTTP/2, 32 at a time", "post", "/sink", 32, tls=True, http2=True),
    "h2_down": Workload("streamed download over HTTP/2", "download", "/big", tls=True, big=True, http2=True),
    "h2_up": Workload("streamed upload over HTTP/2", "upload", "/sink", tls=True, big=True, http2=True),
    "h2_frames": Workload("100 KB over HTTP/2, 100 B a frame", "download", "/frames", tls=True, http2=True),
    "h2_new": Workload(
        "small GET over HTTP/2, new connection each", "get", "/small", tls=True, reuses=False, http2=True
    ),
}
FRAMES_SIZE = 100_000
REQUIRED = (
    *("a_seq", "b_c10", "v_c10", "c_c100", "h_post", "f_down", "i_up", "g_1m", "n_gzip"),
    *("ws_64", "ws_64x16", "ws_64k", "ws_1m"),
    *(name for name in WORKLOADS if name.startswith("h2_")),
)


@cache
def records(size: int, seed: int) -> bytes:
    """Return a JSON array of `size` bytes that looks like the response of an API: small records, then spaces."""
    dice = random.Random(seed)
    rows: list[str] = []
    room = size - 2
    while True:
        row = json.dumps(
            {
                "key": dice.getrandbits(40),
                "owner": f"account-{dice.randrange(100_000)}",
                "open": dice.random() < 0.5,
                "price": round(dice.uniform(1, 500), 2),
                "tags": dice.sample(["new", "used", "rare", "large", "small"], 2),
            }
        )
        room -= len(row) + 2
        if room < 0:
            return f"[{', '.join(rows)}]".ljust(size).encode()
        rows.append(row)


JSON_SIZE = 10 * 1024


@cache
def rows_of_json() -> int:
    return len(json.loads(records(JSON_SIZE, 1)))


@cache
def small_document() -> object:
    return json.loads(SMALL)


def decoded_gzip() -> bytes:
    return records(MIB, 2)


def whole_body() -> bytes:
    return records(MIB, 5)


def gzip_body() -> bytes:
    return gzip.compress(decoded_gzip(), 6, mtime=0)


@cache
def echoed(size: int) -> bytes:
    """Return the message of an echo."""
    return random.Random(4).randbytes(size)


def big_body(mib: int) -> Iterator[bytes]:
    """Yield blocks of 1 MiB that begin with their number, so that a lost or moved block changes the checksum."""
    block = random.Random(3).randbytes(MIB - 8)
    for number in range(mib):
        yield number.to_bytes(8, "big") + block


class WrongAnswer(Exception):
    """A client did not do all of the work, so its figure means nothing."""


def check(workload: Workload, mib: int, status: int, result: object) -> None:
    """Raise WrongAnswer unless status and result are what the server sent. The check is cheap, because every sample contains it.

    Small bodies are compared whole. For a decoded body and a stream only the size is compared here; the worker compares their
    bytes once, before the first sample.
    """
    right: bool
    match workload.operation, result:
        case "get", bytes(body):
            right = body == SMALL
        case "post", bytes(body):
            right = body == RECEIVED % len(PAYLOAD)
        case "upload", bytes(body):
            right = body == RECEIVED % (mib * MIB)
        case "download", int(size):
            right = size == (mib * MIB if workload.big else FRAMES_SIZE)
        case "decoded" | "body", bytes(body):
            right = len(body) == MIB
        case "echo", bytes(message):
            right = message == echoed(workload.size)
        case "call", dict(document):
            right = document == small_document()
        case "json", list(rows):
            right = len(rows) == rows_of_json()
        case _:
            right = False
    if not right or status != 200:
        raise WrongAnswer(f"{workload.operation} {workload.path}: status {status}, {str(result)[:80]!r}")
