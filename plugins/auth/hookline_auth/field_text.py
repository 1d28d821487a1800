"""Field text: the octets of a field as a str.

Octets are decoded as UTF-8, and an octet that is not UTF-8 becomes a lone surrogate (PEP 383). So a realm or a nonce goes
back to the server, and into a hash, as the octets that came.
"""


def octets(text: str) -> bytes:
    """Return the octets of field text."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # surrogates that stand for no octet: no octets would be right


def field_text(data: bytes) -> str:
    """Return octets as field text."""
    return data.decode("utf-8", "surrogateescape")
