"""A stored response: its head and its times. Where its body is, the storage knows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from .cache_control import NONE, Directives, parse_directives
from .freshness import Fields, freshness_lifetime, initial_age

# Fields of one connection or one proxy, which are not stored (RFC 9111, section 3.1); those that Connection lists are not either.
NOT_STORED = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# What a 304 cannot change, because it describes the stored body (RFC 9111, section 3.2).
OF_THE_BODY = frozenset({"content-encoding", "content-length", "content-range"})
# Request fields whose lists have the same meaning in any case.
IGNORE_CASE = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language"})

Pairs = Sequence[tuple[str, bytes]]
# Fields that the decisions of a cache need. One search for all of them takes 1.5 us; to split a head into fields takes 4.
_KNOWN = re.compile(
    rb"\n(age|cache-control|content-length|content-location|date|etag|expires|last-modified|vary):([^\r\n]*)",
    re.IGNORECASE,
).findall
_BELONGS_TO_CONNECTION = re.compile(
    rb"\n(?:" + b"|".join(name.encode() for name in sorted(NOT_STORED)) + rb"):", re.IGNORECASE
).search


class StoredResponse:
    r"""The head of a response and its times. Once it is stored it is never changed; `renewed` returns another one.

    key: the URL that it answers, as `cache_key` writes it.
    vary: the names of the request fields that select it, in lower case and sorted. variant: a digest of their values in the
    request that it answered, "" without such fields. It is a digest because the values may be secrets.
    status, reason: of the response. lines: its fields as bytes, each `name: value` with CR LF. fields: the same as pairs of a
    name and the bytes of a value.
    requested_at, received_at: seconds since the epoch. size: of the body, in bytes.
    body: what the storage needs to find the body; bytes are the body itself.
    directives, lifetime: of the response, see `freshness_lifetime`. etag, last_modified: its validators, None = it has none.

    Example::

        from hookline_cache import StoredResponse

        fields = [("ETag", b'"1"'), ("Cache-Control", b"max-age=60")]
        stored = StoredResponse("http://127.0.0.1:8000/", (), "", 200, "OK", fields, 1000.0, 1001.0)
        print(stored.fields, stored.age(1010.0), stored.fields_at(1010.0), stored.has_validator)
        print(stored.with_body(5, b"hello").cost, stored.renewed(b'ETag: "1"\r\n', 1020.0, 1021.0).age(1030.0))
    """

    __slots__ = (
        "_fields", "_initial_age", "body", "directives", "etag", "key", "last_modified", "lifetime", "lines", "reason",
        "received_at", "requested_at", "size", "status", "variant", "vary",
    )  # fmt: skip

    def __init__(
        self,
        key: str,
        vary: Sequence[str],
        variant: str,
        status: int,
        reason: str,
        fields: Pairs | bytes,
        requested_at: float,
        received_at: float,
        size: int = 0,
        body: Any = b"",
        by_name: Fields | None = None,
        directives: Directives | None = None,
    ) -> None:
        """fields: pairs or lines. by_name, directives: of the fields; None = they are found here."""
        self.key, self.vary, self.variant = key, tuple(vary), variant
        self.status, self.reason = status, reason
        self.lines = fields if isinstance(fields, bytes) else lines_of(fields)
        self._fields: tuple[tuple[str, bytes], ...] | None = None
        self.requested_at, self.received_at = requested_at, received_at
        self.size, self.body = size, body
        if by_name is None:
            by_name = known_fields(self.lines)
        self.directives: Directives = directives_of(by_name) if directives is None else directives
        self.lifetime = freshness_lifetime(status, self.directives, by_name, received_at)
        self._initial_age = initial_age(by_name, requested_at, received_at)
        self.etag = first(by_name, "etag")
        self.last_modified = first(by_name, "last-modified")

    @property
    def fields(self) -> Pairs:
        """The fields, as pairs of a name and the bytes of a value."""
        if self._fields is None:
            self._fields = tuple(pairs_of(self.lines))
        return self._fields

    def age(self, now: float) -> float:
        """Return its age in seconds at this time, in seconds since the epoch (RFC 9111, section 4.2.3)."""
        return self._initial_age + max(0.0, now - self.received_at)

    def fields_at(self, now: float) -> list[tuple[str, str | bytes]]:
        """Return the fields to answer with, with the Age of this moment."""
        found: list[tuple[str, str | bytes]] = [pair for pair in self.fields if pair[0].lower() != "age"]
        found.append(("Age", str(int(self.age(now)))))
        return found

    @property
    def has_validator(self) -> bool:
        """True if the server can be asked whether it is still valid."""
        return self.etag is not None or self.last_modified is not None

    @property
    def cost(self) -> int:
        """About how many bytes it takes in a storage."""
        return self.size + len(self.lines) + len(self.key) + 500

    def with_body(self, size: int, body: Any) -> StoredResponse:
        """Return it with another body."""
        new = StoredResponse.__new__(StoredResponse)
        new.key, new.vary, new.variant = self.key, self.vary, self.variant
        new.status, new.reason, new.lines, new._fields = self.status, self.reason, self.lines, self._fields
        new.requested_at, new.received_at = self.requested_at, self.received_at
        new.directives, new.lifetime, new._initial_age = self.directives, self.lifetime, self._initial_age
        new.etag, new.last_modified = self.etag, self.last_modified
        new.size, new.body = size, body
        return new

    def renewed(self, lines: bytes, requested_at: float, received_at: float) -> StoredResponse:
        """Return it with the fields of a 304, or of a response to HEAD (RFC 9111, sections 3.2 and 4.3.4)."""
        new = [(name, value) for name, value in pairs_of(lines) if name.lower() not in OF_THE_BODY]
        replaced = {name.lower() for name, _ in new} | {"age"}
        kept = [(name, value) for name, value in self.fields if name.lower() not in replaced]
        return StoredResponse(
            self.key, self.vary, self.variant, self.status, self.reason, [*kept, *new],
            requested_at, received_at, self.size, self.body,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<StoredResponse {self.status}, {self.size} bytes>"


def storable_lines(head: bytes) -> bytes:
    """Return the lines of the fields of a head without those that belong to one connection.

    head: as `response.raw_head` has it.
    """
    lines = head[head.find(b"\n") + 1 : -2]
    if _BELONGS_TO_CONNECTION(head) is None:
        return lines
    pairs = pairs_of(lines)
    dropped = set(NOT_STORED)
    for name, value in pairs:
        if name.lower() == "connection":
            dropped |= {each.strip(" \t").lower() for each in value.decode("latin-1").split(",")}
    return lines_of([(name, value) for name, value in pairs if name.lower() not in dropped])


def lines_of(fields: Iterable[tuple[str, bytes]]) -> bytes:
    """Return fields as the lines of a head."""
    return b"".join([b"%b: %b\r\n" % (name.encode("latin-1"), value) for name, value in fields])


def pairs_of(lines: bytes) -> list[tuple[str, bytes]]:
    """Return the fields that lines hold, as pairs of a name and the bytes of a value."""
    found = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        found.append((name.decode("latin-1"), value.strip(b" \t")))
    return found


def known_fields(lines: bytes) -> Fields:
    """Return the values, as text, of those fields that a cache decides by: by their names in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in _KNOWN(b"\n" + lines):
        low, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        if low in found:
            found[low].append(text)
        else:
            found[low] = [text]
    return found


def directives_of(fields: Fields) -> Directives:
    """Return the directives of Cache-Control."""
    values = fields.get("cache-control")
    return NONE if values is None else parse_directives(values)


def first(fields: Fields, name: str) -> str | None:
    """Return the first value of a field; None if there is none."""
    values = fields.get(name)
    return values[0] if values else None


# -- Vary (RFC 9111, section 4.1)


def vary_names(fields: Fields) -> tuple[str, ...] | None:
    """Return the names that Vary lists, in lower case and sorted; None for "*", which no request matches."""
    values = fields.get("vary")
    if values is None:
        return ()
    names = {name.strip(" \t").lower() for value in values for name in value.split(",")} - {""}
    return None if "*" in names else tuple(sorted(names))


def variant_of(vary: Sequence[str], request_fields: Fields) -> str:
    """Return a digest of the values that a request has for these fields; "" without names.

    Lists that differ in whitespace, or are spread over several fields, are equal; some also if they differ in case.
    """
    if not vary:
        return ""
    digest = hashlib.sha256()
    for name in vary:
        values = request_fields.get(name)
        if values is None:
            digest.update(b"-")
            continue
        members = ",".join(member.strip(" \t") for member in ",".join(values).split(","))
        if name in IGNORE_CASE:
            members = members.lower()
        text = members.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%b" % (len(text), text))
    return digest.hexdigest()
