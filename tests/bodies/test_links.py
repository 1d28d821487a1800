"""Link fields as a dict by relation (RFC 8288)."""

import copy
import pickle
import time

import pytest

from hookline import HttpClient
from hookline_bodies.link_fields import links_of
from hookline_testing.server import response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

BASE = "http://example.com/a/b?page=1"


@pytest.mark.parametrize(
    ("values", "links"),
    [
        ([], {}),
        (['<http://x.com/2>; rel="next"'], {"next": {"url": "http://x.com/2", "rel": "next"}}),
        (["</c>;rel=next"], {"next": {"url": "http://example.com/c", "rel": "next"}}),
        (["<?page=2>; rel=next"], {"next": {"url": "http://example.com/a/b?page=2", "rel": "next"}}),
        (["<c>; REL=Next"], {"next": {"url": "http://example.com/a/c", "rel": "Next"}}),
        (["<http://x.com/>"], {"http://x.com/": {"url": "http://x.com/"}}),
        (["<http://x.com/>; rel=a; rel=b"], {"a": {"url": "http://x.com/", "rel": "a"}}),
        (
            ['<http://x.com/?q=a,b;c>; rel=next; title="a, \\"b\\"; c=<d>", <http://x.com/1>; rel=prev'],
            {
                "next": {"url": "http://x.com/?q=a,b;c", "rel": "next", "title": 'a, "b"; c=<d>'},
                "prev": {"url": "http://x.com/1", "rel": "prev"},
            },
        ),
        (
            ["<http://x.com/1>; rel=prev", "<http://x.com/2>; rel=next; hreflang=de"],
            {
                "prev": {"url": "http://x.com/1", "rel": "prev"},
                "next": {"url": "http://x.com/2", "rel": "next", "hreflang": "de"},
            },
        ),
        (
            ["<http://x.com/>; rel=next; title=plain; title*=UTF-8'de'gr%C3%B6%C3%9Fer"],
            {"next": {"url": "http://x.com/", "rel": "next", "title": "größer"}},
        ),
        (["<http://x.com/>; rel=a; title*=zlib''%00"], {"a": {"url": "http://x.com/", "rel": "a"}}),
        (["<http://x.com/>; rel=a; crossorigin"], {"a": {"url": "http://x.com/", "rel": "a", "crossorigin": ""}}),
        ([" , <http://x.com/>;; rel=a ,, "], {"a": {"url": "http://x.com/", "rel": "a"}}),
        (["<http://[>; rel=a"], {"a": {"url": "http://[", "rel": "a"}}),
        (["nonsense"], {}),
        (["<no end; rel=a"], {}),
        (
            ['<http://x.com/1>; rel="open, <http://x.com/2>; rel=b'],
            {"http://x.com/1": {"url": "http://x.com/1", "rel": ""}},
        ),
    ],
)
def test_links_are_read(values, links):
    assert links_of(values, BASE) == links


def test_several_relations_are_several_keys():
    links = links_of(['<http://x.com/>; rel="next Last"'], BASE)
    assert links == {key: {"url": "http://x.com/", "rel": "next Last"} for key in ("next", "last")}


@pytest.mark.parametrize(
    "piece", ["<", "<>", "<>;", '<>;a="', "<>;a=\\", ";", ",", " ", "<>; a = ", '"', "\\", "<>;  "]
)
def test_hostile_field_takes_little_time(piece):
    start = time.perf_counter()
    links_of([piece * (200_000 // len(piece))], BASE)
    assert time.perf_counter() - start < 2


async def test_response_has_its_links(scripted):
    scripted.answer(response(headers=[("Link", '</2>; rel="next"'), ("link", "</9>; rel=last")]), response())
    async with HttpClient(autoload=False, plugins=["bodies"]) as client:
        answer = await client.get(scripted.url("/1"))
        assert answer.links["next"]["url"] == scripted.url("/2")
        assert answer.links["last"]["url"] == scripted.url("/9")
        assert (await client.get(scripted.url())).links == {}


async def test_copies_have_the_links_too(scripted):
    scripted.always(response(b"", headers=[("Link", "</2>; rel=next")]))
    async with HttpClient(autoload=False, plugins=["bodies"]) as client:
        answer = await client.get(scripted.url())
    for copied in (copy.copy(answer), pickle.loads(pickle.dumps(answer))):
        assert copied.links == {"next": {"url": scripted.url("/2"), "rel": "next"}}
