"""Read and write files of cookies in one of two formats; a file is replaced as a whole."""

import os
from collections.abc import Iterable
from typing import Literal

from . import json_format, netscape_format
from .cookie import Cookie

Format = Literal["json", "netscape"]


def save(cookies: Iterable[Cookie], path: str | os.PathLike[str], format: Format) -> None:
    """Write cookies to the file `path`. Raises ValueError for an unknown format."""
    if format == "json":
        text = json_format.dump(cookies)
    elif format == "netscape":
        text = netscape_format.dump(cookies)
    else:
        raise ValueError(f"format is 'json' or 'netscape', not {format!r}")
    _replace(path, text.encode("utf-8", "surrogateescape"))


def load(path: str | os.PathLike[str]) -> list[Cookie]:
    """Return the cookies of a file, unchecked: the jar checks them. A file that begins with a brace is JSON.

    Raises:
        ValueError: the file has neither format. The message says where, without any of its text.
    """
    with open(path, "rb") as file:
        text = file.read().decode("utf-8-sig", "surrogateescape")
    read = json_format.parse if text.lstrip().startswith("{") else netscape_format.parse
    try:
        return read(text)
    except ValueError as error:
        reason = str(error)
    # Outside of the except clause, so that the parser's error, which holds the text, is not the context of this one.
    raise ValueError(f"{os.fspath(path)}: {reason}")


def _replace(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` beside `path` and rename it, so that a crash leaves the old file or the new one; mode 0600."""
    import tempfile

    target = os.path.realpath(path)  # a link stays a link
    folder, name = os.path.split(target)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)  # made with mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
