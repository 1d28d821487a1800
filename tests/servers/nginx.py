"""nginx: static files, redirects, compression, chunked bodies, ways to close, and TLS.

| path                     | what comes                                                                            |
|--------------------------|---------------------------------------------------------------------------------------|
| /small.json /1m.bin      | static, with ETag and Last-Modified (304, ranges); /big.bin has `BIG` bytes, all zero |
| /gzip/1m.json            | compressed on the fly, so chunked, if gzip is accepted                                |
| /chunked/small.json      | chunked, with a trailer X-Trailer                                                     |
| /redirects/N             | N redirects by 302, N up to 20, then /small.json; /redirects/loop never ends          |
| /moved/STATUS            | 301, 302, 303, 307 or 308 to /small.json                                              |
| /status/STATUS           | 204, 304, 404, 418, 500 or 503                                                        |
| /once/ /thrice/ /brief/  | static; closed after one response, after three, after one idle second                 |
| /crawl/                  | static, at 64 KiB a second                                                            |
| /limited                 | 413 before the upload is over, where it has more than 1 KiB                           |
| /store/NAME              | PUT and DELETE of a file, which is then served (and lies in `directory`/www/store)    |
| /tree/                  | directories with an index: PUT, DELETE, MKCOL, COPY, MOVE (in `directory`/www/tree)    |
| /busy                    | 503 with Retry-After: 1, always                                                       |
| /rate/NAME               | static, two a second over all; more are 503 with Retry-After: 1                       |
| /connections             | nginx's own count; see `accepted`                                                     |
| /tls                     | protocol, server name, client certificate (TLS only)                                  |
"""

from __future__ import annotations

import contextlib
import json
import random
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.addresses import Site
from servers.certificates import REFUSED, Certificates
from servers.processes import Speech, running
from servers.programs import require_program, worker_user

# Bytes of /big.bin, a sparse file that takes no space on the disk.
BIG = 1024**3
MEDIUM = 1024**2
STATUSES = (204, 304, 404, 418, 500, 503)
MOVED = (301, 302, 303, 307, 308)


@contextlib.contextmanager
def nginx_sites(certificates: Certificates) -> Iterator[tuple[Site, ...]]:
    """Run one nginx: plain HTTP and TLS with the same content, then a TLS port for each certificate of `REFUSED`."""
    program = require_program("nginx", "nginx-light")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        _write_documents(directory / "www")
        (directory / "nginx.conf").write_text(_configuration(directory, ports, certificates))
        return [program, "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", str(directory / "error.log")]

    tls_ports: list[Speech] = ["https"] * (1 + len(REFUSED))
    with running("nginx", prepare, "http", *tls_ports) as child:
        plain, *tls = child.ports
        yield Site(plain, directory=child.directory), *(Site(p, "https", directory=child.directory) for p in tls)


def accepted(plain: Site) -> int:
    """Return how many connections nginx has accepted, over plain HTTP and TLS, including the one of this request."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(plain.url("/connections"), timeout=5) as answer:
        lines: list[bytes] = answer.read().splitlines()
    return int(lines[2].split()[0])


def _write_documents(root: Path) -> None:
    if root.exists():
        return
    records = [{"id": number, "name": f"record {number}"} for number in range(30_000)]
    documents = {
        "small.json": json.dumps(records[:20]).encode(),
        "1m.json": json.dumps(records).encode()[:MEDIUM],
        "1m.bin": random.Random(1).randbytes(MEDIUM),
    }
    for folder in (".", "gzip", "chunked", "once", "thrice", "brief", "crawl"):
        (root / folder).mkdir(parents=True)
        for name, content in documents.items():
            (root / folder / name).write_bytes(content)
    with open(root / "big.bin", "wb") as big:
        big.truncate(BIG)
    for name in ("store", "tree"):
        (root / name).mkdir()
        # The worker process, which runs as another user, writes here.
        (root / name).chmod(0o777)


def _configuration(directory: Path, ports: Sequence[int], certificates: Certificates) -> str:
    user = worker_user()
    redirects = [
        f"location = /redirects/{number} {{ return 302 /redirects/{number - 1}; }}" for number in range(20, 0, -1)
    ]
    moved = [f"location = /moved/{status} {{ return {status} /small.json; }}" for status in MOVED]
    statuses = [f"location = /status/{status} {{ return {status}; }}" for status in STATUSES]
    temporary = [
        f"{kind}_temp_path {directory}/temporary-{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    refused = [
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {identity.cert_file};"
        f" ssl_certificate_key {identity.key_file}; location = /tls {{ return 200 refused; }} }}"
        for port, identity in zip(ports[2:], (getattr(certificates, name) for name in REFUSED), strict=True)
    ]
    others = "\n  ".join(refused)
    locations = "\n    ".join([*redirects, *moved, *statuses])
    return f"""
daemon off; worker_processes 1; pid {directory}/nginx.pid; {f"user {user};" if user else ""}
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; sendfile_max_chunk 2m; keepalive_timeout 65s; keepalive_requests 1000000;
  types {{ application/json json; }} default_type application/octet-stream;
  {" ".join(temporary)}
  client_max_body_size 0; absolute_redirect off; root {directory}/www;
  ssl_certificate {certificates.right.cert_file}; ssl_certificate_key {certificates.right.key_file};
  ssl_client_certificate {certificates.ca_file}; ssl_verify_client optional;
  ssl_protocols TLSv1.2 TLSv1.3;
  limit_req_zone $server_port zone=rate:64k rate=2r/s;
  server {{
    listen 127.0.0.1:{ports[0]} backlog=1024;
    listen 127.0.0.1:{ports[1]} ssl backlog=1024;
    location /gzip/ {{ gzip on; gzip_types *; gzip_min_length 0; gzip_http_version 1.1; }}
    location /chunked/ {{ ssi on; ssi_types *; add_trailer X-Trailer arrived; }}
    location /once/ {{ keepalive_timeout 0; }}
    location /thrice/ {{ keepalive_requests 3; }}
    location /brief/ {{ keepalive_timeout 1s; }}
    location /crawl/ {{ limit_rate 64k; }}
    location = /busy {{ add_header Retry-After 1 always; return 503; }}
    location /rate/ {{ limit_req zone=rate; add_header Retry-After 1 always; alias {directory}/www/; }}
    location = /limited {{ client_max_body_size 1k; dav_methods PUT; }}
    location /store/ {{ dav_methods PUT DELETE; }}
    location /tree/ {{ dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; autoindex on; }}
    location = /connections {{ stub_status; }}
    location = /tls {{ return 200 "$ssl_protocol $ssl_server_name $ssl_client_verify $ssl_client_s_dn"; }}
    location = /redirects/loop {{ return 302 /redirects/loop; }}
    location = /redirects/0 {{ return 302 /small.json; }}
    {locations}
  }}
  {others}
}}
"""
