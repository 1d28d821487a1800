"""The options of the plugin, and their checks."""

from __future__ import annotations

import re
from typing import Any

ENGINES = ("ngh2", "h2")  # the preferred one first: it is twenty times as fast
PRIOR_KNOWLEDGE = "prior-knowledge"
# A member of the dictionary (RFC 9651): u= and i= of RFC 9218, section 4, or what extensions add, with parameters.
_OWN = r"u=[0-7]|i(?:=\?[01])?"
_OTHER = r"(?![ui](?:[=;]|$))[a-z*][a-z0-9_.*-]*(?:=[!-+\--:<-~]+)?"
_MEMBER = rf"(?:{_OWN}|{_OTHER})(?:;[!-+\--~]+)*"


def as_http2(value: Any) -> Any:
    """Check `http2=`: True, or "prior-knowledge".

    Raises: ValueError.
    """
    if value is True or value == PRIOR_KNOWLEDGE:
        return value
    raise ValueError(
        f"takes True (where TLS offers it) or {PRIOR_KNOWLEDGE!r}, not {value!r};"
        " version='HTTP/1.1' or disable=['http2'] switches HTTP/2 off"
    )


def as_engine(value: Any) -> str:
    """Check `http2_engine=`: the name of a library that is installed.

    Raises: ValueError.
    """
    if value not in ENGINES:
        raise ValueError(f"takes {' or '.join(map(repr, ENGINES))}, not {value!r}")
    from importlib.util import find_spec  # imported here, because most clients name no engine

    if find_spec(value) is None:
        how = "pip install 'hookline-http2[h2]'" if value == "h2" else f"pip install {value}, where it has wheels"
        raise ValueError(f"{value!r} is not installed: {how}")
    return str(value)


def as_ping_interval(value: Any) -> float:
    """Check `http2_ping_interval=`: more than 0 seconds.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"takes seconds, or None for no PING, not {type(value).__name__}")
    if not 0 < value < float("inf"):
        raise ValueError(f"takes more than 0 seconds, or None for no PING, not {value}")
    return float(value)


def as_priority(value: Any) -> str:
    """Return the value of the field Priority: an urgency from 0 (first) to 7 as an int, or a text such as "u=1, i".

    Raises: TypeError, ValueError.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= 7:
            raise ValueError(f"takes an urgency from 0 (first) to 7, not {value}")
        return f"u={value}"
    if not isinstance(value, str):
        raise TypeError(f"takes an urgency from 0 to 7, or a text such as 'u=1, i', not {type(value).__name__}")
    members = [member.strip(" ") for member in value.split(",")]
    if not all(re.fullmatch(_MEMBER, member) for member in members):
        raise ValueError(f"takes an urgency from 0 to 7, or a text such as 'u=1, i', not {value[:40]!r}")
    return ", ".join(members)
