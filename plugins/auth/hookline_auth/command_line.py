"""The options of this plugin on the command line, its part of sessions, and what `hookline doctor` shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .basic import HTTPBasicAuth
from .bearer import BearerAuth
from .digest import HTTPDigestAuth


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "-u",
        "-a",
        "--auth",
        type=basic,
        secret=True,
        metavar="USER[:PASSWORD]",
        help="Basic; without a password it is asked for",
    )
    options.add_argument(
        "--digest", dest="auth", type=digest, secret=True, metavar="USER[:PASSWORD]", help="Digest (RFC 7616)"
    )
    options.add_argument("--bearer", dest="auth", type=BearerAuth, secret=True, metavar="TOKEN", help="a bearer token")


def basic(text: str) -> HTTPBasicAuth:
    """Return Basic credentials. Raises: ValueError."""
    return HTTPBasicAuth(*split_credentials(text))


def digest(text: str) -> HTTPDigestAuth:
    """Return Digest credentials. Raises: ValueError."""
    return HTTPDigestAuth(*split_credentials(text))


def split_credentials(text: str) -> tuple[str, str]:
    """Return user and password; a password that is not given is read from the terminal.

    Raises: ValueError, if there is no terminal to read it from.
    """
    user, colon, password = text.partition(":")
    if colon:
        return user, password
    import getpass
    import sys

    if not sys.stdin.isatty():
        raise ValueError("a password is missing: expected USER:PASSWORD, since there is no terminal to ask on")
    return user, getpass.getpass(f"password of {user}: ")


def export_state(client: Any, keywords: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the credentials of a call for a session; None = there are none, or they come from a function."""
    auth = keywords.get("auth")
    if isinstance(auth, HTTPBasicAuth):
        return {"basic": [auth.username, auth.password]}
    if isinstance(auth, HTTPDigestAuth):
        return {"digest": [auth.username, auth.password]}
    if isinstance(auth, BearerAuth) and auth.token is not None:
        return {"bearer": [auth.token]}
    return None


def import_state(state: Any) -> dict[str, Any]:
    """Return the keywords of a call with the credentials of a session."""
    kinds = {"basic": HTTPBasicAuth, "digest": HTTPDigestAuth, "bearer": BearerAuth}
    if not state:
        return {}
    ((name, values),) = state.items()
    return {"auth": kinds[name](*values)}


def as_code(keyword: str, value: Any) -> tuple[str, ...] | None:
    """Return a value of `auth=` as Python, and the imports that it needs; the secret comes from the environment."""
    if isinstance(value, HTTPBasicAuth):
        return f'({value.username!r}, os.environ["PASSWORD"])', "import os"
    if isinstance(value, HTTPDigestAuth):
        return (
            f'HTTPDigestAuth({value.username!r}, os.environ["PASSWORD"])',
            "import os",
            "from hookline import HTTPDigestAuth",
        )
    if isinstance(value, BearerAuth):
        return 'BearerAuth(os.environ["TOKEN"])', "import os", "from hookline import BearerAuth"
    return None


def diagnose(client: Any) -> Iterator[tuple[str, str]]:
    """Yield whether there is a netrc file; nothing of its content."""
    from .netrc import has_netrc

    yield "netrc", "there is a file" if has_netrc() else "no file"
