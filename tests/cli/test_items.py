"""Request items and the words of a command line, as the request that they make. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hookline_cli.arguments.items import Item, parse_items, split_item
from hookline_cli.arguments.json_keys import set_value
from hookline_cli.arguments.parser import Parser
from hookline_cli.request.plan import RequestPlan, make_plan
from hookline_cli.request.request_parser import request_parser
from hookline_cli.running import UsageError


@pytest.fixture(scope="module")
def parser() -> Parser:
    return request_parser()[0]


def plan_of(parser: Parser, *words: str) -> RequestPlan:
    return make_plan(parser.parse_intermixed_args(words))


@pytest.mark.parametrize(
    ("word", "item"),
    [
        ("X-Name:value", Item("X-Name", ":", "value")),
        ("X-Name:", Item("X-Name", ":", "")),
        ("X-Name;", Item("X-Name", ";", "")),
        ("a=b;c=d", Item("a", "=", "b;c=d")),
        ("q==a=b", Item("q", "==", "a=b")),
        ("n:=1", Item("n", ":=", "1")),
        ("u=http://h/", Item("u", "=", "http://h/")),
        ("f@p=q", Item("f", "@", "p=q")),
        ("f=@p", Item("f", "=@", "p")),
        ("f:=@p", Item("f", ":=@", "p")),
        ("q==@p", Item("q", "==@", "p")),
        ("H:@p", Item("H", ":@", "p")),
        ("@p", Item("", "@", "p")),
        (r"a\:b=c", Item("a:b", "=", "c")),
        (r"a\=b:c", Item("a=b", ":", "c")),
        (r"a\[b=c\d", Item(r"a\[b", "=", r"c\d")),
        ("plain", None),
        ("a;b", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "item",
)
def test_item_is_split_at_its_first_separator(word: str, item: Item | None) -> None:
    assert split_item(word) == item


@pytest.mark.parametrize(
    ("items", "value"),
    [
        (["a=1", "b:=1"], {"a": "1", "b": 1}),
        (["a[b][c]=x", "a[d]:=null"], {"a": {"b": {"c": "x"}, "d": None}}),
        (["l[]=x", "l[]=y"], {"l": ["x", "y"]}),
        (["l[2]=x", "l[0][k]:=true"], {"l": [{"k": True}, None, "x"]}),
        (["[]:=1", "[]:=2"], [1, 2]),
        (["[a]=1"], {"a": "1"}),
        ([r"a\[b=1", r"c[\1]=2"], {"a[b": "1", "c": {"1": "2"}}),
        (["a=1", "a=2"], {"a": "2"}),
        (["a:={}", "a[b]:=[]", "a[b][]=x"], {"a": {"b": ["x"]}}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else "json",
)
def test_fields_make_json(items: list[str], value: Any) -> None:
    assert parse_items(items).as_json() == value


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["plain"], "'plain' is no item: expected Name:Value, name==value"),
        (["n:=x"], r"'n:=x': the value is no JSON .*; name=value sends text"),
        (["=x"], "'=x': a name is missing before ="),
        (["f@no-such-file"], "'f@no-such-file': cannot read no-such-file: No such file or directory"),
        (["a[b=1"], r"has a \[ without \]"),
        (["a=1", "a[b]=2"], r"a\[b\]: an earlier item has made it a plain value, not an object"),
        (["a[]=1", "a[b]=2"], "an earlier item has made it a list, not an object"),
        (["a[99999999]=1"], "the index is above 10000"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "message",
)
def test_wrong_item_says_what_was_expected(items: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_items(items).as_json()


def test_value_is_set_below_nothing() -> None:
    assert set_value(None, "", 1) == {"": 1}


@pytest.mark.parametrize(
    ("words", "method", "url"),
    [
        (["h/x"], "GET", "http://h/x"),
        (["h", "a=1"], "POST", "http://h"),
        (["h", "q==1"], "GET", "http://h"),
        (["put", "h", "a=1"], "PUT", "http://h"),
        (["PURGE", "h"], "PURGE", "http://h"),
        (["-X", "purge", "h"], "PURGE", "http://h"),
        (["-I", "h"], "HEAD", "http://h"),
        (["-d", "x", "h"], "POST", "http://h"),
        ([":8000/x?q"], "GET", "http://localhost:8000/x?q"),
        ([":/x"], "GET", "http://localhost/x"),
        (["localhost", "a=1"], "POST", "http://localhost"),
        (["h", "-f", "a=1", "--timeout", "3", "b=2"], "POST", "http://h"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_method_and_url_are_guessed(parser: Parser, words: list[str], method: str, url: str) -> None:
    plan = plan_of(parser, *words)

    assert (plan.method, plan.url) == (method, url)


@pytest.mark.parametrize(
    ("words", "body", "kind"),
    [
        (["a=1"], {"json": {"a": "1"}}, "application/json"),
        (["-f", "a=1", "b:=2"], {"data": [("a", "1"), ("b", "2")]}, "application/x-www-form-urlencoded"),
        (["--multipart", "a=1"], {"files": [("a", (None, "1"))]}, None),
        (["-d", "a=1", "-d", "b=2"], {"data": b"a=1&b=2"}, "application/x-www-form-urlencoded"),
        (["-d", '{"a": 1}'], {"data": b'{"a": 1}'}, "application/json"),
        (["-d", "{a}"], {"data": b"{a}"}, "application/x-www-form-urlencoded"),
        (["-d", "x", "-H", "Content-Type: text/plain"], {"data": b"x"}, "text/plain"),
        (["--raw", "x"], {"data": b"x"}, None),
        (["--raw", ""], {"data": b""}, None),
        (["--raw", "1", "--json"], {"data": b"1"}, "application/json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "body" if isinstance(value, dict) else None,
)
def test_body_and_its_type(parser: Parser, words: list[str], body: dict[str, Any], kind: str | None) -> None:
    plan = plan_of(parser, "h", *words)

    assert plan.body == body
    assert dict(plan.headers).get("Content-Type") == kind


def test_files_make_a_multipart_form(parser: Parser, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")

    plan = plan_of(parser, "h", "a=1", f"f@{file}", f"g@{file};type=text/x-own")

    assert plan.body == {"files": [("a", (None, "1")), ("f", ("a.csv", file)), ("g", ("a.csv", file, "text/x-own"))]}


def test_file_is_the_body_or_gives_a_value(parser: Parser, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("[1]\n")

    as_body = plan_of(parser, "h", f"@{file}")
    as_values = plan_of(parser, "h", f"t=@{file}", f"j:=@{file}", f"X-A:@{file}", f"q==@{file}")

    assert as_body.body == {"data": file}
    assert ("Content-Type", "application/json") in as_body.headers
    assert as_values.body == {"json": {"t": "[1]\n", "j": [1]}}
    assert ("X-A", "[1]") in as_values.headers
    assert as_values.params == [("q", "[1]\n")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["h", "a=1", "-d", "x"], "two bodies are given, by fields and -d; leave out one"),
        (["h", "-d", "x", "--raw", ""], "two bodies are given"),
        (["-X", "PUT", "POST", "h"], "two methods are given: PUT and POST; leave out one"),
        (["GET"], "a URL is missing behind GET"),
        (["pots", "http://h", "a=1"], "'pots' is no method that is known in lower case; did you mean POST?"),
        (["-f", "h", "a:=[1]"], "a:= has an object or a list, which a form cannot carry; leave out --form"),
        (["h", "--verbos"], r"unknown option --verbos; did you mean --verbose\?"),
        (["h", "--pretty", "x"], "invalid choice: 'x'"),
        (["-f", "-j", "h"], "not allowed with argument"),
        (["-H", "Bearer 0123456789abcdef0123456789", "h"], "-H takes 'NAME: VALUE', got 'Bearer 01234…'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "message",
)
def test_wrong_words_say_what_to_do(parser: Parser, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan_of(parser, *words)
