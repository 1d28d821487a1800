"""A username with its password: checked, hidden from repr, and encoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A username and a password.

    encoding: in which they are sent if the server does not announce UTF-8 (RFC 7617 section 2.1, RFC 7616 section 4).
    UTF-8 is sent in normalization form C, as both documents ask.

    Raises:
        TypeError: one of them is not a str.
        ValueError: one holds a control character, or does not fit the encoding.
    """

    username: str
    password: str
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name, text in (("username", self.username), ("password", self.password)):
            if not isinstance(text, str):
                raise TypeError(f"{name}: expected a str, got {type(text).__name__}")
            if self.encoding == "utf-8" and text.isascii() and text.isprintable():  # as nearly all
                continue
            if any(character < " " or character == "\x7f" for character in text):
                raise ValueError(f"{name}: control characters are not allowed (a line end from a file?)")
            self._encoded(name, text, self.encoding)

    def octets(self, announces_utf8: bool = False) -> tuple[bytes, bytes]:
        """Return username and password as octets. announces_utf8: True overrules the encoding."""
        encoding = "utf-8" if announces_utf8 else self.encoding
        return self._encoded("username", self.username, encoding), self._encoded("password", self.password, encoding)

    def __repr__(self) -> str:
        return "Credentials(...)"  # the username too: many services take an API key in its place

    @staticmethod
    def _encoded(name: str, text: str, encoding: str) -> bytes:
        if not text.isascii() and encoding.lower() in ("utf-8", "utf8"):
            from unicodedata import normalize  # imported here, because that takes milliseconds, and few need it

            text = normalize("NFC", text)
        try:
            return text.encode(encoding)
        except UnicodeEncodeError:
            pass  # that error holds the whole text, so the one below is not chained to it
        raise ValueError(f"{name}: has characters outside {encoding}; give encoding='utf-8'")
