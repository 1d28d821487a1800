"""A username with its password, kept out of repr and turned into octets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Hold a username and a password.

    encoding is what they are sent in where the server does not announce UTF-8 (RFC 7617 section 2.1, RFC 7616
    section 4). UTF-8 goes out in normalization form C, as both documents ask.

    Raises:
        TypeError: one of them is no str.
        ValueError: one holds a control character, or does not fit the encoding.
    """

    username: str
    password: str
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name, text in (("username", self.username), ("password", self.password)):
            if not isinstance(text, str):
                raise TypeError(f"{name}: expected a str, got {type(text).__name__}")
            if any(character < " " or character == "\x7f" for character in text):
                raise ValueError(f"{name}: control characters are not allowed (a line end from a file?)")
            self._encoded(name, text, self.encoding)

    def octets(self, announces_utf8: bool = False) -> tuple[bytes, bytes]:
        """Return username and password as octets."""
        encoding = "utf-8" if announces_utf8 else self.encoding
        return self._encoded("username", self.username, encoding), self._encoded("password", self.password, encoding)

    def __repr__(self) -> str:
        return "Credentials(...)"  # the username too: many services take an API key in its place

    @staticmethod
    def _encoded(name: str, text: str, encoding: str) -> bytes:
        if not text.isascii() and encoding.lower() in ("utf-8", "utf8"):
            from unicodedata import normalize  # here, because it takes milliseconds and few need it

            text = normalize("NFC", text)
        try:
            return text.encode(encoding)
        except UnicodeEncodeError:
            pass  # that exception carries the whole text, so it is not chained
        raise ValueError(f"{name}: has characters outside {encoding}; give encoding='utf-8'")
