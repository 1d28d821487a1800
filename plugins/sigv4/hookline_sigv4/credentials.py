"""Credentials, and the providers that find them: callables that return credentials, or None if they have none.

A provider is a plain or async function without arguments. The classes here are providers.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable
from configparser import Error as ConfigError
from configparser import RawConfigParser
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import NoCredentials, SigV4Error

_is_printable = re.compile(r"[!-~]+").fullmatch
_is_key_id = re.compile(
    r"[!-+\--.0-~]+"
).fullmatch  # without comma and slash, which separate it from the rest of the field

_POLL = 60.0  # seconds after which botocore is asked again; it renews by itself


@dataclass(frozen=True)
class Credentials:
    """An access key, its secret key, and the token of a session.

    secret_key, token: secrets. token: None = permanent credentials have none.
    expires_at: when they expire, in seconds since 1970, or a datetime with a time zone. None = never.

    Raises: TypeError; ValueError, for characters that no field can carry. Neither shows a secret.

    Example: docs/sigv4.md#credentials
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    def __post_init__(self) -> None:
        for name, check in (("access_key", _is_key_id), ("secret_key", _is_printable), ("token", _is_printable)):
            value = getattr(self, name)
            if name == "token" and value is None:
                continue
            if not isinstance(value, str):
                raise TypeError(f"Credentials: {name} is a str, not {type(value).__name__}")
            if check(value) is None:
                raise ValueError(
                    f"Credentials: {name} is empty, or has characters that it cannot have, such as a space"
                )
        if isinstance(self.expires_at, datetime):
            if self.expires_at.tzinfo is None:
                raise ValueError("Credentials: expires_at has no time zone")
            object.__setattr__(self, "expires_at", self.expires_at.timestamp())


Found = Credentials | tuple[str, str] | tuple[str, str, str | None] | None
Provider = Callable[[], Found | Awaitable[Found]]


def as_credentials(value: Any, source: str) -> Credentials | None:
    """Convert what a provider has returned, or what a user gave: Credentials, a tuple of two or three, or None.

    source: who gave it, for messages, which do not show it.

    Raises: TypeError; ValueError.
    """
    if value is None or isinstance(value, Credentials):
        return value
    if isinstance(value, tuple) and len(value) in (2, 3):
        return Credentials(*value)
    raise TypeError(
        f"{source}: credentials are a Credentials or a tuple (access key, secret key[, token]), not {type(value).__name__}"
    )


@dataclass(frozen=True)
class EnvironmentCredentials:
    """Read AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.

    Example::

        from hookline_sigv4 import EnvironmentCredentials, SigV4

        auth = SigV4("s3", "eu-west-1", EnvironmentCredentials())
    """

    def __call__(self) -> Credentials | None:
        """Return the credentials; None if the first variable is not set.

        Raises: NoCredentials, if the second is missing.
        """
        access_key = os.environ.get("AWS_ACCESS_KEY_ID")
        if not access_key:
            return None
        secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
        if not secret_key:
            raise NoCredentials("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)


@dataclass(frozen=True)
class ProfileCredentials:
    """Read the keys of a profile in the files of the AWS command line.

    profile: its name; None = that in AWS_PROFILE, else "default".
    path: of the file; None = those in AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, else ~/.aws/credentials and
        ~/.aws/config. The first that has the keys counts.

    Example::

        from hookline_sigv4 import ProfileCredentials, SigV4

        auth = SigV4("s3", "eu-west-1", ProfileCredentials("build", path="/etc/build/credentials"))
    """

    profile: str | None = None
    path: str | os.PathLike[str] | None = None

    def __call__(self) -> Credentials | None:
        """Return the credentials; None if there is no such file, or its profile has no keys.

        Raises: SigV4Error, for a file that cannot be read; NoCredentials, for a profile that was named and is not there, and for
        a profile with half of the keys.
        """
        profile = self.profile or os.environ.get("AWS_PROFILE") or "default"
        found = False
        for path, section in self._places(profile):
            keys = read_section(path, section)
            found = found or keys is not None
            if keys and "aws_access_key_id" in keys:
                if "aws_secret_access_key" not in keys:
                    raise NoCredentials(f"the profile {profile!r} in {path} has no aws_secret_access_key")
                return Credentials(
                    keys["aws_access_key_id"], keys["aws_secret_access_key"], keys.get("aws_session_token") or None
                )
        if not found and self.profile is not None:
            raise NoCredentials(
                f"there is no profile {profile!r} in {', '.join(str(p) for p, _ in self._places(profile))}"
            )
        return None

    def _places(self, profile: str) -> list[tuple[Path, str]]:
        """Return the files to read, with the name of the section in each."""
        in_config = "default" if profile == "default" else f"profile {profile}"
        if self.path is not None:
            path = Path(self.path).expanduser()
            return [(path, profile), (path, in_config)]
        home = Path("~/.aws")
        shared = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"
        config = os.environ.get("AWS_CONFIG_FILE") or home / "config"
        return [(Path(shared).expanduser(), profile), (Path(config).expanduser(), in_config)]


def read_section(path: Path, section: str) -> dict[str, str] | None:
    """Return the keys of a section of an INI file; None if there is no such file or section.

    Raises: SigV4Error, whose message shows nothing of the file.
    """
    parser = RawConfigParser(strict=False)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SigV4Error(f"{path} cannot be read: {error.strerror}") from None
    except (ConfigError, UnicodeError) as error:
        raise SigV4Error(
            f"{path} is not a file of profiles ({type(error).__name__})"
        ) from None  # its message quotes the file
    return dict(parser[section]) if parser.has_section(section) else None


@dataclass(frozen=True)
class BotocoreCredentials:
    """Ask the chain of botocore, which must be installed: roles, single sign-on, metadata of instances and containers.

    profile: its name; None = botocore decides. botocore makes its own connections, in a thread, and renews what expires.

    Example::

        from hookline_sigv4 import BotocoreCredentials, SigV4

        auth = SigV4("s3", "eu-west-1", BotocoreCredentials(profile="build"))
    """

    profile: str | None = None
    _known: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)

    def __call__(self) -> Credentials | None:
        """Return the credentials; None if botocore finds none.

        Raises: NoCredentials, if botocore is not installed; SigV4Error, chained to the error of botocore.
        """
        try:
            from botocore.exceptions import BotoCoreError
            from botocore.session import Session
        except ModuleNotFoundError:
            raise NoCredentials("BotocoreCredentials needs botocore: pip install 'hookline-sigv4[botocore]'") from None
        try:
            if not self._known:
                found = Session(profile=self.profile).get_credentials()
                if found is None:
                    return None
                self._known.append(found)
            frozen = self._known[0].get_frozen_credentials()
        except BotoCoreError as error:
            raise SigV4Error(f"botocore has no credentials: {type(error).__name__}") from error
        expires = time.time() + _POLL if hasattr(self._known[0], "refresh_needed") else None
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token, expires)

    def __reduce__(self) -> tuple[type[BotocoreCredentials], tuple[str | None]]:
        """Copy and pickle it without what botocore has found."""
        return BotocoreCredentials, (self.profile,)


@dataclass(frozen=True)
class DefaultCredentials:
    """Ask the environment, the profile, and botocore if it is installed; the first that has credentials counts."""

    _botocore: BotocoreCredentials = field(default_factory=BotocoreCredentials, repr=False)

    def __call__(self) -> Credentials | None:
        """Return the credentials; None if there are none.

        Raises: as each of the three.
        """
        found = EnvironmentCredentials()() or ProfileCredentials()()
        return self._botocore() if found is None and find_spec("botocore") is not None else found
