"""Read credentials from the user's netrc file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from hookline import InvalidURL

from .basic import HTTPBasicAuth

Hosts = dict[str, tuple[str, str] | None]

_log = logging.getLogger("hookline.auth")
_DEFAULT = "default"  # the name of the entry for all other hosts, in the file and in the library that reads it


def read_netrc() -> Hosts:
    """Return login and password by host, in core's form of hosts; None for an entry without a login, which sends nothing.

    The file is $NETRC, else ~/.netrc, else ~/_netrc; NETRC="" means no file. If it cannot be read, is not a regular file or
    is malformed, it has no entries, and a warning is logged without any of its text.
    """
    for path in map(Path, _paths()):
        try:
            is_regular = path.is_file()
            if not is_regular and not path.exists():
                continue
        except (OSError, ValueError):
            continue
        return _parse(path) if is_regular else _refuse(path, "is not a regular file")
    return {}


def has_netrc() -> bool:
    """Say whether there is a netrc file, whatever is in it."""
    return any(map(os.path.exists, _paths()))


def credentials_for(hosts: Hosts, host: str) -> HTTPBasicAuth | None:
    """Return the credentials of a host's entry, or of the default entry if it has none; None if that has no login.

    host: the host that the request goes to, as core's URL parser gives it. It is not cut out of the URL again:
    other clients sent passwords to the wrong host for "http://known.example:@evil.example/" (CVE-2024-47081).
    """
    entry = hosts.get(host, hosts.get(_DEFAULT))
    if entry is None:
        return None
    try:
        return HTTPBasicAuth(*entry)
    except ValueError:
        _log.warning("netrc: the entry for %r holds characters that cannot be sent", host)
        return None


def _paths() -> list[str]:
    named = os.environ.get("NETRC")
    if named is not None:
        return [os.path.expanduser(named)] if named else []
    home = os.path.expanduser("~")
    return [os.path.join(home, ".netrc"), os.path.join(home, "_netrc")]


def _parse(path: Path) -> Hosts:
    from netrc import NetrcParseError, netrc  # imported here, because few programs have such a file

    try:
        entries = netrc(str(path)).hosts
    except NetrcParseError as error:
        return _refuse(path, f"is malformed at line {error.lineno}")  # its message quotes the file
    except OSError as error:
        return _refuse(path, f"cannot be read: {error.strerror}")
    except ValueError:
        return _refuse(path, "is not text")
    found: Hosts = {}
    for host, (login, account, password) in entries.items():
        user = login or account
        found[_key(host)] = (user, password or "") if user else None
    return found


def _key(machine: str) -> str:
    """Return the name of an entry in core's form of hosts; as it is if it is not a host, so that no request matches it."""
    from hookline import canonical_host  # imported here, because few programs have such a file: 1 ms

    try:
        return canonical_host(machine)
    except InvalidURL:
        return machine


def _refuse(path: Path, reason: str) -> Hosts:
    _log.warning("netrc: %s %s; it is ignored", path, reason)
    return {}
