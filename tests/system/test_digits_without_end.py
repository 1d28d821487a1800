"""Numbers of thousands of digits, wherever a peer may write one: an error of the tree, or no number at all.

int() refuses more than 4300 digits with a ValueError of its own (CVE-2020-10735).
"""

import pytest

from hookline import DecodingError, HttpClient, HttpRequestException, RemoteProtocolError
from hookline_auth import HTTPDigestAuth
from hookline_testing.server import Script, head, response

NUMBERS = {
    "zeros": "0" * 5000,
    "nines": "9" * 5000,
    "one-behind-zeros": "0" * 5000 + "1",
    "negative": "-" + "1" * 5000,
    "fraction": "1" * 5000 + ".5",
    "exponent": "1e" + "9" * 5000,
    "hexadecimal": "f" * 5000,
    "not-ascii": "\u0661" * 5000,
}
numbers = pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
FIELDS = {
    "age": "Age: {}",
    "retry-after": "Retry-After: {}",
    "retry-after-day": "Retry-After: Fri, {} Jan 2027 00:00:00 GMT",
    "retry-after-year": "Retry-After: Fri, 01 Jan {} 00:00:00 GMT",
    "retry-after-time": "Retry-After: Fri, 01 Jan 2027 {}:{}:{} +{}",
    "date": "Retry-After: Fri, 01 Jan 2027 00:00:00 GMT\r\nDate: Fri, 01 Jan {} 00:00:00 GMT",
    "max-age": "Set-Cookie: a=b; Max-Age={}",
    "max-age-that-is-short-enough": "Set-Cookie: a=b; Max-Age={:.1000}",
    "expires": "Set-Cookie: a=b; Expires=Fri, {} Jan {} {}:00:00 GMT",
    "keep-alive": "Keep-Alive: timeout={}, max={}",
    "content-range": "Content-Range: bytes {}-{}/{}",
    "charset": "Content-Type: text/plain; charset={}",
    "link": "Link: </a>; rel=next; title={}",
    "digest": 'WWW-Authenticate: Digest realm="a", nonce="{}", qop="auth", nc={}, algorithm=MD5',
    "location": "Location: /{}?{}",
}


@numbers
@pytest.mark.parametrize("name", FIELDS)
async def test_field_with_them_ends_in_a_response_or_an_error_of_the_tree(scripted, caplog, number, name):
    status = {"retry": 503, "date": 503, "digest": 401}.get(name.partition("-after")[0], 200)
    line = FIELDS[name].replace("{:.1000}", number[:1000]).replace("{}", number)
    raw = f"HTTP/1.1 {status} OK\r\nContent-Length: 5\r\n{line}\r\n\r\nhello".encode()
    scripted.answer(raw, response(b"second"), response(b"last"))
    async with HttpClient(plugins=["retry"], timeout=1, auth=HTTPDigestAuth("a", "b")) as client:
        try:
            answer = await client.get(scripted.url())
        except HttpRequestException:
            pass  # a Retry-After beyond the timeout
        else:
            assert answer.content in (b"hello", b"second")
            assert answer.links is not None
        assert (await client.get(scripted.url(), retry=0)).ok
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@numbers
@pytest.mark.parametrize(
    "raw",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nhello",
        "HTTP/1.1 200 OK\nContent-Length: {}\n\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Length: {}\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: {}, {}\r\n\r\nhello",
        "HTTP/1.1 103 Early\r\nContent-Length: {}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 {} OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.{} 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/{}.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["length", "length-and-lf", "length-twice", "lengths", "interim", "status", "minor", "major"],
)
@pytest.mark.parametrize("cut", ["whole", 1000])
async def test_framing_with_them_is_an_error_of_the_tree(scripted, caplog, number, raw, cut):
    scripted.answer(Script().send(raw.replace("{}", number).encode(), cut).stall())
    async with HttpClient(timeout=10) as client:
        with pytest.raises(RemoteProtocolError):
            await client.get(scripted.url(), on_download=lambda done, total: None)
    assert not caplog.records


@numbers
@pytest.mark.parametrize("space", ["", " ", "; a = b"], ids=["plain", "space", "extension"])
async def test_chunk_of_such_a_size_is_none(scripted, caplog, number, space):
    raw = head(200, [("Transfer-Encoding", "chunked")]) + f"1{space}\r\nx\r\n{number}{space}\r\n".encode()
    scripted.answer(Script(raw + b"\r\n").close())
    async with HttpClient(timeout=10) as client:
        try:
            answer = await client.get(scripted.url())
        except RemoteProtocolError:
            pass
        else:
            assert (answer.content, number.strip("0")) == (b"x", "")  # it is the last chunk
    assert not caplog.records


@numbers
async def test_content_coding_of_such_a_name_is_unknown(scripted, caplog, number):
    scripted.answer(response(b"hello", headers=[("Content-Encoding", number.encode().decode("latin-1"))]))
    async with HttpClient(timeout=10) as client:
        try:
            assert (await client.get(scripted.url())).content == b"hello"
        except DecodingError:
            pytest.fail("an unknown coding is left as it comes")
