"""Names of test cases that are the same in each process, so that tests can run in parallel."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"<(?:function )?(\S.*?)(?: object)? at 0x[0-9a-f]+>")


def words(value: object) -> str:
    """Return the repr of a value, without the addresses of objects: `object` for `<object object at 0x7f>`."""
    return _ADDRESS.sub(r"\1", ascii(value))
