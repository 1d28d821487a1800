"""Start the server for all clients, on loopback: server.c if there is a C compiler, else nginx. nginx speaks HTTP/2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.nginx import configuration, free_port
from benchmarks.workloads import FRAMES_SIZE, JSON_SIZE, MIB, SMALL, big_body, gzip_body, records, whole_body

HERE = Path(__file__).resolve().parent
HEAD = (
    "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: {}\r\n"
    "Content-Length: {}\r\nConnection: {}\r\nX-Request-Id: 5f2b0c6a91d3e847\r\nCache-Control: no-store\r\n{}\r\n\r\n"
)
VARY, GZIP = "Vary: Accept-Encoding", "Content-Encoding: gzip"


class NoServer(Exception):
    """Neither a C compiler nor nginx is installed, or the server does not start."""


@dataclass(frozen=True)
class Site:
    """What a client process needs to know of the server.

    plain, tls: the origins; tls: None = no TLS. ca: a file with the server's authority. mib, crc: size and CRC 32 of the big
    body. counts_chunked: /sink counts bodies without Content-Length too. echoes: /ws opens a websocket.
    """

    plain: str
    tls: str | None
    ca: str | None
    mib: int
    crc: int
    counts_chunked: bool
    echoes: bool = False


@dataclass(frozen=True)
class Server:
    """A running server. `accepts()` returns the number of connections so far, including the one of its own request.

    http2: the server that speaks HTTP/2; None = it cannot run.
    """

    kind: str
    site: Site
    accepts: Callable[[], int]
    pids: Callable[[], list[int]]
    http2: Server | None = None


def ask(url: str) -> bytes:
    """Return the body of one GET on a new connection."""
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - always our own http://127.0.0.1
        body: bytes = response.read()
    return body


def write_certificates(folder: Path) -> bool:
    """Write ca.pem, cert.pem and key.pem for localhost; False when trustme is not installed."""
    try:
        import trustme
    except ImportError:
        return False
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(folder / "cert.pem"), append=True)
    return True


def write_big_body(path: Path, mib: int) -> int:
    """Write the body of the streamed download; returns its CRC 32. It stays in the page cache."""
    crc = 0
    with path.open("wb") as file:
        for block in big_body(mib):
            crc = zlib.crc32(block, crc)
            file.write(block)
    return crc


def small_bodies() -> dict[str, tuple[bytes, str]]:
    """Return {name: (body, last header field)} of every response that is made beforehand."""
    return {
        "small": (SMALL, VARY),
        "varied": (SMALL, VARY),
        "once": (SMALL, VARY),
        "json": (records(JSON_SIZE, 1), VARY),
        "gzip": (gzip_body(), GZIP),
        "1m": (whole_body(), VARY),
    }


def compiler() -> str | None:
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def pin(pid: int, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(pid, {core})


@contextmanager
def compiled_server(folder: Path, mib: int, core: int | None) -> Iterator[Server]:
    """Compile server.c, write the responses that it sends, and run it."""
    program = str(folder / "server")
    built = subprocess.run(
        [str(compiler()), "-O2", "-o", program, str(HERE / "server.c"), "-ldl"], capture_output=True, text=True
    )
    if built.returncode:
        raise NoServer(f"server.c does not compile:\n{built.stderr}")
    names = []
    for name, (body, field) in small_bodies().items():
        connection = "close" if name == "once" else "keep-alive"
        head = HEAD.format("application/json", len(body), connection, field)
        (folder / name).write_bytes(head.encode() + body)
        names.append(name)
    (folder / "big").write_text(HEAD.format("application/octet-stream", mib * MIB, "keep-alive", VARY), newline="")
    crc = write_big_body(folder / "big.body", mib)
    certificate = str(folder / "cert.pem") if write_certificates(folder) else "-"
    with subprocess.Popen(
        [program, str(folder), certificate, str(folder / "key.pem"), *names, "big"],
        stdin=subprocess.PIPE,  # when it is closed, at the end of the block or of this process, the server ends
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pin(process.pid, core)
        try:
            ports = process.stdout.readline().split()
            if len(ports) != 2:
                raise NoServer("server.c does not start")
            site = Site(
                plain=f"http://127.0.0.1:{ports[0]}",
                tls=None if ports[1] == "0" else f"https://localhost:{ports[1]}",
                ca=str(folder / "ca.pem"),
                mib=mib,
                crc=crc,
                counts_chunked=True,
                echoes=True,
            )
            yield Server(
                "server.c", site, lambda: int(json.loads(ask(site.plain + "/stats"))["accepts"]), lambda: [process.pid]
            )
        finally:
            process.stdin.close()


@contextmanager
def nginx_server(folder: Path, mib: int, core: int | None, reader: Server | None = None) -> Iterator[Server]:
    """Run nginx with one worker on the same bodies.

    reader: gets the bodies of requests; nginx then speaks HTTP/2 too, whose requests need no Content-Length.
    """
    root = folder / "root"
    root.mkdir()
    for name, (body, _) in small_bodies().items():
        (root / name).write_bytes(body)
    (root / "frames").write_bytes(bytes(FRAMES_SIZE))
    crc = write_big_body(root / "big", mib)
    plain, secure = free_port(), free_port()
    tls = write_certificates(folder)
    log, settings = folder / "error.log", folder / "nginx.conf"
    sink = None if reader is None else reader.site.plain.removeprefix("http://")
    settings.write_text(configuration(folder, root, plain, secure if tls else None, sink, http2=reader is not None))
    with subprocess.Popen(
        [str(shutil.which("nginx")), "-p", str(folder), "-e", str(log), "-c", str(settings)]
    ) as process:
        try:
            site = Site(
                plain=f"http://127.0.0.1:{plain}",
                tls=f"https://localhost:{secure}" if tls else None,
                ca=str(folder / "ca.pem"),
                mib=mib,
                crc=crc,
                counts_chunked=reader is not None,
            )
            wait_until_it_answers(process, site.plain + "/stats", log)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            for pid in map(int, children.read_text().split()):
                pin(pid, core)
            yield Server(
                "nginx",
                site,
                lambda: int(ask(site.plain + "/stats").splitlines()[2].split()[0]),
                lambda: [int(pid) for pid in children.read_text().split()] + (reader.pids() if reader else []),
            )
        finally:
            process.terminate()


def wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        try:
            ask(url)
            return
        except OSError:
            time.sleep(0.05)
    raise NoServer(f"nginx does not answer:\n{log.read_text() if log.exists() else ''}")


@contextmanager
def serving(mib: int, core: int | None, kind: str | None = None, *, http2: bool = False) -> Iterator[Server]:
    """Run a server for the length of the block, pinned to `core`, with a big body of `mib` MiB.

    http2: run one for HTTP/2 too, if there are nginx, a C compiler and trustme.

    `kind` is "c" or "nginx"; None takes the first of them that can run.

    Raises:
        NoServer: neither can.
    """
    if kind is None:
        kind = "c" if compiler() else "nginx"
    if kind == "nginx" and shutil.which("nginx") is None:
        raise NoServer("install a C compiler or nginx: one of them has to serve what is measured")
    start = compiled_server if kind == "c" else nginx_server
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder, start(Path(folder), mib, core) as server:
        if not (http2 and kind == "c" and server.site.tls and shutil.which("nginx")):
            yield server
            return
        before = Path(folder, "http2")
        before.mkdir()
        with nginx_server(before, mib, core, server) as front:
            yield replace(server, http2=front)
