"""A clock that stands still, and what botocore signs at the same instant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from hookline import HttpClient
from kit.sigv4 import ACCESS_KEY, NOW, SECRET_KEY, Clock

Pairs = Sequence[tuple[str, str]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def signer() -> AsyncIterator[HttpClient]:
    """A client with the plugin, and no other."""
    async with HttpClient(autoload=False, plugins=["sigv4"], timeout=20) as client:
        yield client


@pytest.fixture
def botocore_signs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that signs a request with botocore, and returns its request."""
    auth = pytest.importorskip("botocore.auth", reason="LOUD: botocore is not installed (Python package botocore)")
    from botocore.awsrequest import AWSRequest

    now = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: now)

    def sign(
        service: str, region: str, token: str | None, method: str, url: str, *,
        params: Any = None, headers: Pairs = (), body: bytes = b"", expires: int | None = None,
    ) -> Any:  # fmt: skip
        credentials = SimpleNamespace(access_key=ACCESS_KEY, secret_key=SECRET_KEY, token=token)
        kinds = {
            ("s3", False): auth.S3SigV4Auth, ("s3", True): auth.S3SigV4QueryAuth,
            ("other", False): auth.SigV4Auth, ("other", True): auth.SigV4QueryAuth,
        }  # fmt: skip
        kind = kinds["s3" if service == "s3" else "other", expires is not None]
        request = AWSRequest(method=method, url=url, params=params, data=body)
        for name, value in headers:
            request.headers.add_header(name, value)
        more = {} if expires is None else {"expires": expires}
        kind(credentials, service, region, **more).add_auth(request)
        return request

    return sign
