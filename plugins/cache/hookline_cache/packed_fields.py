"""The fields of a stored response as bytes, for storages that keep bytes."""

from __future__ import annotations

from .stored_response import StoredResponse


def pack_fields(stored: StoredResponse) -> bytes:
    """Return fields as bytes: the lines of a head."""
    return b"".join(b"%b: %b\r\n" % (name.encode("latin-1"), value) for name, value in stored.fields)


def unpack_fields(packed: bytes) -> list[tuple[str, bytes]]:
    """Return the fields that `pack_fields` has packed."""
    found = []
    for line in packed.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b": ")
        found.append((name.decode("latin-1"), value))
    return found
