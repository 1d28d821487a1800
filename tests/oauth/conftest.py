"""The providers of OAuth, on loopback, fresh for each test."""

from collections.abc import Iterator
from typing import Any

import pytest

from hookline import HttpClient
from servers.addresses import Site
from servers.oauth1_provider import OAuth1Provider
from servers.oauth2_provider import OAuth2Provider
from servers.wsgi import wsgi_site


@pytest.fixture
def insecure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow tokens without TLS: these servers are on this machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def tls_site1(provider1: OAuth1Provider, certificates: Any) -> Iterator[Site]:
    with wsgi_site(provider1, certificates.server_context()) as site:
        yield site


@pytest.fixture
def provider2() -> OAuth2Provider:
    return OAuth2Provider()


@pytest.fixture
def site2(provider2: OAuth2Provider, certificates: Any) -> Iterator[Site]:
    """Over TLS: nothing here needs leave to send tokens in the clear."""
    with wsgi_site(provider2, certificates.server_context()) as site:
        yield site


@pytest.fixture
async def client2(certificates: Any) -> Any:
    """A client that trusts the provider's certificate."""
    async with HttpClient(timeout=20, verify=str(certificates.ca_file)) as client:
        yield client


@pytest.fixture
async def browser(certificates: Any) -> Any:
    """What the user has: it shows where a response leads, and goes there only when told."""
    async with HttpClient(timeout=20, verify=str(certificates.ca_file), autoload=False) as browser:
        yield browser
