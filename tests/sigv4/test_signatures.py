"""The signature of a request as it is sent is the one that botocore computes for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from hookline import HttpClient
from hookline_sigv4 import SigV4
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, SECRET_KEY, TOKEN, Clock

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

# By name: the path as the user writes it, and as AWS wants it sent.
PATHS = {
    "root": ("/", "/"),
    "plain": ("/bucket/key-1_2.3~4", "/bucket/key-1_2.3~4"),
    "slash-at-end": ("/bucket/folder/", "/bucket/folder/"),
    "two-slashes": ("/bucket//key", "/bucket//key"),
    "many-slashes": ("/a///b//", "/a///b//"),
    "only-slashes": ("//", "//"),
    "space": ("/bucket/a b", "/bucket/a%20b"),
    "encoded-space": ("/bucket/a%20b", "/bucket/a%20b"),
    "plus": ("/bucket/a+b", "/bucket/a%2Bb"),
    "percent": ("/bucket/100%25", "/bucket/100%25"),
    "unicode": ("/bucket/Grüße/日本", "/bucket/Gr%C3%BC%C3%9Fe/%E6%97%A5%E6%9C%AC"),
    "lower-case-hex": ("/bucket/%e2%82%ac", "/bucket/%E2%82%AC"),
    "encoded-slash": ("/bucket/a%2Fb", "/bucket/a%2Fb"),
    "encoded-letter": ("/bucket/%61%7e", "/bucket/a~"),
    "reserved": ("/b/!$&'()*,:;=@[]|", "/b/" + quote("!$&'()*,:;=@[]|", safe="")),
    "arn": ("/functions/arn:aws:lambda:eu-west-1:1:function:f/invocations",
            "/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af/invocations"),
}  # fmt: skip

# By name: the query as the user writes it, and as it is to be sent.
QUERIES = {
    "subresource": ("acl", "acl"),
    "two-subresources": ("versioning&acl", "versioning&acl"),
    "value": ("list-type=2", "list-type=2"),
    "empty-value": ("prefix=&list-type=2", "prefix=&list-type=2"),
    "sorted": ("b=2&a=1&B=3&_=4&-=5", "b=2&a=1&B=3&_=4&-=5"),
    "repeated": ("tag=b&tag=a&tag=c", "tag=b&tag=a&tag=c"),
    "prefix-of-a-name": ("ab=1&a=2&a-b=3", "ab=1&a=2&a-b=3"),
    "space": ("q=a b", "q=a%20b"),
    "encoded-space": ("q=a%20b", "q=a%20b"),
    "space-of-forms": ("q=a+b", "q=a%20b"),
    "encoded-plus": ("q=a%2bb", "q=a%2Bb"),
    "equals": ("q=a=b==", "q=a%3Db%3D%3D"),
    "reserved": ("p=/a:b,c;d@e!$'()*?", "p=" + quote("/a:b,c;d@e!$'()*?", safe="")),
    "brackets": ("filter[name]=x", "filter%5Bname%5D=x"),
    "unicode": ("q=Grüße&ü=1", "q=Gr%C3%BC%C3%9Fe&%C3%BC=1"),
    "empty-pairs": ("&a=1&&b=2&", "a=1&b=2"),
    "percent": ("q=100%25", "q=100%25"),
}

SERVICES = ["s3", "execute-api"]


def signed_names(request: Any) -> str:
    return str(request.header("authorization").split("SignedHeaders=")[1].split(",")[0])


def auth_of(service: str, clock: Clock, token: str | None = None, **options: Any) -> SigV4:
    return SigV4(service, "eu-west-1", (ACCESS_KEY, SECRET_KEY, token), clock=clock, **options)


class Table:
    """Sends requests, and compares their signatures with botocore's."""

    def __init__(self, client: HttpClient, scripted: ScriptedServer, clock: Clock, sign: Callable[..., Any]) -> None:
        self.client, self.scripted, self.clock, self.sign = client, scripted, clock, sign
        scripted.always(response())

    async def compare(
        self, service: str, method: str, target: str, expected: str, *,
        token: str | None = None, fields: Any = (), params: Any = None, body: bytes | None = None,
        signed: str = "", content_type: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """expected: the target that is to be sent. fields: those of the call. signed: names of fields beside the usual ones."""
        auth = auth_of(service, self.clock, token, signed_headers=signed.split(), **options)
        given = [*fields, *([("Content-Type", content_type)] if content_type else [])]
        await self.client.request(method, self.scripted.url(target), params=params, headers=given, data=body, auth=auth)
        sent = self.scripted.requests[-1]
        assert sent.target == expected
        host = sent.header("host") or sent.header(":authority")
        names = {"host", "x-amz-date", *(name.lower() for name, _ in given)}
        names |= {"x-amz-security-token"} if token else set()
        names |= {"x-amz-content-sha256"} if service == "s3" else set()
        assert signed_names(sent) == ";".join(sorted(names))
        signed_by_botocore = self.sign(
            service, "eu-west-1", token, method, f"http://{host}{expected}",
            headers=[pair for pair in given if pair[0] != "Host"] + [("Host", host)], body=body or b"",
        )  # fmt: skip
        assert sent.header("authorization") == signed_by_botocore.headers["Authorization"]
        assert sent.header("x-amz-date") == signed_by_botocore.headers["X-Amz-Date"]
        assert sent.header("x-amz-content-sha256") == signed_by_botocore.headers.get("X-Amz-Content-SHA256")
        assert sent.header("x-amz-security-token") == token


@pytest.fixture
def table(signer: HttpClient, scripted: ScriptedServer, clock: Clock, botocore_signs: Callable[..., Any]) -> Table:
    return Table(signer, scripted, clock, botocore_signs)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", PATHS)
async def test_paths(table: Table, service: str, name: str) -> None:
    await table.compare(service, "GET", *PATHS[name])


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", QUERIES)
async def test_queries(table: Table, service: str, name: str) -> None:
    written, sent = QUERIES[name]
    await table.compare(service, "GET", f"/bucket?{written}", f"/bucket?{sent}")


PARAMS = {
    "empty": {},
    "mapping": {"b": "2", "a": "1"},
    "space": {"q": "a b"},
    "plus": {"q": "a+b"},
    "percent": {"q": "100%", "p": "%20"},
    "repeated": [("tag", "b"), ("tag", "a")],
    "unicode": {"q": "Grüße 日本"},
    "empty-value": {"prefix": "", "list-type": "2"},
    "reserved": {"key": "/a:b,c;d@e!$'()*?#&=", "a&b": "=", "~": "~"},
    "number": {"max-keys": 3},
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", PARAMS)
async def test_params(table: Table, service: str, name: str) -> None:
    given: Any = PARAMS[name]
    pairs = [(key, str(value)) for key, value in (given.items() if isinstance(given, dict) else given)]
    query = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)
    await table.compare(service, "GET", "/b", f"/b?{query}" if query else "/b", params=given)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
async def test_methods(table: Table, service: str, method: str) -> None:
    await table.compare(service, method, "/b/k", "/b/k")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("token", [None, TOKEN], ids=["permanent", "session"])
@pytest.mark.parametrize(
    "body", [b"", b"{}", "Grüße".encode() * 9, b"x" * 300_000], ids=["empty", "small", "utf8", "large"]
)
async def test_bodies(table: Table, service: str, token: str | None, body: bytes) -> None:
    await table.compare(
        service, "POST", "/b/k", "/b/k", token=token, body=body, content_type="application/x-amz-json-1.0"
    )


FIELDS = {
    "amz": [("X-Amz-Target", "DynamoDB_20120810.GetItem"), ("X-Amz-Meta-Color", "red")],
    "spaces": [("X-Amz-Meta-A", "a   b \t c"), ("X-Amz-Meta-B", "")],
    "repeated": [("X-Amz-Meta-A", "2"), ("X-Amz-Meta-A", "1")],
    "md5": [("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")],
    "quotes": [("X-Amz-Meta-A", '"a,  b"')],
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", FIELDS)
async def test_fields(table: Table, service: str, name: str) -> None:
    await table.compare(service, "PUT", "/b/k", "/b/k", fields=FIELDS[name], body=b"1")


@pytest.mark.parametrize("service", SERVICES)
async def test_chosen_fields(table: Table, service: str) -> None:
    fields = [("Range", "bytes=0-9"), ("If-Match", '"1"')]
    await table.compare(service, "GET", "/b/k", "/b/k", fields=fields, signed="Range If-Match Not-There")


async def test_host_of_the_user(table: Table) -> None:
    await table.compare("s3", "GET", "/k", "/k", fields=[("Host", "bucket.s3.eu-west-1.amazonaws.com")])


# -- what is not compared with botocore


async def test_hop_by_hop_fields_are_not_signed(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.always(response())
    fields = [("TE", "trailers"), ("User-Agent", "me"), ("Accept", "*/*"), ("X-Forwarded-For", "1.2.3.4")]
    await signer.get(scripted.url(), headers=fields, auth=auth_of("execute-api", clock))
    assert signed_names(scripted.requests[0]) == "host;x-amz-date"


async def test_dot_segments_do_not_count(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    """A handler may set a target that no URL has."""
    scripted.always(response())

    def dotted(response: Any) -> None:
        response.request.target = "/a/./b/../c"

    await signer.get(scripted.url("/"), pre_request=dotted, auth=auth_of("execute-api", clock))
    await signer.get(scripted.url("/a/c"), auth=auth_of("execute-api", clock))
    dotted_one, plain = (request.header("authorization") for request in scripted.requests)
    assert scripted.requests[0].target == "/a/./b/../c"
    assert dotted_one == plain


async def test_key_is_derived_once_a_day(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    import hookline_sigv4.sigv4 as module

    derived = []
    original = module.signing_key
    monkeypatch.setattr(module, "signing_key", lambda *args: derived.append(args[2]) or original(*args))
    auth = auth_of("s3", clock)
    for _ in range(3):
        auth.presign("GET", "https://b.test/k")
    clock.now += 86_400
    auth.presign("GET", "https://b.test/k")
    assert derived == ["20270115", "20270116"]
