"""Write pairs of name and value as the value of a Cookie field; refuse pairs that a server would read differently."""

import re
from collections.abc import Callable, Iterable, Mapping

from .cookie import CookieRefused, shown

_bad_name: Callable[[str], re.Match[str] | None] = re.compile(r"[\x00-\x1f\x7f;=]").search
_bad_value: Callable[[str], re.Match[str] | None] = re.compile(r"[\x00-\x1f\x7f;]").search


def check_pair(name: str, value: str) -> None:
    """Refuse a name or value that would not arrive unchanged.

    These are refused: control characters (a line break would begin another field), `;` (it would begin another cookie), `=`
    in a name, spaces at either end (the receiver cuts them off), an empty name, and surrogates that stand for no octet.
    Everything else is sent unchanged: browsers send spaces, commas and quotes too, and quoting would change the value.

    Raises:
        CookieRefused: the message has the name and the reason, never the value.
        TypeError: one of the two is not a str.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a cookie is a str, not {type(name).__name__}")
    if not isinstance(value, str):
        raise TypeError(f"cookie {shown(name)}: the value is a str, not {type(value).__name__}")
    if not name:
        raise CookieRefused("a cookie needs a name")
    if _bad_name(name) is not None:
        raise CookieRefused(f"cookie {shown(name)}: the name has a control character, ';' or '='")
    if _bad_value(value) is not None:
        raise CookieRefused(f"cookie {shown(name)}: the value has a control character or ';'")
    if name.strip(" ") != name or value.strip(" ") != value:
        raise CookieRefused(f"cookie {shown(name)}: the name or the value begins or ends with a space")
    if not (_is_sendable(name) and _is_sendable(value)):
        raise CookieRefused(f"cookie {shown(name)}: the name or the value has a surrogate that stands for no octet")


def _is_sendable(text: str) -> bool:
    if not text.isascii():
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return False
    return True


def render_pairs(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Return the value of a Cookie field, `a=1; b=2`, in the order given; empty if there are no pairs.

    Raises:
        CookieRefused: a name or value cannot be sent (see `check_pair`).
        TypeError: a name or value is not a str.

    Example::

        from hookline_cookies import render_pairs

        print(render_pairs({"a": "1", "b": "2"}))
    """
    rendered = []
    for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        check_pair(name, value)
        rendered.append(f"{name}={value}")
    return "; ".join(rendered)
