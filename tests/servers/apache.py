"""apache2: CGI, Basic and Digest authentication, compression, and TLS.

| path              | what comes                                                                                     |
|-------------------|------------------------------------------------------------------------------------------------|
| /text.txt         | static, `TEXT`                                                                                 |
| /cgi-bin/echo     | the request's body; X-Method, X-Query, X-Length and X-Type repeat the script's variables       |
| /cgi-bin/env      | the script's environment, one NAME=value a line: HTTP_ACCEPT, REMOTE_USER ...                  |
| /cgi-bin/status?N | status N                                                                                       |
| /basic/text.txt   | Basic, realm "basic realm", the pairs of `USERS`                                               |
| /digest/text.txt  | Digest (MD5, qop auth), realm `REALM`, the pairs of `USERS`; /digest/cgi-bin/echo likewise     |
| /stale/text.txt   | the same with nonces that live one second                                                      |
| /gzip/ /brotli/   | text.txt, compressed if that coding is accepted                                                |
| /tree/            | `a.txt`, `b c.txt` and `below/d.txt`, with an index that can be sorted                         |
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import pwd
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.addresses import Site
from servers.certificates import REFUSED, Certificates, Identity
from servers.processes import Speech, running
from servers.programs import require_program, worker_user

TEXT = "All is well.\n" * 100
REALM = "digest realm"
USERS = {"user": "passwd", "jürgen": "pässwörd"}
# Where Debian's apache2-bin keeps its modules.
_MODULES = Path("/usr/lib/apache2/modules")
_LOADED = [
    *("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest"),
    *("alias", "autoindex", "brotli", "cgid", "deflate", "dir", "env", "filter", "mime", "ssl"),
]

_ECHO = """#!/bin/sh
field() { printf '%s: %s\\r\\n' "$1" "$2"; }
field Content-Type application/octet-stream
field X-Method "$REQUEST_METHOD"
field X-Query "$QUERY_STRING"
field X-Length "${CONTENT_LENGTH-none}"
field X-Type "${CONTENT_TYPE-none}"
printf '\\r\\n'
exec cat
"""
_ENV = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
exec env
"""
_STATUS = """#!/bin/sh
printf 'Status: %s As You Wish\\r\\nContent-Type: text/plain\\r\\n\\r\\nstatus %s\\n' "$QUERY_STRING" "$QUERY_STRING"
"""


@contextlib.contextmanager
def apache_sites(certificates: Certificates) -> Iterator[tuple[Site, ...]]:
    """Run one apache2: plain HTTP and TLS with the same content, then a TLS port for each certificate of `REFUSED`."""
    program = require_program("apache2", "apache2")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        _write_documents(directory)
        (directory / "apache.conf").write_text(_configuration(directory, ports, certificates))
        return [program, "-d", str(directory), "-f", str(directory / "apache.conf"), "-D", "FOREGROUND"]

    tls_ports: list[Speech] = ["https"] * (1 + len(REFUSED))
    with running("apache2", prepare, "http", *tls_ports) as child:
        plain, *tls = child.ports
        yield Site(plain, directory=child.directory), *(Site(p, "https", directory=child.directory) for p in tls)


def _write_documents(directory: Path) -> None:
    root, scripts = directory / "www", directory / "cgi-bin"
    if root.exists():
        return
    for folder in (".", "basic", "digest", "stale", "gzip", "brotli"):
        (root / folder).mkdir(parents=True)
        (root / folder / "text.txt").write_text(TEXT)
    (root / "tree" / "below").mkdir(parents=True)
    for name in ("a.txt", "b c.txt", "below/d.txt"):
        (root / "tree" / name).write_text(name)
    scripts.mkdir()
    for name, script in {"echo": _ECHO, "env": _ENV, "status": _STATUS}.items():
        (scripts / name).write_text(script)
        (scripts / name).chmod(0o755)
    (directory / "htpasswd").write_text("".join(_basic_line(*pair) for pair in USERS.items()))
    (directory / "htdigest").write_text("".join(_digest_line(*pair) for pair in USERS.items()))


def _basic_line(user: str, password: str) -> str:
    return f"{user}:{{SHA}}{base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()}\n"


def _digest_line(user: str, password: str) -> str:
    return f"{user}:{REALM}:{hashlib.md5(f'{user}:{REALM}:{password}'.encode()).hexdigest()}\n"


def _configuration(directory: Path, ports: Sequence[int], certificates: Certificates) -> str:
    identities = (getattr(certificates, name) for name in ("right", *REFUSED))
    hosts = "\n".join(_tls_host(port, identity) for port, identity in zip(ports[1:], identities, strict=True))
    digest = f"""AuthType Digest
  AuthName "{REALM}"
  AuthDigestProvider file
  AuthUserFile {directory}/htdigest
  Require valid-user"""
    return f"""
{apache_head(directory, ports, _LOADED)}
AddType text/plain .txt
ScriptAlias /cgi-bin {directory}/cgi-bin
ScriptAlias /digest/cgi-bin {directory}/cgi-bin

<Directory {directory}>
  Require all granted
</Directory>
<Directory {directory}/www/tree>
  Options +Indexes
  IndexOptions FancyIndexing HTMLTable
</Directory>
<Location /basic>
  AuthType Basic
  AuthName "basic realm"
  AuthUserFile {directory}/htpasswd
  Require valid-user
</Location>
<Location /digest>
  {digest}
</Location>
<Location /stale>
  {digest}
  AuthDigestNonceLifetime 1
</Location>
<Location /gzip>
  SetOutputFilter DEFLATE
</Location>
<Location /brotli>
  SetOutputFilter BROTLI_COMPRESS
</Location>
{hosts}
"""


def apache_head(directory: Path, ports: Sequence[int], modules: Sequence[str]) -> str:
    """Return the beginning of a configuration: the modules, the ports, and where everything is."""
    user = worker_user()
    loaded = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in modules)
    listening = "\n".join(f"Listen 127.0.0.1:{port}" for port in ports)
    return f"""
{loaded}
{f"User {user}" if user else ""}
{f"Group #{_group(user)}" if user else ""}
ServerName localhost
{listening}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
ScriptSock {directory}/cgi.sock
ErrorLog {directory}/error.log
LogLevel warn
DocumentRoot {directory}/www
StartServers 1
ServerLimit 16
ThreadsPerChild 32
MaxRequestWorkers 128
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
Timeout 60
TypesConfig /dev/null
SSLSessionCache none
"""


def _tls_host(port: int, identity: Identity) -> str:
    return f"""<VirtualHost 127.0.0.1:{port}>
  SSLEngine on
  SSLCertificateFile {identity.cert_file}
  SSLCertificateKeyFile {identity.key_file}
</VirtualHost>"""


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
