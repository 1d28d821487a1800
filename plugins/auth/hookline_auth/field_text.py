"""Field text: a str that stands for the octets of a field as UTF-8.

An octet that is no UTF-8 is a lone surrogate (PEP 383). So a realm or nonce goes back to the server, and into a
hash, as the octets that came.
"""


def octets(text: str) -> bytes:
    """The octets that field text stands for."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # surrogates that stand for no octet; any answer is as good


def field_text(data: bytes) -> str:
    """The field text that stands for octets."""
    return data.decode("utf-8", "surrogateescape")
