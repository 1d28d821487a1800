"""What data= and files= refuse, before anything is sent."""

import pytest

from hookline.errors import LocalProtocolError
from hookline_testing.server import response
from kit.ids import words

pytestmark = [pytest.mark.client(autoload=False, plugins=["bodies"]), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"files": {"a": "b"}, "json": 1}, LocalProtocolError, "not both"),
        ({"data": b"x", "files": {"a": "b"}}, LocalProtocolError, "fields that go with them"),
        ({"data": "x", "files": {"a": "b"}}, LocalProtocolError, "fields that go with them"),
        ({"files": {"a": "b"}, "headers": {"Content-Type": "text/plain"}}, LocalProtocolError, "Content-Type"),
        ({"files": {"a": ("n",)}}, TypeError, "'a' has 1 items"),
        ({"files": {"a": (b"n", b"x")}}, TypeError, "filename of 'a'"),
        ({"files": {"a": ("n", ["x"])}}, TypeError, "content of 'a'"),
        ({"files": {"a": 5}}, TypeError, "int"),
        ({"files": [("a", "b", "c")]}, TypeError, "pairs"),
        ({"files": "ab"}, TypeError, "pairs"),
        ({"files": {b"a": "b"}}, TypeError, "str"),
        ({"files": {"a\0": "x"}}, LocalProtocolError, "NUL"),
        ({"files": {"a": ("\0", "x")}}, LocalProtocolError, "NUL"),
        ({"files": {"a": ("n", "x", "text/plain\r\nEvil: x")}}, LocalProtocolError, "Content-Type"),
        ({"files": {"a": ("n", "x", None, {"X\r\nEvil": "x"})}}, LocalProtocolError, "field name"),
        ({"files": {"a": ("n", "x", None, {"X": "x\r\nEvil: x"})}}, LocalProtocolError, "CR, LF"),
        ({"files": {"\ud800": "x"}}, LocalProtocolError, "surrogate"),
        (
            {"files": {"a": "x"}, "headers": {"Content-Type": 'multipart/form-data; boundary="a\u00fc"'}},
            LocalProtocolError,
            "boundary",
        ),
        (
            {"files": {"a": "x"}, "headers": {"Content-Type": "multipart/form-data; boundary="}},
            LocalProtocolError,
            "boundary",
        ),
    ],
    ids=words,
)
async def test_invalid_body_is_refused_before_anything_is_sent(client, scripted, given, error, words):
    with pytest.raises(error, match=words):
        await client.post(scripted.url(), **given)
    assert scripted.connections == 0


@pytest.mark.parametrize("given", [{"data": {}, "json": None, "files": []}, {"files": {}}, {"data": None, "files": ()}])
async def test_nothing_in_files_is_no_body(client, scripted, given):
    scripted.answer(response(b""))
    await client.get(scripted.url(), **given)
    assert scripted.requests[0].header("content-length") is None


async def test_json_beside_nothing_in_files_is_sent(client, scripted):
    scripted.answer(response(b""))
    await client.post(scripted.url(), json=1, files=[], data={})
    assert scripted.requests[0].body == b"1"
