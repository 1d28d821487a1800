"""Find the programs that tests talk to, and run httpbin under gunicorn."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from servers.addresses import Site
from servers.certificates import Identity
from servers.processes import running

# Debian's folders for programs of administrators.
_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def require_program(name: str, package: str) -> str:
    """Return the path of a program, or skip the test loudly with the name of its Debian package."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_PATH}")
    if path is None:
        pytest.skip(f"LOUD: {name} is not installed (Debian package {package})")
    return path


def require_module(name: str, distribution: str) -> None:
    """Skip the test loudly, with the name of the distribution, if a Python module is missing."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"LOUD: {name} is not installed (Python package {distribution})")


def worker_user() -> str | None:
    """Return the user as which workers of a server run that root has started; None if this process is not root's."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("www-data").pw_name
    except KeyError:
        return "nobody"


@contextlib.contextmanager
def httpbin_site(identity: Identity | None = None) -> Iterator[Site]:
    """Run httpbin under gunicorn, with keep-alive; over TLS if an identity is given."""
    require_module("gunicorn", "gunicorn")
    require_module("httpbin", "httpbin")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        options = {
            "--bind": f"127.0.0.1:{ports[0]}",
            # The default class, sync, closes the connection after each response.
            "--worker-class": "gthread",
            "--threads": "16",
            "--keep-alive": "30",
            "--graceful-timeout": "1",
            "--worker-tmp-dir": str(directory),
        }
        if identity is not None:
            options |= {"--certfile": str(identity.cert_file), "--keyfile": str(identity.key_file)}
        words = [word for option in options.items() for word in option]
        return [sys.executable, "-m", "gunicorn", *words, "httpbin:app"]

    scheme: Literal["http", "https"] = "http" if identity is None else "https"
    with running("httpbin", prepare, scheme) as child:
        yield Site(child.ports[0], scheme, directory=child.directory)
