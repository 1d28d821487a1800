"""multipart/form-data: bodies are parsed by other libraries, and names cannot inject anything."""

import email
import email.policy
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.formparser import MultiPartParser

from hookline import HttpClient
from hookline_bodies.multipart import Multipart, field_part, file_part, guess_type, with_boundary
from hookline_testing.server import response

pytestmark = [pytest.mark.client(autoload=False, plugins=["bodies"]), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

CONTENT = bytes(range(256)) * 3000


async def sent(client, scripted, **given):
    """Send a request with these keywords, and return it as the server received it."""
    scripted.answer(response(b""))
    await client.post(scripted.url(), **given)
    return scripted.requests[-1]


def parsed_by_email(content_type, body):
    """Return the name, filename, type, other fields and content of each part."""
    message = email.message_from_bytes(
        b"Content-Type: %b\r\n\r\n%b" % (content_type.encode(), body), policy=email.policy.HTTP
    )
    assert message.is_multipart()
    assert not message.defects
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part["content-type"],
            {k.lower(): v for k, v in part.items() if k.lower() not in ("content-type", "content-disposition")},
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def parsed_by_werkzeug(content_type, body):
    boundary = re.search("boundary=(.*)", content_type)[1].encode()
    form, files = MultiPartParser().parse(io.BytesIO(body), boundary, len(body))
    fields = [(name, value) for name, values in form.lists() for value in values]
    found = []
    for name, each in files.lists():
        for file in each:
            found.append((name, file.filename, file.content_type, file.read()))
            file.close()
    return fields, found


async def test_fields_and_files_are_parts(client, scripted, tmp_path):
    path = tmp_path / "pïc.png"
    path.write_bytes(CONTENT)
    with path.open("rb") as file:
        seen = await sent(
            client,
            scripted,
            data=[("a", "1"), ("b", ["2", "ü"])],
            files=[
                ("str", "text ü"),
                ("bytes", b"\r\n--\0"),
                ("file", file),
                ("named", ("other.txt", io.BytesIO(b"named"))),
                ("typed", ("x", b"typed", "application/x-mine; q=1")),
                ("fields", ("x.tar.gz", "with", None, {"X-Mine": "ü", "Content-Language": "de"})),
                ("bare", (None, "no file")),
                ("path", path),
            ],
        )
    kind = seen.header("content-type")
    assert re.fullmatch("multipart/form-data; boundary=[0-9a-f]{32}", kind)
    assert seen.header("transfer-encoding") is None
    assert parsed_by_werkzeug(kind, seen.body) == (
        [("a", "1"), ("b", "2"), ("b", "ü"), ("bare", "no file")],
        [
            ("str", "str", "application/octet-stream", "text ü".encode()),
            ("bytes", "bytes", "application/octet-stream", b"\r\n--\0"),
            ("file", "pïc.png", "image/png", CONTENT),
            ("named", "other.txt", "text/plain", b"named"),
            ("typed", "x", "application/x-mine; q=1", b"typed"),
            ("fields", "x.tar.gz", "application/octet-stream", b"with"),
            ("path", "pïc.png", "image/png", CONTENT),
        ],
    )
    assert [part[0] for part in parsed_by_email(kind, seen.body)] == [
        *("a", "b", "b", "str", "bytes", "file", "named", "typed", "fields", "bare", "path")
    ]
    assert b"X-Mine: \xc3\xbc\r\nContent-Language: de\r\n" in seen.body


@pytest.mark.parametrize(
    "stated", ["multipart/form-data", "multipart/form-data; boundary=mine", 'Multipart/Mixed; boundary="a b"']
)
@pytest.mark.parametrize("with_files", [True, False])
async def test_content_type_of_the_user_is_kept(client, scripted, stated, with_files):
    given = {"files": {"f": b"content"}} if with_files else {"data": {"f": "content"}}
    seen = await sent(client, scripted, headers={"Content-Type": stated}, **given)
    (kind,) = seen.header_values("content-type")
    assert kind.startswith(stated)
    assert parsed_by_email(kind, seen.body)[0][-1] == b"content"


async def test_files_override_the_content_type_of_the_client(scripted):
    async with HttpClient(autoload=False, plugins=["bodies"], headers={"Content-Type": "application/json"}) as client:
        seen = await sent(client, scripted, files={"f": b"content"})
    (kind,) = seen.header_values("content-type")
    assert parsed_by_email(kind, seen.body)[0][-1] == b"content"


@pytest.mark.protocols("HTTP/1.1")
async def test_part_of_unknown_length_makes_the_body_chunked(client, scripted):
    async def chunks():
        yield b"one"
        yield "twö"

    seen = await sent(client, scripted, files={"f": ("name.bin", chunks()), "g": ("h", iter([b"x", b"y"]))})
    assert seen.header_values("transfer-encoding") == ["chunked"]
    _, files = parsed_by_werkzeug(seen.header("content-type"), seen.body)
    assert [file[-1] for file in files] == [b"one" + "twö".encode(), b"xy"]


async def test_boundary_is_different_each_time(client, scripted):
    kinds = {(await sent(client, scripted, files={"f": b""})).header("content-type") for _ in range(20)}
    assert len(kinds) == 20


# What browsers send, by the form algorithm of the WHATWG: the quote and line ends are escaped, the percent sign is not
@pytest.mark.parametrize(
    ("text", "name", "filename"),
    [
        ('a"b', "a%22b", "a%22b"),
        ("a\nb", "a%0D%0Ab", "a%0Ab"),
        ("a\rb", "a%0D%0Ab", "a%0Db"),
        ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
        ("a\n\rb", "a%0D%0A%0D%0Ab", "a%0A%0Db"),
        ("100%\\;='", "100%\\;='", "100%\\;='"),
        ("ü\u2028", "ü\u2028", "ü\u2028"),
        ("", "", ""),
    ],
    ids=ascii,
)
async def test_names_are_written_as_browsers_do(client, scripted, text, name, filename):
    seen = await sent(client, scripted, files=[(text, (text, b"x", "a/b"))], data={text: "y"})
    assert f'form-data; name="{name}"\r\n\r\ny\r\n'.encode() in seen.body
    assert f'form-data; name="{name}"; filename="{filename}"\r\nContent-Type: a/b\r\n\r\nx\r\n'.encode() in seen.body


@pytest.mark.parametrize("place", ["name", "filename", "field"])
async def test_name_cannot_inject_a_field_or_a_part(client, scripted, place):
    evil = 'x"\r\nX-Evil: y\r\n\r\nz\r\n--boundary--\r\n'
    kind = "multipart/form-data; boundary=boundary"
    given = {
        "name": {"files": {evil: b"x"}},
        "filename": {"files": {"f": (evil, b"x")}},
        "field": {"data": {evil: "x"}},
    }[place]
    seen = await sent(client, scripted, headers={"Content-Type": kind}, **given)
    ((_, _, _, fields, content),) = parsed_by_email(kind, seen.body)
    assert (fields, content) == ({}, b"x")


async def test_user_sets_the_fields_of_a_part(client, scripted):
    headers = [("content-disposition", 'attachment; filename="x"'), ("Content-Type", None)]
    seen = await sent(client, scripted, files={"f": ("n", b"x", "a/b", headers)})
    assert b'content-disposition: attachment; filename="x"\r\n\r\nx\r\n' in seen.body


async def test_value_that_is_not_text_is_sent_unchanged(client, scripted):
    seen = await sent(client, scripted, files={"f": b""}, data={"raw": b"\xff\0\r\n", "n": 5, "b": True, "none": None})
    assert b'name="raw"\r\n\r\n\xff\0\r\n\r\n' in seen.body
    assert b'name="n"\r\n\r\n5\r\n' in seen.body
    assert b'name="b"\r\n\r\ntrue\r\n' in seen.body
    assert b"none" not in seen.body


def test_type_is_guessed_from_the_suffix_alone():
    names = ("a.txt", "a.tar.gz", "a", "a.PNG", "data:text/html,x", "data:a/b\r\nEvil: x,.csv")
    octets = "application/octet-stream"
    assert [guess_type(name) for name in names] == ["text/plain", octets, octets, "image/png", octets, "text/csv"]


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(names, names, st.binary(max_size=50)), max_size=4))
async def test_length_is_that_of_the_sent_bytes(parts):
    found = [file_part(name, (filename, content)) for name, filename, content in parts]
    found += [file_part(name, (filename, io.BytesIO(content))) for name, filename, content in parts]
    found += [field_part(name, filename) for name, filename, _ in parts]
    body = Multipart(found, "boundary")
    written = b"".join([chunk async for chunk in body])
    assert len(written) == body.length
    alone = Multipart([part for part in found if isinstance(part.content, bytes)], "boundary")
    assert alone.as_body() == b"".join([chunk async for chunk in alone])
    assert written.count(b"\r\n--boundary\r\n") == max(0, len(found) - 1)


def test_boundary_of_the_user_is_checked():
    assert with_boundary("multipart/form-data; x=y; Boundary = abc ; z") == (
        "multipart/form-data; x=y; Boundary = abc ; z",
        "abc",
    )
    for boundary in ("", "a" * 71, '"a "', "a@b"):
        with pytest.raises(ValueError, match="70 characters"):
            with_boundary(f"multipart/form-data; boundary={boundary}")
