"""The configuration of nginx, for machines without a C compiler: the same targets as those of server.c."""

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


def configuration(folder: Path, root: Path, plain: int, secure: int | None) -> str:
    """Return the text of nginx.conf. plain, secure: the ports; secure: None = no TLS.

    nginx cannot count a chunked body here, so /sink refuses streamed uploads, and otherwise answers with the Content-Length of
    the request.
    """
    fields = """add_header X-Request-Id 5f2b0c6a91d3e847; add_header Cache-Control no-store;
      add_header Vary Accept-Encoding;"""
    # `return` does not read the body. nginx discards it after the response, which costs the least.
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
    location = /sink {{ {fields}
      if ($http_transfer_encoding) {{ return 411; }}
      return 200 '{{"received": $content_length}}';
    }}"""
    servers = f"server {{ listen 127.0.0.1:{plain} backlog=4096; {targets} }}"
    if secure is not None:
        servers += f"""
  server {{ listen 127.0.0.1:{secure} ssl backlog=4096; {targets}
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
  {servers}
}}
"""
