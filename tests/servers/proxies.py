"""Proxies beside squid: tinyproxy, a TLS one by haproxy, and SOCKS by dante and microsocks."""

from __future__ import annotations

import contextlib
import pwd
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.addresses import Site
from servers.certificates import Identity
from servers.processes import running
from servers.programs import require_program, worker_user

# The credentials for tinyproxy and microsocks.
USER, PASSWORD = "user", "passwd"


@contextlib.contextmanager
def tinyproxy_site() -> Iterator[Site]:
    """Run tinyproxy: HTTP, Basic with `USER` and `PASSWORD`; it speaks HTTP/1.0 to its clients and closes."""
    program = require_program("tinyproxy", "tinyproxy-bin")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        user = worker_user()
        (directory / "tinyproxy.conf").write_text(f"""
Port {ports[0]}
Listen 127.0.0.1
{f"User {user}" if user else ""}
Timeout 30
MaxClients 100
BasicAuth {USER} {PASSWORD}
LogLevel Warning
""")
        return [program, "-d", "-c", str(directory / "tinyproxy.conf")]

    with running("tinyproxy", prepare, "http") as child:
        yield Site(child.ports[0], directory=child.directory)


@contextlib.contextmanager
def haproxy_site(identity: Identity, behind: Site) -> Iterator[Site]:
    """Run haproxy: it terminates TLS and passes the bytes to `behind`, which makes a proxy with TLS of one without."""
    program = require_program("haproxy", "haproxy")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        pem = directory / "server.pem"
        pem.write_bytes(identity.cert_file.read_bytes() + identity.key_file.read_bytes())
        (directory / "haproxy.conf").write_text(f"""
global
  maxconn 500
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen tls
  bind 127.0.0.1:{ports[0]} ssl crt {pem}
  server behind 127.0.0.1:{behind.port}
""")
        return [program, "-db", "-f", str(directory / "haproxy.conf")]

    with running("haproxy", prepare, "https") as child:
        yield Site(child.ports[0], "https", directory=child.directory)


@contextlib.contextmanager
def dante_site() -> Iterator[Site]:
    """Run danted: SOCKS 4 and 5 without a password. It does not implement SOCKS 4a; it resolves names with SOCKS 5 only."""
    program = require_program("danted", "dante-server")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        user = worker_user() or pwd.getpwuid(0).pw_name
        (directory / "danted.conf").write_text(f"""
logoutput: {directory}/danted.log
internal: 127.0.0.1 port = {ports[0]}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.unprivileged: {user}
client pass {{
  from: 127.0.0.0/8 to: 0.0.0.0/0
}}
socks pass {{
  from: 127.0.0.0/8 to: 0.0.0.0/0
  command: connect
}}
""")
        return [program, "-N", "1", "-f", str(directory / "danted.conf"), "-p", str(directory / "danted.pid")]

    with running("danted", prepare, "tcp") as child:
        yield Site(child.ports[0], "socks5", directory=child.directory)


@contextlib.contextmanager
def microsocks_site() -> Iterator[Site]:
    """Run microsocks: SOCKS 5, which requires `USER` and `PASSWORD`."""
    program = require_program("microsocks", "microsocks")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        return [program, "-i", "127.0.0.1", "-p", str(ports[0]), "-u", USER, "-P", PASSWORD]

    with running("microsocks", prepare, "tcp") as child:
        yield Site(child.ports[0], "socks5", directory=child.directory)
