"""Presigned URLs are those of botocore, and clients send them as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hookline import HttpClient, InvalidURL
from hookline_sigv4 import NoCredentials, SigV4, SigV4Error
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, SECRET_KEY, TOKEN, Clock

URLS = [
    "https://bucket.s3.eu-west-1.amazonaws.com/key",
    "https://bucket.s3.eu-west-1.amazonaws.com/a%20b//c/%E6%97%A5",
    "https://bucket.s3.eu-west-1.amazonaws.com:443/key",
    "https://bucket.test:8443/key?versionId=a%2Fb%3D",
    "http://127.0.0.1:9000/bucket/key?response-content-type=text%2Fplain&partNumber=1&uploadId=x",
    "http://127.0.0.1:80/",
    "http://[::1]:9000/bucket?acl=",
    "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
]


def auth_of(service: str, clock: Clock, token: str | None = None) -> SigV4:
    return SigV4(service, "eu-west-1", (ACCESS_KEY, SECRET_KEY, token), clock=clock)


def parts(url: str) -> tuple[str, str, dict[str, str]]:
    split = urlsplit(url)
    port = None if split.port in (80, 443) else split.port
    return f"{split.scheme}://{split.hostname}:{port}", split.path or "/", dict(parse_qsl(split.query, True))


@pytest.mark.parametrize("token", [None, TOKEN], ids=["permanent", "session"])
@pytest.mark.parametrize("service", ["s3", "sts"])
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_url_is_that_of_botocore(
    botocore_signs: Callable[..., Any], clock: Clock, token: str | None, service: str, url: str, method: str
) -> None:
    found = auth_of(service, clock, token).presign(method, url, expires=900)
    expected = botocore_signs(service, "eu-west-1", token, method, url, expires=900).url
    assert parts(found) == parts(expected)
    assert "X-Amz-Signature" in parts(found)[2]


def test_fields_that_have_to_be_sent_are_signed(botocore_signs: Callable[..., Any], clock: Clock) -> None:
    headers = {"Content-Type": "text/plain", "X-Amz-Acl": "private"}
    found = auth_of("s3", clock).presign("put", URLS[0], headers=headers)
    expected = botocore_signs("s3", "eu-west-1", None, "PUT", URLS[0], headers=[*headers.items()], expires=3600).url
    assert parts(found) == parts(expected)
    assert parts(found)[2]["X-Amz-SignedHeaders"] == "content-type;host;x-amz-acl"


@pytest.mark.protocols("HTTP/1.1", "HTTP/2")
async def test_client_sends_it_as_it_is(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.answer(response())
    url = auth_of("s3", clock, TOKEN).presign("GET", scripted.url("/b/Grüße (1)+?q=a b&q=[c]"))
    await signer.get(url, auth=auth_of("s3", clock))
    assert url.endswith(scripted.requests[0].target)
    assert scripted.requests[0].path == "/b/Gr%C3%BC%C3%9Fe%20%281%29%2B"
    assert scripted.requests[0].header("authorization") is None


@pytest.mark.parametrize("expires", [0, -1, 604_801])
def test_time_is_at_most_seven_days(clock: Clock, expires: int) -> None:
    with pytest.raises(ValueError, match="1 to 604800 seconds"):
        auth_of("s3", clock).presign("GET", URLS[0], expires=expires)


def test_url_has_to_be_absolute(clock: Clock) -> None:
    with pytest.raises(InvalidURL):
        auth_of("s3", clock).presign("GET", "/key")


async def test_asynchronous_provider_is_asked_before(clock: Clock) -> None:
    async def provider() -> tuple[str, str]:
        return ACCESS_KEY, SECRET_KEY

    auth = SigV4("s3", "eu-west-1", provider, clock=clock)
    with pytest.raises(SigV4Error, match=r"await auth\.load\(\)"):
        auth.presign("GET", URLS[0])
    await auth.load()
    assert auth.presign("GET", URLS[0]) == auth_of("s3", clock).presign("GET", URLS[0])


def test_plain_provider_is_asked_at_once(clock: Clock) -> None:
    auth = SigV4("s3", "eu-west-1", lambda: (ACCESS_KEY, SECRET_KEY), clock=clock)
    assert auth.presign("GET", URLS[0]) == auth_of("s3", clock).presign("GET", URLS[0])
    with pytest.raises(NoCredentials, match="has no credentials"):
        SigV4("s3", "eu-west-1", lambda: None).presign("GET", URLS[0])
