"""Fixtures of all test servers; tests/conftest.py names this module in `pytest_plugins`."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline_testing.server import ScriptedServer
from servers import http2_programs
from servers.addresses import Site
from servers.aiohttp_app import aiohttp_site
from servers.apache import apache_sites
from servers.certificates import REFUSED, Certificates, make_certificates
from servers.http2_programs import Http2Server
from servers.nginx import nginx_sites
from servers.programs import httpbin_site
from servers.proxies import dante_site, haproxy_site, microsocks_site, tinyproxy_site
from servers.squid import squid_digest_site, squid_sites
from servers.websockets_library import websockets_site


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    """The certificates of all tests, made once per session."""
    with tempfile.TemporaryDirectory(prefix="hookline-certificates-") as path:
        # Servers run as other users, who cannot read pytest's own temporary folders.
        Path(path).chmod(0o755)
        yield make_certificates(Path(path))


@pytest.fixture
def make_scripted(protocol: str) -> Iterator[Callable[..., ScriptedServer]]:
    """A function with the arguments of ScriptedServer; it returns a server that runs until the end of the test."""
    made: list[ScriptedServer] = []
    with contextlib.ExitStack() as stack:

        def make(**options: object) -> ScriptedServer:
            made.append(stack.enter_context(ScriptedServer(**options)))  # type: ignore[arg-type]
            return made[-1]

        yield make
    versions = {request.version for server in made for request in server.requests}
    if protocol == "HTTP/2" and versions and "2" not in versions:
        pytest.fail("the test is marked for HTTP/2, and no request came over it")


@pytest.fixture
def scripted(make_scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    """A running scripted server on 127.0.0.1."""
    return make_scripted()


@pytest.fixture(scope="session")
def aiohttp_server() -> Iterator[Site]:
    """aiohttp's web server in a thread."""
    with aiohttp_site() as site:
        yield site


@pytest.fixture(scope="session")
def aiohttp_tls_server(certificates: Certificates) -> Iterator[Site]:
    """aiohttp's web server over TLS."""
    with aiohttp_site(certificates.server_context()) as site:
        yield site


@pytest.fixture(scope="session")
def websockets_server() -> Iterator[Site]:
    """A server of the library websockets; servers/websockets_library.py lists its paths."""
    with websockets_site() as site:
        yield site


@pytest.fixture(scope="session")
def websockets_tls_server(certificates: Certificates) -> Iterator[Site]:
    """The same over TLS."""
    with websockets_site(certificates.server_context()) as site:
        yield site


@pytest.fixture(scope="session")
def httpbin() -> Iterator[Site]:
    """httpbin under gunicorn."""
    with httpbin_site() as site:
        yield site


@pytest.fixture(scope="session")
def httpbin_tls(certificates: Certificates) -> Iterator[Site]:
    """httpbin under gunicorn over TLS, in a second process."""
    with httpbin_site(certificates.right) as site:
        yield site


@pytest.fixture(scope="session")
def _nginx(certificates: Certificates) -> Iterator[tuple[Site, ...]]:
    with nginx_sites(certificates) as sites:
        yield sites


@pytest.fixture(scope="session")
def nginx(_nginx: tuple[Site, ...]) -> Site:
    """nginx; servers/nginx.py lists its paths."""
    return _nginx[0]


@pytest.fixture(scope="session")
def nginx_tls(_nginx: tuple[Site, ...]) -> Site:
    """The same nginx over TLS."""
    return _nginx[1]


@pytest.fixture(scope="session")
def _apache(certificates: Certificates) -> Iterator[tuple[Site, ...]]:
    with apache_sites(certificates) as sites:
        yield sites


@pytest.fixture(scope="session")
def apache(_apache: tuple[Site, ...]) -> Site:
    """apache2; servers/apache.py lists its paths."""
    return _apache[0]


@pytest.fixture(scope="session")
def apache_tls(_apache: tuple[Site, ...]) -> Site:
    """The same apache2 over TLS."""
    return _apache[1]


@pytest.fixture(scope="session")
def _squid() -> Iterator[tuple[Site, Site]]:
    with squid_sites() as sites:
        yield sites


@pytest.fixture(scope="session")
def squid(_squid: tuple[Site, Site]) -> Site:
    """squid without authentication; see servers/squid.py."""
    return _squid[0]


@pytest.fixture(scope="session")
def squid_basic(_squid: tuple[Site, Site]) -> Site:
    """The port of the same squid that requires Basic."""
    return _squid[1]


@pytest.fixture(scope="session")
def squid_digest() -> Iterator[Site]:
    """A squid that requires Digest, with nonces that expire after two seconds."""
    with squid_digest_site() as site:
        yield site


@pytest.fixture(scope="session")
def tinyproxy() -> Iterator[Site]:
    """tinyproxy, which requires Basic."""
    with tinyproxy_site() as site:
        yield site


@pytest.fixture(scope="session")
def tls_proxy(certificates: Certificates, squid: Site) -> Iterator[Site]:
    """An https proxy: haproxy terminates TLS, and passes the bytes to the squid without authentication."""
    with haproxy_site(certificates.right, squid) as site:
        yield site


@pytest.fixture(scope="session")
def dante() -> Iterator[Site]:
    """danted: SOCKS 4 and 5."""
    with dante_site() as site:
        yield site


@pytest.fixture(scope="session")
def microsocks() -> Iterator[Site]:
    """microsocks: SOCKS 5 with a password."""
    with microsocks_site() as site:
        yield site


@pytest.fixture(scope="session")
def _aiohttp_refused(certificates: Certificates) -> Iterator[tuple[Site, ...]]:
    with contextlib.ExitStack() as stack:
        identities = [getattr(certificates, name) for name in REFUSED]
        yield tuple(stack.enter_context(aiohttp_site(identity.server_context())) for identity in identities)


@pytest.fixture
def refused_site(request: pytest.FixtureRequest) -> Callable[[str, str], Site]:
    """A function of "nginx", "apache" or "aiohttp" and a name of `REFUSED`; it returns that server with that certificate."""

    def site(server: str, name: str) -> Site:
        sites = request.getfixturevalue("_aiohttp_refused" if server == "aiohttp" else f"_{server}")
        found: Site = sites[-len(REFUSED) :][REFUSED.index(name)]
        return found

    return site


@pytest.fixture(scope="session")
def nginx_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """nginx with HTTP/2; servers/http2_programs.py says what these servers have."""
    with http2_programs.nginx_http2(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def apache_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """apache2 with HTTP/2."""
    with http2_programs.apache_http2(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def haproxy_http2(certificates: Certificates, nginx_http2: Http2Server) -> Iterator[Http2Server]:
    """haproxy with HTTP/2 in front of nginx."""
    with http2_programs.haproxy_http2(certificates, nginx_http2) as server:
        yield server


@pytest.fixture(scope="session")
def nghttpd_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """nghttpd."""
    with http2_programs.nghttpd_http2(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def h2o_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """h2o."""
    with http2_programs.h2o_http2(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def hypercorn_http2(certificates: Certificates) -> Iterator[Http2Server]:
    """hypercorn with HTTP/2."""
    with http2_programs.hypercorn_http2(certificates) as server:
        yield server


@pytest.fixture
def provider1() -> Any:
    """A provider of OAuth 1, fresh for each test."""
    from servers.oauth1_provider import OAuth1Provider  # here, because it needs oauthlib

    return OAuth1Provider()


@pytest.fixture
def site1(provider1: Any) -> Iterator[Site]:
    """The server of that provider."""
    from servers.wsgi import wsgi_site

    with wsgi_site(provider1) as site:
        yield site
