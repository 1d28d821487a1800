"""What installed distributions offer: their entry points, read from their files.

Importing importlib.metadata (with csv, email, zipfile and more) takes 79 million instructions, core itself 139; and it reads
all groups of all distributions. So what it does is done here for what nearly every path consists of, folders: those of
`sys.path` in their order; in each the folders `*.dist-info` and `*.egg-info`; and of distributions of one name the first
alone, even when it has no entry points. Where anything else stands on the path (a zip file, an egg, a finder of somebody
else's), importlib.metadata itself is asked.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder

from .entry_point import EntryPoint, normalized

_OURS = b"[hookline"  # how the sections of all our groups begin
_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)  # as importlib.metadata has it


def entry_points(*groups: str) -> list[EntryPoint]:
    """The entry points of these groups, which are among our own."""
    folders = folders_on_path()
    if folders is None:
        return entry_points_by_importlib(groups)
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for folder, children in folders:
        for child in children:
            stem, _, kind = child.rpartition(".")
            if kind.lower() in ("dist-info", "egg-info"):
                name, _, version = stem.partition("-")
                if (key := normalized(name)) not in seen:
                    seen.add(key)
                    found += entry_points_in(os.path.join(folder, child), name, version, groups)
    return found


def folders_on_path() -> list[tuple[str, list[str]]] | None:
    """The folders of `sys.path`, and what is in them. None: there are distributions that are found in another way."""
    if any(hasattr(finder, "find_distributions") and finder is not PathFinder for finder in sys.meta_path):
        return None
    found = []
    for folder in map(str, sys.path):
        if folder.lower().endswith(".egg"):
            return None
        try:
            found.append((folder, os.listdir(folder or os.curdir)))
        except NotADirectoryError:
            return None
        except OSError:
            continue
    return found


def entry_points_in(place: str, name: str, version: str, groups: Sequence[str]) -> list[EntryPoint]:
    """The entry points of one distribution. name, version: what its folder is called, for one whose metadata are gone."""
    content = read(os.path.join(place, "entry_points.txt"))
    if _OURS not in content:
        return []
    points = [point for point in entries_of(text_of(content)) if point[0] in groups]
    if points:
        metadata = read(os.path.join(place, "METADATA")) or read(os.path.join(place, "PKG-INFO"))
        head, _, _ = text_of(metadata).partition("\n\n")
        fields = re.findall(r"(?im)^(name|version):(.*)$", head)
        stated = {field.lower(): value.strip() for field, value in reversed(fields)}
        name, version = stated.get("name", name), stated.get("version", version)
    return [EntryPoint(*point, name, version) for point in points]


def entries_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Group, name and value of each line of an entry_points.txt."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield group, name.strip(), value.strip()


def read(path: str) -> bytes:
    """The content of a file, b"" where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except _NO_FILE:
        return b""


def text_of(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")


def entry_points_by_importlib(groups: Sequence[str]) -> list[EntryPoint]:
    from importlib import metadata  # see above

    every = metadata.entry_points()
    return [
        EntryPoint(
            point.group,
            point.name,
            point.value,
            *(("?", "?") if point.dist is None else (point.dist.name, point.dist.version)),
        )
        for group in groups
        for point in every.select(group=group)
    ]
