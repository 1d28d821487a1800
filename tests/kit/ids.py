"""Names of test cases that are the same in each process, so that tests can run in parallel."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"<(?:function )?(\S.*?)(?: object)? at 0x[0-9a-f]+>")


def words(value: object) -> str:
    """A value as it is written in Python, an object without its address: `<object object at 0x7f>` is `object`."""
    return _ADDRESS.sub(r"\1", ascii(value))
