"""TLS settings, and the SSL contexts made from them: once, at their first use, since the default one takes 18 ms to make."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import SSLError, shown
from .settings import Settings


class TLS(Settings):
    """The settings of TLS for a connection. They are part of a route's key: a connection serves no request with others.

    verify: True = check certificates with the system's authorities. False = check nothing. A path = a file or directory of
    authorities. An ssl.SSLContext = use it as it is.
    cert: the client certificate: a file with certificate and key, or (certificate, key), or (certificate, key, password), where
    a key of None means that it is in the file of the certificate; None = no certificate. `repr` leaves it out.
    server_hostname: the name to check and to send as SNI; None = the host of the URL.
    alpn: the protocols that are offered (RFC 7301), the preferred one first. A context of the user's own offers what it says.

    Example::

        from hookline import TLS, HttpClient

        settings = TLS(server_hostname="api.example.").replace(alpn=("h2", "http/1.1"))
        print(settings.name_for("127.0.0.1"))  # the name that the certificate must have
        with HttpClient() as client:
            context = settings.context(client)  # an ssl.SSLContext
    """

    verify: bool | str | ssl.SSLContext
    cert: str | tuple[Any, ...] | None
    server_hostname: str | None
    alpn: tuple[str, ...]
    _hidden = frozenset({"cert"})

    def __init__(
        self,
        verify: bool | str | ssl.SSLContext = True,
        cert: str | tuple[Any, ...] | None = None,
        server_hostname: str | None = None,
        alpn: tuple[str, ...] = ("http/1.1",),
    ) -> None:
        vars(self).update(verify=verify, cert=cert, server_hostname=server_hostname, alpn=alpn)

    def context(self, client: Any, alpn: tuple[str, ...] | None = None) -> ssl.SSLContext:
        """Return the SSL context for these settings: that of the client (an HttpClient), made at its first use.

        alpn: the protocols to offer instead; None = those of the settings.

        Raises: OSError, ValueError; see `make_context`.
        """
        settings = self if alpn is None else self.replace(alpn=alpn)
        found: ssl.SSLContext = client.contexts.get(settings)
        return found

    def name_for(self, host: str) -> str:
        """The name to check and to send as SNI for a host: `server_hostname`, or the host without a zone and a final dot.

        (RFC 6066, section 3, allows no dot at the end.)

        Raises: SSLError if it cannot be a host name. (Python's ssl would raise a UnicodeError or a TypeError, and asyncio would
        leak the socket.)
        """
        name = self.server_hostname or host.partition("%")[0].rstrip(".")
        try:
            if "\0" not in name and name.encode("idna"):
                return name
        except UnicodeError:
            pass  # a label of more than 63 characters, or an empty one
        raise SSLError(
            f"TLS takes a host name of labels of 1 to 63 characters, not {shown(name)}; see server_hostname="
        )


def as_path(name: str, value: Any) -> str:
    """A path as text. name: of the keyword, for the error.

    Raises: TypeError if it is no path; ValueError if it is empty.
    """
    path = os.fspath(value)
    if not path:
        raise ValueError(f"{name}= takes the path of a file, not an empty one")
    return os.fsdecode(path)


def as_verify(value: Any) -> bool | str | ssl.SSLContext:
    """Check a value of `verify=`.

    Raises: TypeError; ValueError for an empty path.
    """
    if isinstance(value, (bool, ssl.SSLContext)):
        return value
    if isinstance(value, (str, os.PathLike)):
        return as_path("verify", value)
    raise TypeError(f"verify= takes True, False, a path or an ssl.SSLContext, not {type(value).__name__}")


def as_cert(value: Any) -> str | tuple[Any, ...] | None:
    """Check a value of `cert=`.

    Raises: TypeError; ValueError for an empty path.
    """
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)):
        return as_path("cert", value)
    if isinstance(value, (tuple, list)) and len(value) in (2, 3):
        return (as_path("cert", value[0]), None if value[1] is None else as_path("cert", value[1]), *value[2:])
    raise TypeError("cert= takes a path, (certificate, key) or (certificate, key, password)")


def as_server_hostname(value: Any) -> str:
    """Check a value of `server_hostname=`; returns it in ASCII.

    Raises: TypeError, ValueError.
    """
    if not isinstance(value, str):
        raise TypeError(f"server_hostname= takes a host name, not {type(value).__name__}")
    if not value:
        raise ValueError("server_hostname= takes a host name; None is that of the URL")
    if value.isascii():
        return value
    from ..messages.host import canonical_host

    return canonical_host(value)  # Python's ssl would write it by IDNA 2003


def make_context(settings: TLS) -> ssl.SSLContext:
    """Make the SSL context for these settings; a context in `verify` is returned as it is.

    Host names are checked, except with verify=False, and only against subjectAltName: a client must not take a name from the
    subject of a certificate (RFC 9110, section 4.3.4).

    Raises: OSError or ssl.SSLError that names the file that cannot be read; ValueError for both a certificate and a context.
    """
    verify = settings.verify
    if isinstance(verify, ssl.SSLContext):
        if settings.cert is not None:
            raise ValueError("cert= beside a context in verify=: load it into that, with context.load_cert_chain(...)")
        return verify
    if isinstance(verify, str):
        file, directory = (None, verify) if os.path.isdir(verify) else (verify, None)
        with _naming_files(f"verify={verify!r}: no certificate authorities could be read"):
            context = ssl.create_default_context(cafile=file, capath=directory)
    else:
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(list(settings.alpn))
    if settings.cert is not None:
        _load_cert(context, settings.cert)
    return context


def _load_cert(context: ssl.SSLContext, cert: str | tuple[Any, ...]) -> None:
    certificate, key, password = (*((cert,) if isinstance(cert, str) else cert), None, None)[:3]
    for path in (certificate, key):
        if path is not None and not os.path.exists(path):
            raise FileNotFoundError(f"cert: no such file: {path!r}")
    place = repr(key or certificate)

    def missing() -> str:  # without it, OpenSSL would ask on the terminal and wait
        raise ValueError(f"cert: the key in {place} is encrypted; give cert=(certificate, key, password)")

    with _naming_files(f"cert: {certificate!r} with the key in {place} cannot be used"):
        context.load_cert_chain(certificate, key, missing if password is None else password)


@contextmanager
def _naming_files(failure: str) -> Iterator[None]:
    """Raise an OSError or ssl.SSLError once more, with a text that names the files: that of OpenSSL names none."""
    try:
        yield
    except OSError as error:
        why = getattr(error, "reason", error.strerror) or "no certificate with its key, or a wrong password"
        raise type(error)(error.errno, f"{failure} ({why})") from error


class Contexts:
    """The SSL contexts of one client, each made at its first use."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, Any, Any], ssl.SSLContext] = {}

    def get(self, settings: TLS) -> ssl.SSLContext:
        """Return the context for these settings.

        Raises: see `make_context`.
        """
        if isinstance(settings.verify, ssl.SSLContext):
            return make_context(settings)
        key = (settings.verify, settings.cert, settings.alpn)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = make_context(settings)
        return found
