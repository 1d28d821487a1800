"""The parser of event streams against the standard's examples, and against a slow transcription of its algorithm."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_sse import EventParser, EventTooLarge, ServerSentEvent
from hookline_sse.parser import MAX_DIGITS


def parse(stream: bytes, *cuts: int, **options: Any) -> list[ServerSentEvent]:
    """Return the events of a stream that is fed in pieces."""
    parser = EventParser(**options)
    edges = [0, *sorted(cuts), len(stream)]
    return [event for start, end in itertools.pairwise(edges) for event in parser.feed(stream[start:end])]


def feed_again(parser: EventParser, piece: bytes, times: int) -> None:
    """Feed a piece several times; no event may come."""
    for _ in range(times):
        assert list(parser.feed(piece)) == []


def told(stream: bytes) -> list[tuple[str, str, str]]:
    return [(event.event, event.data, event.id) for event in parse(stream)]


class Standard:
    """WHATWG HTML, sections 9.2.5 and 9.2.6, word by word, on the decoded text of a whole stream."""

    def __init__(self, stream: bytes) -> None:
        self.events: list[tuple[str, str, str]] = []
        self.last_event_id_string = ""
        self.reconnection_time: int | None = None
        self.data_buffer = self.event_type_buffer = self.last_event_id_buffer = ""
        text = stream.decode("utf-8", "replace")
        if text.startswith("\ufeff"):
            text = text[1:]
        line, position = "", 0
        while position < len(text):
            if text[position] == "\r" and text[position + 1 : position + 2] == "\n":
                self.process_line(line)
                line, position = "", position + 2
            elif text[position] in "\r\n":
                self.process_line(line)
                line, position = "", position + 1
            else:
                line, position = line + text[position], position + 1
        # any pending data is discarded

    def process_line(self, line: str) -> None:
        if line == "":
            self.dispatch()
        elif line[0] == ":":
            pass
        elif ":" in line:
            colon = line.index(":")
            field, value = line[:colon], line[colon + 1 :]
            if value[:1] == " ":
                value = value[1:]
            self.process_field(field, value)
        else:
            self.process_field(line, "")

    def process_field(self, field: str, value: str) -> None:
        if field == "event":
            self.event_type_buffer = value
        elif field == "data":
            self.data_buffer = self.data_buffer + value + "\n"
        elif field == "id":
            if "\0" not in value:
                self.last_event_id_buffer = value
        elif field == "retry" and value and all(character in "0123456789" for character in value):
            self.reconnection_time = int(value)

    def dispatch(self) -> None:
        self.last_event_id_string = self.last_event_id_buffer
        if self.data_buffer == "":
            self.event_type_buffer = ""
            return
        if self.data_buffer[-1] == "\n":
            self.data_buffer = self.data_buffer[:-1]
        self.events.append((self.event_type_buffer or "message", self.data_buffer, self.last_event_id_string))
        self.data_buffer = self.event_type_buffer = ""


# -- what the standard shows


def test_example_of_three_events() -> None:
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    assert told(stream) == [
        ("message", "first event", "1"),
        ("message", "second event", ""),
        ("message", " third event", ""),
    ]


def test_example_of_empty_data() -> None:
    assert told(b"data\n\ndata\ndata\n\ndata:") == [("message", "", ""), ("message", "\n", "")]


def test_example_of_the_space_after_the_colon() -> None:
    assert told(b"data:test\n\ndata: test\n\n") == [("message", "test", "")] * 2


def test_example_of_a_price() -> None:
    assert told(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [("message", "YHOO\n+2\n10", "")]


# -- rules


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
def test_event_ends_with_its_empty_line_at_once(end: bytes) -> None:
    parser = EventParser()
    assert list(parser.feed(b"data: 1" + end)) == []
    assert [event.data for event in parser.feed(end[:1])] == ["1"]
    assert list(parser.feed(end[1:])) == []
    assert [event.data for event in parser.feed(b"data: 2" + end + end)] == ["2"]


def test_line_end_cut_after_its_cr_is_one_end() -> None:
    parser = EventParser()
    pieces = (b"data: 1\r", b"", b"\ndata: 2\r", b"\n\r", b"\n")
    assert [event.data for piece in pieces for event in parser.feed(piece)] == ["1\n2"]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"\xef\xbb\xbfdata: 1\n\n", ["1"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\n", []),
        (b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n", ["1"]),
        (b"\xef\xbb\xbf\n\ndata: 1\n\n", ["1"]),
        (b"\xef\xbbdata: 1\n\n", []),
    ],
    ids=["at the beginning", "twice", "later", "alone", "cut"],
)
def test_byte_order_mark(stream: bytes, expected: list[str]) -> None:
    assert [event.data for event in parse(stream)] == expected
    assert [event.data for event in parse(stream, *range(1, len(stream)))] == expected


def test_id_stays_until_another_one() -> None:
    parser = EventParser()
    stream = b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid\ndata: d\n\n"
    assert [event.id for event in parser.feed(stream)] == ["1", "1", "2", ""]
    assert parser.last_event_id == ""


def test_id_with_nul_is_ignored() -> None:
    assert told(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n") == [("message", "a", "1"), ("message", "b", "1")]


def test_id_counts_from_the_end_of_its_event_on() -> None:
    parser = EventParser(last_event_id="0")
    assert (list(parser.feed(b"id: 1\ndata: a\n")), parser.last_event_id) == ([], "0")
    assert (list(parser.feed(b"\n")), parser.last_event_id) == ([ServerSentEvent("a", id="1")], "1")
    assert (list(parser.feed(b"id: 2\n\n")), parser.last_event_id) == ([], "2")  # without data it counts too


def test_stream_that_continues_another_has_its_id() -> None:
    assert parse(b"data: a\n\n", last_event_id="7") == [ServerSentEvent("a", id="7")]


def test_type_is_for_one_event() -> None:
    assert told(b"event: a\n\nevent: b\nevent: c\ndata\n\ndata\n\nevent\ndata\n\n") == [
        ("c", "", ""),
        ("message", "", ""),
        ("message", "", ""),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"3000", 3000),
        (b"0", 0),
        (b"007", 7),
        (b"", None),
        (b"-1", None),
        (b"+1", None),
        (b"1.5", None),
        (b"1 ", None),
        (b" 1", None),
        (b"1000x", None),
        (b"1_000", None),
        ("\u0661".encode(), None),
    ],
)
def test_retry_is_digits_only(value: bytes, expected: int | None) -> None:
    parser = EventParser()
    assert list(parser.feed(b"retry:" + b" " + value + b"\ndata: a\n\ndata: b\n\n")) == [
        ServerSentEvent("a", retry=expected),
        ServerSentEvent("b"),
    ]
    assert parser.retry == expected


@pytest.mark.parametrize("digit", [b"9", b"0"])
def test_digits_without_end_are_a_number_nevertheless(digit: bytes) -> None:
    (event,) = parse(b"retry: " + digit * 100_000 + b"\ndata\n\n")
    assert event.retry == (10**MAX_DIGITS - 1 if digit == b"9" else 0)


def test_retry_counts_at_once() -> None:
    parser = EventParser()
    assert (list(parser.feed(b"retry: 5\n")), parser.retry) == ([], 5)


@pytest.mark.parametrize("line", [b"Data: 1", b" data: 1", b"data : 1", b"datas: 1", b"dat", b":data: 1", b"x" * 1000])
def test_other_fields_and_comments_are_ignored(line: bytes) -> None:
    assert told(line + b"\n\n" + b"data: 2\n" + line + b"\n\n") == [("message", "2", "")]


def test_incomplete_last_event_is_dropped() -> None:
    assert told(b"data: 1\n\ndata: 2\n") == [("message", "1", "")]
    assert told(b"data: 1\n\ndata: 2") == [("message", "1", "")]


def test_line_separators_of_unicode_end_no_line() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    assert told(f"data: {text}\n\n".encode()) == [("message", text, "")]


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert told(b"event: \xff\nid: \xe2\x82\ndata: a\xe2\x82\ndata: \xed\xa0\x80\n\n") == [
        ("\ufffd", "a\ufffd\n\ufffd\ufffd\ufffd", "\ufffd")
    ]


# -- properties


FRAGMENTS = st.sampled_from(
    [
        b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b":", b": ", b" ", b"data", b"data:", b"data: ", b"event: ", b"id: ", b"id",
        b"retry: ", b"retry:7", b"12", b"\0", b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\xe2\x82", b"\xac", b"\xff", b"x",
        "\u2028\u00e9".encode(), b"data: x\n\n", b"id: 5\r\ndata: y\r\n\r\n", b"event: z\rdata: 1\rdata: 2\r\r",
    ]
)  # fmt: skip
STREAMS = st.lists(FRAGMENTS | st.binary(max_size=4), max_size=30).map(b"".join)


@given(STREAMS, st.data())
def test_parser_agrees_with_the_standard_wherever_the_bytes_are_cut(stream: bytes, data: st.DataObject) -> None:
    expected = Standard(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    parser = EventParser()
    edges = [0, *cuts, len(stream)]
    events = [event for start, end in itertools.pairwise(edges) for event in parser.feed(stream[start:end])]
    assert [(event.event, event.data, event.id) for event in events] == expected.events
    assert (parser.last_event_id, parser.retry) == (expected.last_event_id_string, expected.reconnection_time)


@given(STREAMS)
def test_each_byte_alone_gives_the_same_events(stream: bytes) -> None:
    assert parse(stream, *range(1, len(stream))) == parse(stream)


@given(STREAMS, st.integers(1, 12), st.integers(1, 12), st.data())
def test_limits_hold_wherever_the_bytes_are_cut(
    stream: bytes, max_line: int, max_event: int, data: st.DataObject
) -> None:
    def outcome(cuts: list[int]) -> tuple[list[ServerSentEvent], str | None]:
        parser = EventParser(max_line=max_line, max_event=max_event)
        events: list[ServerSentEvent] = []
        edges = [0, *cuts, len(stream)]
        try:
            for start, end in itertools.pairwise(edges):
                for event in parser.feed(stream[start:end]):
                    events.append(event)  # noqa: PERF402  # those before the error are kept
        except EventTooLarge as error:
            return events, str(error)
        return events, None

    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    events, error = outcome(cuts)
    assert (events, error) == outcome([])
    assert all(len(event.data.encode()) <= 3 * max_event for event in events)  # a byte becomes one character at most


# -- limits


@pytest.mark.parametrize("field", [b"data: ", b": ", b"unknown: ", b""], ids=["data", "comment", "unknown", "no field"])
def test_line_without_end_exceeds_the_limit_before_it_ends(field: bytes) -> None:
    parser = EventParser(max_line=1000)
    with pytest.raises(EventTooLarge, match="a line of the event stream has more than max_line=1000 bytes"):
        feed_again(parser, field + b"x" * 100, 20)


def test_event_of_many_lines_exceeds_the_limit() -> None:
    parser = EventParser(max_event=1000)
    with pytest.raises(EventTooLarge, match="the data of an event has more than max_event=1000 bytes"):
        feed_again(parser, b"data\n", 2000)


def test_events_before_one_that_is_too_large_are_not_lost() -> None:
    parser = EventParser(max_event=3)
    events = parser.feed(b"data: 1\n\ndata: 2\n\ndata: 3333\n\n")
    assert [next(events).data, next(events).data] == ["1", "2"]
    with pytest.raises(EventTooLarge):
        next(events)


def test_limits_include_what_they_name() -> None:
    assert len(parse(b"data: 123\n\n", max_line=9, max_event=3)) == 1
    assert len(parse(b"data: 1\ndata: 2\n\n", max_event=3)) == 1
    for options in ({"max_line": 8}, {"max_event": 2}):
        with pytest.raises(EventTooLarge):
            parse(b"data: 123\n\n", **options)


def test_zero_is_no_limit() -> None:
    (event,) = parse(b"data: " + b"x" * (17 << 20) + b"\n\n", max_line=0, max_event=0)
    assert len(event.data) == 17 << 20


@pytest.mark.parametrize("name", ["max_line", "max_event"])
@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), ("1", TypeError), (True, TypeError), (None, TypeError)])
def test_limits_are_checked(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{name}= takes"):
        EventParser(**{name: value})


def test_long_line_in_small_pieces_takes_linear_time() -> None:
    parser = EventParser()
    feed_again(parser, b"x" * 16, 1 << 16)  # in quadratic time 32 GiB would be copied


# -- an event


def test_json_of_an_event() -> None:
    event = ServerSentEvent('{"a": [1, 2.5]}')
    assert event.json() == {"a": [1, 2.5]}
    assert event.json(parse_float=str) == {"a": [1, "2.5"]}
    with pytest.raises(json.JSONDecodeError):
        ServerSentEvent("[DONE]").json()


def test_json_uses_the_decoder_of_the_parser() -> None:
    (event,) = parse(b"data: 1\n\n", json_decoder=lambda text: ("decoded", text))
    assert event.json() == ("decoded", "1")
    assert event == ServerSentEvent("1")
