"""Credentials from the user's netrc file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from hookline import InvalidURL, canonical_host

from .basic import HTTPBasicAuth

Hosts = dict[str, tuple[str, str] | None]

_log = logging.getLogger("hookline.auth")
_DEFAULT = "default"  # how the file, and the library that reads it, name the entry for every other host


def read_netrc() -> Hosts:
    """Login and password by host, as core writes it; None where the entry has no login, and so nothing to send.

    The file is $NETRC, else ~/.netrc, else ~/_netrc; NETRC="" means none. One that cannot be read, is no regular file or is
    malformed has no entries; that is logged, without any of its text.
    """
    for path in _paths():
        try:
            is_regular = path.is_file()
            if not is_regular and not path.exists():
                continue
        except (OSError, ValueError):
            continue
        return _parse(path) if is_regular else _refuse(path, "is no regular file")
    return {}


def has_netrc() -> bool:
    """Is there such a file, whatever is in it?"""
    for path in _paths():
        try:
            if path.exists():
                return True
        except (OSError, ValueError):
            continue
    return False


def credentials_for(hosts: Hosts, host: str) -> HTTPBasicAuth | None:
    """The credentials for a host, or those of the file's default entry where it has none; None where that has no login.

    host: the one that is connected to, as core's URL parser found it. It is never cut out of a URL here:
    "http://known.example:@evil.example/" has sent passwords to the wrong host in other clients (CVE-2024-47081).
    """
    entry = hosts.get(host, hosts.get(_DEFAULT))
    if entry is None:
        return None
    try:
        return HTTPBasicAuth(*entry)
    except ValueError:
        _log.warning("netrc: the entry for %r holds characters that cannot be sent", host)
        return None


def _paths() -> list[Path]:
    named = os.environ.get("NETRC")
    if named is not None:
        return [Path(os.path.expanduser(named))] if named else []
    home = Path(os.path.expanduser("~"))
    return [home / ".netrc", home / "_netrc"]


def _parse(path: Path) -> Hosts:
    from netrc import NetrcParseError, netrc  # here, because few programs have such a file

    try:
        entries = netrc(str(path)).hosts
    except NetrcParseError as error:
        return _refuse(path, f"is malformed at line {error.lineno}")  # its message quotes the file
    except OSError as error:
        return _refuse(path, f"cannot be read: {error.strerror}")
    except ValueError:
        return _refuse(path, "is no text")
    found: Hosts = {}
    for host, (login, account, password) in entries.items():
        user = login or account
        found[_key(host)] = (user, password or "") if user else None
    return found


def _key(machine: str) -> str:
    """The name of an entry as core writes it as a host; as it stands where it is none, so that no request meets it."""
    try:
        return canonical_host(machine)
    except InvalidURL:
        return machine


def _refuse(path: Path, reason: str) -> Hosts:
    _log.warning("netrc: %s %s; it is ignored", path, reason)
    return {}
