"""squid, the proxy: one process with a port without authentication and one for Basic, and a second process for Digest.

| port    | requires                                                                                        |
|---------|-------------------------------------------------------------------------------------------------|
| open    | nothing                                                                                         |
| basic   | Basic, realm `REALM`, the pairs of `USERS`                                                      |
| digest  | Digest (MD5, qop auth), realm `REALM`, the pairs of `USERS`; a nonce lives `NONCE_SECONDS`      |

CONNECT is allowed to every port of 127.0.0.1. Nothing is cached. `asked` returns the requests that a proxy has answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from servers.addresses import Site
from servers.processes import Speech, running
from servers.programs import require_program

REALM = "the proxy"
USERS = {"user": "passwd", "other": "p:ss w@rd/?#"}
# squid counts whole seconds.
NONCE_SECONDS = 2
# Debian's folder for squid's helpers.
_HELPERS = Path("/usr/lib/squid")
# Seconds without a new line after which the log counts as complete.
_LOG_QUIET = 0.1


class Asked(NamedTuple):
    """A request that squid has answered: `CONNECT 127.0.0.1:443` or `GET http://127.0.0.1/`, and its status."""

    method: str
    target: str
    status: int
    user: str | None


@contextlib.contextmanager
def squid_sites() -> Iterator[tuple[Site, Site]]:
    """Run the squid with the ports `open` and `basic`."""
    with _squid("http", "http") as (plain, basic):
        yield plain, basic


@contextlib.contextmanager
def squid_digest_site() -> Iterator[Site]:
    """Run the squid that requires Digest."""
    with _squid("http") as (site,):
        yield site


def asked(site: Site) -> list[Asked]:
    """Return the requests that the process behind `site` has answered so far, oldest first.

    squid writes a line a moment after the response, and the line of a tunnel when the tunnel ends. This function waits until
    no more lines come.
    """
    log = site.directory / "access.log"
    text, before = log.read_text(), None
    while text != before:
        time.sleep(_LOG_QUIET)
        text, before = log.read_text(), text
    found = []
    for line in text.splitlines():
        method, target, status, user = line.split(" ")
        found.append(Asked(method, target, int(status), None if user == "-" else user))
    return found


@contextlib.contextmanager
def _squid(*speeches: Speech) -> Iterator[list[Site]]:
    program = require_program("squid", "squid")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        _write_users(directory)
        for name in ("access.log", "cache.log"):  # its worker is another user
            (directory / name).touch()
            (directory / name).chmod(0o666)
        (directory / "squid.conf").write_text(_configuration(directory, ports))
        # -N: one process in the foreground, without shared memory.
        return [program, "-N", "-f", str(directory / "squid.conf")]

    with running("squid", prepare, *speeches) as child:
        yield [Site(port, directory=child.directory) for port in child.ports]


def _write_users(directory: Path) -> None:
    # openssl passwd -1 makes a hash that squid's helper accepts on every system.
    openssl = require_program("openssl", "openssl")
    basic = []
    for user, password in USERS.items():
        made = subprocess.run(
            [openssl, "passwd", "-1", "-stdin"], input=password, capture_output=True, text=True, check=True
        )
        basic.append(f"{user}:{made.stdout}")
    digest = [
        f"{user}:{REALM}:{hashlib.md5(f'{user}:{REALM}:{password}'.encode()).hexdigest()}\n"
        for user, password in USERS.items()
    ]
    (directory / "htpasswd").write_text("".join(basic))
    (directory / "htdigest").write_text("".join(digest))


def _configuration(directory: Path, ports: Sequence[int]) -> str:
    listen = "\n".join(f"http_port 127.0.0.1:{port} name=port{number}" for number, port in enumerate(ports))
    if len(ports) == 1:
        scheme = f"""
auth_param digest program {_HELPERS}/digest_file_auth -c {directory}/htdigest
auth_param digest children 2 startup=1 idle=1
auth_param digest realm {REALM}
auth_param digest nonce_max_duration {NONCE_SECONDS} seconds
auth_param digest nonce_garbage_interval {NONCE_SECONDS} seconds
auth_param digest check_nonce_count on
acl known proxy_auth REQUIRED
http_access allow known"""
    else:
        scheme = f"""
auth_param basic program {_HELPERS}/basic_ncsa_auth {directory}/htpasswd
auth_param basic children 2 startup=1 idle=1
auth_param basic realm {REALM}
acl open_port myportname port0
acl known proxy_auth REQUIRED
http_access allow open_port
http_access allow known"""
    return f"""
{listen}
visible_hostname localhost
{scheme}
http_access deny all
cache deny all
logformat plain %rm %ru %>Hs %un
access_log stdio:{directory}/access.log plain
cache_log {directory}/cache.log
cache_store_log none
pid_filename none
coredump_dir {directory}
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.1
"""
