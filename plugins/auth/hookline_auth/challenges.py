"""Read challenges and parameters from authentication fields, by the grammar of RFC 9110 section 11.

Whatever a peer sends is read without an exception, in linear time, into a result of bounded size: each regular expression
below is possessive, so that it reads every character a fixed number of times, and what does not fit the grammar is skipped
up to the next comma outside quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .field_text import field_text

MAX_FIELD = 65_536  # characters; a longer field is ignored whole, since a cut one could show half a nonce
MAX_CHALLENGES = 64  # over all fields; real servers send one to five
MAX_PARAMETERS = 64  # of one challenge; Digest defines nine

_GAP = re.compile(r"[ \t\r\n,]*+")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")
_EQUALS = re.compile(r"[ \t]*+=[ \t]*+")
_SPACES = re.compile(r"[ \t]++")
_TOKEN68 = re.compile(r"[0-9A-Za-z\-._~+/]++=*+(?=[ \t]*+(?:,|\Z))")
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_UNQUOTED = re.compile(r'[^ \t\r\n,"]*+')  # wider than a token: servers leave out the quotes around /, @, :
_JUNK = re.compile(r'(?:[^,"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))*+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

FieldText = str | bytes


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge. The scheme and the names of the parameters are in lower case, the values are unquoted.

    A parameter that occurs twice, which RFC 9110 section 11.2 forbids, has its first value. A parameter whose quoted
    string does not end is left out.

    Example::

        from hookline_auth import Challenge

        print(Challenge("basic", params={"realm": "r"}) == Challenge("basic", None, {"realm": "r"}))
    """

    scheme: str
    token68: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(fields: FieldText | Iterable[FieldText]) -> list[Challenge]:
    """Return the challenges in values of WWW-Authenticate or Proxy-Authenticate, in their order.

    No challenge goes on from one field value to the next. Nothing that a peer can send raises an exception.

    Example::

        from hookline_auth import parse_challenges

        for challenge in parse_challenges('Basic realm="r", Digest realm="r", nonce="n"'):
            print(challenge.scheme, challenge.params)
    """
    found: list[Challenge] = []
    for text in _texts(fields):
        _scan(text, found, None)
    return found


def parse_parameters(fields: FieldText | Iterable[FieldText]) -> dict[str, str]:
    """Return the parameters in values of (Proxy-)Authentication-Info (RFC 9110 section 11.6.3), names in lower case."""
    params: dict[str, str] = {}
    for text in _texts(fields):
        _scan(text, [], params)
    return params


def quoted_string(text: str) -> str:
    """Return text as a quoted-string.

    Raises:
        ValueError: text holds a control character, such as a line end, behind which another field could begin.
    """
    if _FORBIDDEN.search(text):
        raise ValueError("a quoted string of a header field cannot hold control characters")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_quotable(text: str) -> bool:
    """Say whether quoted_string accepts text."""
    return not _FORBIDDEN.search(text)


def _texts(fields: FieldText | Iterable[FieldText]) -> Iterable[str]:
    for value in (fields,) if isinstance(fields, str | bytes) else fields:
        if len(value) <= MAX_FIELD:
            yield field_text(value) if isinstance(value, bytes) else value


def _scan(text: str, found: list[Challenge], params: dict[str, str] | None) -> None:
    """Append the challenges of one field to found; params takes the parameters that stand before any scheme."""
    at = 0
    while True:
        gap = _end(_GAP, text, at)
        separated = at == 0 or "," in text[at:gap]
        at = gap
        if at == len(text):
            return
        if token := _TOKEN.match(text, at):
            if equals := _EQUALS.match(text, token.end()):
                value, at = _value(text, equals.end())
                if value is not None and params is not None and len(params) < MAX_PARAMETERS:
                    params.setdefault(token[0].lower(), value)
                continue
            if separated:  # a scheme follows only after a comma: in `realm=two words`, "words" is not a scheme
                if len(found) == MAX_CHALLENGES:
                    return
                params = {}
                token68, at = _token68(text, token.end())
                found.append(Challenge(token[0].lower(), token68, params))
                continue
        at = _end(_JUNK, text, at)


def _token68(text: str, at: int) -> tuple[str | None, int]:
    if (spaces := _SPACES.match(text, at)) and (token68 := _TOKEN68.match(text, spaces.end())):
        return token68[0], token68.end()
    return None, at


def _value(text: str, at: int) -> tuple[str | None, int]:
    if not text.startswith('"', at):
        end = _end(_UNQUOTED, text, at)
        return text[at:end], end
    if quoted := _QUOTED.match(text, at):
        return _ESCAPED.sub(r"\1", quoted[1]) if "\\" in quoted[1] else quoted[1], quoted.end()
    return None, len(text)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
