"""Servers with HTTP/2 over TLS: nginx, apache2, haproxy, nghttpd, h2o and hypercorn, each in a process of its own.

All have /small.txt (`SMALL`) and /large.bin (`LARGE` bytes, the same in all). Bodies go up with POST to /echo, which sends them
back; nginx, and haproxy in front of it, store them with PUT at /store/NAME instead.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from servers.addresses import Site
from servers.apache import apache_head
from servers.certificates import Certificates, Identity
from servers.processes import Child, Speech, running
from servers.programs import require_module, require_program, worker_user

SMALL = b"All is well.\n"
LARGE = 4 * 1024 * 1024
LOG_PATIENCE = 5.0  # seconds within which a server writes its log

# "CONNECTION PROTOCOL" in each line of a log.
LINE = re.compile(rb"^(\S+) HTTP/(\S+)", re.M)


@dataclass(frozen=True)
class Http2Server:
    """A running server.

    stores: bodies go up with PUT to /store/NAME, instead of POST to /echo. log: has a line that matches `line` for each
    request. restart_signal: begins a graceful restart; None = the server has none.
    """

    name: str
    site: Site
    child: Child
    log: Path
    stores: bool = False
    restart_signal: signal.Signals | None = None
    line: re.Pattern[bytes] = LINE

    def requests(self, count: int) -> list[tuple[bytes, bytes]]:
        """Return (connection, version) of each request so far, as soon as there are `count` of them.

        Raises:
            AssertionError: there are fewer after `LOG_PATIENCE` seconds.
        """
        deadline = time.monotonic() + LOG_PATIENCE
        while True:
            found: list[tuple[bytes, bytes]] = self.line.findall(self.log.read_bytes())
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{self.name} has logged {len(found)} requests, not {count}"
            time.sleep(0.01)

    def restart(self) -> None:
        """Begin a graceful restart."""
        assert self.restart_signal is not None
        os.kill(self.child.pid, self.restart_signal)


def write_documents(directory: Path) -> Path:
    """Write the files of `directory`/www, and return it."""
    root = directory / "www"
    store = root / "store"
    if not root.exists():
        store.mkdir(parents=True)
        store.chmod(0o777)  # worker processes, which run as another user, write here
        (root / "small.txt").write_bytes(SMALL)
        (root / "large.bin").write_bytes(random.Random(1).randbytes(LARGE))
    return root


@contextlib.contextmanager
def _server(
    name: str,
    command: Callable[[Path, Sequence[int]], Sequence[str]],
    *speeches: Speech,
    log: str = "access.log",
    **options: object,
) -> Iterator[Http2Server]:
    """Run a program, whose first port has TLS."""

    def prepare(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        write_documents(directory)
        return command(directory, ports)

    with running(name, prepare, *speeches) as child:
        site = Site(child.ports[0], "https", "localhost", directory=child.directory)
        yield Http2Server(name, site, child, child.directory / log, **options)  # type: ignore[arg-type]


@contextlib.contextmanager
def nginx_http2(certificates: Certificates, keep_alive: int = 75) -> Iterator[Http2Server]:
    """Run nginx. Its second port is plain HTTP/1.1. keep_alive: seconds after which it closes idle connections."""
    program = require_program("nginx", "nginx-light")

    def command(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        user = worker_user()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"{kind}_temp_path {directory}/temporary-{kind};" for kind in kinds)
        (directory / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {directory}/nginx.pid; {f"user {user};" if user else ""}
events {{ worker_connections 1024; }}
http {{
  log_format requests "$remote_port $server_protocol $status"; access_log {directory}/access.log requests;
  {temporary}
  client_max_body_size 0; keepalive_requests 1000000; keepalive_timeout {keep_alive}s; root {directory}/www;
  ssl_certificate {certificates.right.cert_file}; ssl_certificate_key {certificates.right.key_file};
  server {{
    listen 127.0.0.1:{ports[0]} ssl http2 backlog=1024;
    listen 127.0.0.1:{ports[1]} backlog=1024;
    location /store/ {{ dav_methods PUT; }}
  }}
}}
""")
        return [program, "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", str(directory / "error.log")]

    with _server("nginx", command, "https", "http", stores=True, restart_signal=signal.SIGHUP) as server:
        yield server


# mod_cgid reads nothing of a script before the script has read all.
ECHO = """#!/bin/sh
body=$(mktemp) && cat >"$body"
printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'
cat "$body" && rm "$body"
"""


@contextlib.contextmanager
def apache_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """Run apache2 with mod_http2."""
    program = require_program("apache2", "apache2-bin")

    def command(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        scripts = directory / "cgi-bin"
        scripts.mkdir(exist_ok=True)
        (scripts / "echo").write_text(ECHO)
        (scripts / "echo").chmod(0o755)
        modules = ("mpm_event", "authz_core", "alias", "cgid", "mime", "ssl", "http2")
        (directory / "apache.conf").write_text(
            apache_head(directory, ports, modules)
            + f"""
Protocols h2 http/1.1
LogFormat "%{{remote}}p %H %>s" requests
CustomLog {directory}/access.log requests
ScriptAlias /echo {scripts}/echo
<Directory {directory}>
  Require all granted
</Directory>
<VirtualHost 127.0.0.1:{ports[0]}>
  SSLEngine on
  SSLCertificateFile {certificates.right.cert_file}
  SSLCertificateKeyFile {certificates.right.key_file}
</VirtualHost>
"""
        )
        return [program, "-d", str(directory), "-f", str(directory / "apache.conf"), "-D", "FOREGROUND"]

    with _server("apache2", command, "https", restart_signal=signal.SIGUSR1) as server:
        yield server


@contextlib.contextmanager
def haproxy_http2(certificates: Certificates, behind: Http2Server) -> Iterator[Http2Server]:
    """Run haproxy in front of the plain port of `behind`, with a master process, which restarts the other."""
    program = require_program("haproxy", "haproxy")

    def command(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        (directory / "haproxy.conf").write_text(f"""
global
  maxconn 500
  log stdout format raw local0 info
defaults
  mode http
  log global
  log-format "%ci:%cp %HV %ST"
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend tls
  bind 127.0.0.1:{ports[0]} ssl crt {_pem(directory, certificates.right)} alpn h2,http/1.1
  default_backend behind
backend behind
  server behind 127.0.0.1:{behind.child.ports[1]}
""")
        return [program, "-W", "-db", "-f", str(directory / "haproxy.conf")]

    with _server("haproxy", command, "https", log="output.log", stores=True, restart_signal=signal.SIGUSR2) as server:
        yield server


@contextlib.contextmanager
def nghttpd_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """Run nghttpd of nghttp2, which speaks HTTP/2 alone. Its log has all frames."""
    program = require_program("nghttpd", "nghttp2-server")
    line = re.compile(rb"^\[id=(\d+)\][^\n]*recv \(stream_id=\d+\) :(m)ethod: ", re.M)

    def command(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        identity = certificates.right
        options = ["-v", "-a", "127.0.0.1", "--echo-upload", "-d", str(directory / "www")]
        return [program, *options, str(ports[0]), str(identity.key_file), str(identity.cert_file)]

    with _server("nghttpd", command, "tcp", log="output.log", line=line) as server:
        yield server


@contextlib.contextmanager
def h2o_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """Run h2o under its start_server, which restarts it."""
    program = require_program("h2o", "h2o")

    def command(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        user = worker_user()
        identity = certificates.right
        (directory / "h2o.conf").write_text(f"""
{f"user: {user}" if user else ""}
num-threads: 1
listen:
  host: 127.0.0.1
  port: {ports[0]}
  ssl:
    certificate-file: {identity.cert_file}
    key-file: {identity.key_file}
access-log:
  path: {directory}/access.log
  format: "%{{remote}}p %H %s"
hosts:
  default:
    paths:
      /echo:
        mruby.handler: |
          Proc.new {{|env| [200, {{}}, [env["rack.input"] ? env["rack.input"].read : ""]]}}
      /:
        file.dir: {directory}/www
""")
        return [program, "-m", "master", "-c", str(directory / "h2o.conf")]

    with _server("h2o", command, "https", restart_signal=signal.SIGHUP) as server:
        yield server


HYPERCORN_APP = """
from pathlib import Path

ROOT = Path.cwd()
LOG = open(ROOT / "access.log", "ab", buffering=0)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    LOG.write(b"%d HTTP/%b\\n" % (scope["client"][1], scope["http_version"].encode()))
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] != "/echo":
        body = (ROOT / "www" / scope["path"][1:]).read_bytes()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(body)})
"""


@contextlib.contextmanager
def hypercorn_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """Run hypercorn, which speaks HTTP/2 by the package h2."""
    require_module("hypercorn", "hypercorn")

    def command(directory: Path, ports: Sequence[int]) -> Sequence[str]:
        identity = certificates.right
        (directory / "echo_app.py").write_text(textwrap.dedent(HYPERCORN_APP))
        tls = ["--certfile", str(identity.cert_file), "--keyfile", str(identity.key_file)]
        return [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{ports[0]}", *tls, "echo_app:app"]

    with _server("hypercorn", command, "https") as server:
        yield server


def _pem(directory: Path, identity: Identity) -> Path:
    pem = directory / "server.pem"
    pem.write_bytes(identity.cert_file.read_bytes() + identity.key_file.read_bytes())
    return pem
