"""The configuration of nginx: for HTTP/2, and for machines without a C compiler with the same targets as those of server.c."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def configuration(
    folder: Path, root: Path, plain: int, secure: int | None, sink: str | None = None, http2: bool = False
) -> str:
    """Return the text of nginx.conf. plain, secure: the ports; secure: None = no TLS.

    sink: host and port of a server that reads the bodies of requests; None = see below. http2: TLS offers HTTP/2.

    nginx cannot count a chunked body here, so /sink refuses streamed uploads, and otherwise answers with the Content-Length of
    the request.
    """
    fields = """add_header X-Request-Id 5f2b0c6a91d3e847; add_header Cache-Control no-store;
      add_header Vary Accept-Encoding;"""
    # `return` does not read the body. nginx discards it after the response, which costs the least.
    reads_body = """if ($http_transfer_encoding) { return 411; }
      return 200 '{"received": $content_length}';"""
    if sink is not None:
        reads_body = """proxy_pass http://reader; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off;"""
    targets = f"""
    root {root}; default_type application/json; client_max_body_size 0;
    location = /small {{ {fields} try_files /small =404; }}
    location = /varied {{ add_header X-Request-Id $request_id; add_header Cache-Control no-store;
      add_header Vary Accept-Encoding; try_files /small =404; }}
    location = /json {{ {fields} try_files /json =404; }}
    location = /once {{ {fields} keepalive_timeout 0; try_files /small =404; }}
    location = /1m {{ {fields} try_files /1m =404; }}
    location = /gzip {{ {fields} add_header Content-Encoding gzip; try_files /gzip =404; }}
    location = /big {{ {fields} default_type application/octet-stream; try_files /big =404; }}
    location = /stats {{ stub_status; }}
    location = /frames {{ {fields} http2_chunk_size 100; try_files /frames =404; }}
    location = /protocol {{ return 200 $server_protocol; }}
    location = /sink {{ {fields} {reads_body} }}"""
    servers = f"server {{ listen 127.0.0.1:{plain} backlog=4096; {targets} }}"
    if secure is not None:
        servers += f"""
  server {{ listen 127.0.0.1:{secure} ssl {"http2" if http2 else ""} backlog=4096; {targets}
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    ssl_session_cache off; ssl_session_tickets off;
  }}"""
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""
daemon off; worker_processes 1; {user} pid {folder}/nginx.pid; error_log {folder}/error.log warn;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; multi_accept on; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; sendfile_max_chunk 2m; open_file_cache max=50;
  keepalive_requests 1000000000; keepalive_timeout 3600s; {temporary}
  {f"upstream reader {{ server {sink}; keepalive 128; }}" if sink else ""}
  {servers}
}}
"""
