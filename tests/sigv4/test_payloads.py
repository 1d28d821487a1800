"""Bodies: signed by their digest, not signed, and signed chunk by chunk while they are sent."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from typing import Any

import pytest

from hookline import BodyNotRepeatable, HttpClient, LocalProtocolError, Source
from hookline_sigv4 import SigV4, SigV4Error
from hookline_sigv4.chunked_payload import SignedChunks, encoded_length
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, SECRET_KEY

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

STREAMED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
EMPTY = sha256(b"").hexdigest()


class Parts:
    """A body that can be read again, in parts of any size."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)


def auth_of(service: str = "s3", **options: Any) -> SigV4:
    return SigV4(service, "us-east-1", (ACCESS_KEY, SECRET_KEY), **options)


def decoded(request: Any) -> bytes:
    """Check each chunk's signature by a second reading of the specification; return the data."""
    authorization = request.header("authorization")
    scope = authorization.split("Credential=")[1].split(",")[0].partition("/")[2]
    key = ("AWS4" + SECRET_KEY).encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), sha256).digest()
    previous = authorization.split("Signature=")[1]
    rest, found = request.body, []
    while True:
        head, rest = rest.split(b"\r\n", 1)
        size, signature = head.split(b";chunk-signature=")
        data, end, rest = rest[: int(size, 16)], rest[int(size, 16) :][:2], rest[int(size, 16) + 2 :]
        assert end == b"\r\n"
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", request.header("x-amz-date"), scope, previous, EMPTY])
        expected = hmac.new(key, f"{text}\n{sha256(data).hexdigest()}".encode(), sha256).hexdigest()
        assert signature.decode() == expected
        previous = expected
        found.append(data)
        if not data:
            assert rest == b""
            return b"".join(found)


def digest_of(request: Any) -> Any:
    return request.header("x-amz-content-sha256")


# -- what is chosen


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 400_000])
async def test_bytes_are_signed_by_their_digest(signer: HttpClient, scripted: ScriptedServer, size: int) -> None:
    scripted.answer(response())
    body = b"x" * size
    await signer.put(scripted.url("/b/k"), data=body, auth=auth_of())
    assert digest_of(scripted.requests[0]) == sha256(body).hexdigest()
    assert scripted.requests[0].body == body


async def test_source_is_read_for_its_digest(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response())
    await signer.put(scripted.url("/b/k"), data=Source(Parts(b"ab", b"c"), 3), auth=auth_of(payload="signed"))
    assert digest_of(scripted.requests[0]) == sha256(b"abc").hexdigest()
    assert scripted.requests[0].body == b"abc"


async def test_source_that_cannot_be_read_twice_is_refused(signer: HttpClient, scripted: ScriptedServer) -> None:
    with pytest.raises(BodyNotRepeatable, match="its digest cannot be known"):
        await signer.put(scripted.url("/b/k"), data=iter([b"a"]), auth=auth_of("execute-api"))
    assert scripted.requests == []


async def test_unsigned(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response())
    for service in ("s3", "execute-api"):
        await signer.put(scripted.url("/b/k"), data=iter([b"a", b"b"]), auth=auth_of(service, payload="unsigned"))
    for request in scripted.requests:
        assert (digest_of(request), request.body) == ("UNSIGNED-PAYLOAD", b"ab")
        assert "x-amz-content-sha256" in request.header("authorization")


async def test_field_of_the_call_takes_precedence(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response())
    for given in ("UNSIGNED-PAYLOAD", "0" * 64, STREAMED):
        await signer.put(scripted.url("/b/k"), data=b"a", headers={"x-amz-content-sha256": given}, auth=auth_of())
    assert [digest_of(request) for request in scripted.requests] == ["UNSIGNED-PAYLOAD", "0" * 64, STREAMED]
    assert [request.body for request in scripted.requests[:2]] == [b"a", b"a"]
    assert decoded(scripted.requests[2]) == b"a"


# -- streamed


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 16_384, 100_000])
@pytest.mark.parametrize("cut", [1 << 20, 8192, 5000, 777], ids=["whole", "chunks", "5000", "777"])
async def test_chunks_are_signed(signer: HttpClient, scripted: ScriptedServer, size: int, cut: int) -> None:
    scripted.answer(response())
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    source = Source(Parts(*(body[start : start + cut] for start in range(0, size, cut))), size)
    await signer.put(scripted.url("/b/k"), data=source, auth=auth_of(chunk_size=8192))
    request = scripted.requests[0]
    assert decoded(request) == body
    assert digest_of(request) == STREAMED
    assert request.header("x-amz-decoded-content-length") == str(size)
    assert request.header("content-length") == str(len(request.body)) == str(encoded_length(size, 8192))
    assert request.header("content-encoding") == "aws-chunked"
    assert request.header("transfer-encoding") is None
    names = request.header("authorization").split("SignedHeaders=")[1].split(",")[0]
    assert names == "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length"


async def test_bytes_may_be_streamed(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response())
    fields = {"Content-Encoding": "gzip"}
    await signer.put(scripted.url("/b/k"), data=b"x" * 300_000, headers=fields, auth=auth_of(payload="streamed"))
    request = scripted.requests[0]
    assert decoded(request) == b"x" * 300_000
    assert request.header("content-encoding") == "aws-chunked,gzip"
    assert [size for size in (131_072, 37_856) if b"%x;" % size in request.body] == [131_072, 37_856]


async def test_generator_with_a_stated_length_is_streamed(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response())

    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    await signer.put(scripted.url("/b/k"), data=chunks(), headers={"Content-Length": "6"}, auth=auth_of())
    assert decoded(scripted.requests[0]) == b"abcdef"


async def test_unknown_length(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response())
    with pytest.raises(SigV4Error, match="a field Content-Length, bytes or a file"):
        await signer.put(scripted.url("/b/k"), data=iter([b"a"]), auth=auth_of(payload="streamed"))
    await signer.put(scripted.url("/b/k"), data=[b"a", b"b"], auth=auth_of())
    assert digest_of(scripted.requests[0]) == sha256(b"ab").hexdigest()


@pytest.mark.parametrize(
    ("parts", "text"), [((b"ab",), "ended after 2 of the 3"), ((b"ab", b"cd"), "longer than the 3")]
)
async def test_body_of_another_length(
    signer: HttpClient, scripted: ScriptedServer, parts: tuple[bytes, ...], text: str
) -> None:
    scripted.always(response())
    with pytest.raises(LocalProtocolError, match=text):
        await signer.put(scripted.url("/b/k"), data=Source(Parts(*parts), 3), auth=auth_of())


async def test_error_of_the_source_reaches_the_caller(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response())

    def chunks() -> Iterator[bytes]:
        yield b"a"
        raise LookupError("the disk is gone")

    with pytest.raises(LookupError, match="the disk is gone"):
        await signer.put(scripted.url("/b/k"), data=Source(chunks(), 3), auth=auth_of())


async def test_source_is_closed_and_read_only_as_far_as_it_is_sent() -> None:
    """No more than a chunk is held, whatever the size of the body."""
    given = 0
    closed = []

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal given
        try:
            for _ in range(1000):
                given += 1
                yield b"x" * 8192
        finally:
            closed.append(True)

    encoded = aiter(SignedChunks(Source(chunks()), 8_192_000, 16_384, lambda before, data: "0" * 64))
    for number in range(1, 5):
        await anext(encoded)
        assert given <= 2 * number + 1
    await encoded.aclose()
    assert closed == [True]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 8191, 8192, 8193, 131_072, 1_000_000, 1 << 30])
def test_length_is_known_before(length: int) -> None:
    def written(size: int) -> int:
        return len(f"{size:x};chunk-signature={'0' * 64}\r\n") + size + 2

    whole, rest = divmod(length, 8192)
    expected = whole * written(8192) + (written(rest) if rest else 0) + written(0)
    assert encoded_length(length, 8192) == expected


async def test_example_of_the_specification(signer: HttpClient, scripted: ScriptedServer) -> None:
    """Amazon S3 API Reference, "Example: PUT Object" of the page on signed chunks."""
    scripted.answer(response())
    auth = SigV4(
        "s3",
        "us-east-1",
        ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        signed_headers=["Content-Length"],
        chunk_size=65_536,
        clock=lambda: 1_369_353_600.0,
    )
    fields = {"Host": "s3.amazonaws.com", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    url = scripted.url("/examplebucket/chunkObject.txt")
    await signer.put(url, data=Source(Parts(b"a" * 66_560), 66_560), headers=fields, auth=auth)
    request = scripted.requests[0]
    assert request.header("content-length") == "66824"
    assert request.header("authorization") == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class, "
        "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    )
    assert [part[:64] for part in request.body.split(b"chunk-signature=")[1:]] == [
        b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]
