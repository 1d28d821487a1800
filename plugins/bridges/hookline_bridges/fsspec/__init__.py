"""Files of HTTP servers for fsspec, and for the libraries that open files through it: pandas, pyarrow, dask, xarray."""

from __future__ import annotations

import fsspec

from .errors import FileChanged, RangeError
from .filesystem import HooklineFileSystem

__all__ = ["FileChanged", "HooklineFileSystem", "RangeError", "register"]


def register() -> None:
    """Let fsspec open every URL of http and https with Hookline from now on, in this process.

    File systems that were made before stay as they are. Importing this package alone changes nothing.

    Example: docs/bridges/fsspec.md#fsspec
    """
    for protocol in HooklineFileSystem.protocol:
        fsspec.register_implementation(protocol, HooklineFileSystem, clobber=True)
