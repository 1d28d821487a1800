"""Field blocks by hand (HPACK, RFC 7541). They keep no table, so that a block means the same wherever it is sent.

Nothing is checked: names may be empty or in upper case, values may have line ends, and indexes may be out of the tables.
"""

from __future__ import annotations

from collections.abc import Iterable


def encode_integer(value: int, bits: int, pattern: int = 0) -> bytes:
    """Return an integer (RFC 7541, section 5.1). bits: of its prefix, 1 to 8. pattern: the other bits of the first byte.

    Example::

        from hookline_testing.http2 import encode_integer

        print(encode_integer(1337, bits=5).hex())
    """
    most = (1 << bits) - 1
    if value < most:
        return bytes([pattern | value])
    found, value = bytearray([pattern | most]), value - most
    while value >= 128:
        found.append(value % 128 | 128)
        value //= 128
    found.append(value)
    return bytes(found)


def indexed(index: int) -> bytes:
    """Return a field of the tables. 1 to 61 are in the static one, 62 is the field that was added last; 0 is an error.

    Example::

        from hookline_testing.http2 import indexed

        print(indexed(8).hex())  # :status: 200
    """
    return encode_integer(index, 7, 0x80)


def literal(name: bytes | str | int, value: bytes | str, *, adds: bool = False, secret: bool = False) -> bytes:
    """Return a literal field, without Huffman coding.

    name: or the index of a field that has it. adds: to the dynamic table. secret: it is never to be indexed.

    Example::

        from hookline_testing.http2 import literal

        print(literal("x-name", "value", adds=True).hex())
    """
    bits, pattern = (6, 0x40) if adds else (4, 0x10 if secret else 0)
    if isinstance(name, int):
        return encode_integer(name, bits, pattern) + text(value)
    return bytes([pattern]) + text(name) + text(value)


def text(value: bytes | str) -> bytes:
    """Return a string literal (RFC 7541, section 5.2). A str is encoded in UTF-8."""
    data = value.encode() if isinstance(value, str) else value
    return encode_integer(len(data), 7) + data


def table_size(size: int) -> bytes:
    """Return a change of the size of the dynamic table, in bytes; RFC 7541 allows it at the beginning of a block.

    Example::

        from hookline_testing.http2 import table_size

        print(table_size(0).hex())
    """
    return encode_integer(size, 5, 0x20)


def field_block(fields: Iterable[tuple[bytes | str, bytes | str]]) -> bytes:
    """Return a block of literal fields, in this order.

    Example::

        from hookline_testing.http2 import field_block

        print(field_block([(":status", "200")]).hex())
    """
    return b"".join(literal(name, value) for name, value in fields)
