"""Charsets: from the labels that peers use to the text codecs of Python."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from functools import lru_cache

_LABEL = re.compile(r"[a-z0-9][a-z0-9._:+-]{0,63}").fullmatch

# The labels of the WHATWG Encoding Standard (section 4.2, names and labels) that Python does not know, or for which Python
# has a smaller codec than the standard and all browsers: gb2312 is decoded as gb18030, Shift_JIS as cp932, and so on.
# Python has no "x-user-defined" and "replacement"; no server needs these, so they count as unknown.
_LABELS = {f"x-cp{page}": f"cp{page}" for page in range(1250, 1259)}
_LABELS |= {f"iso8859{part}": f"iso8859-{part}" for part in (*range(1, 11), 13, 14, 15)}
_LABELS |= {
    label: codec
    for codec, labels in {
        "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
        "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
        "utf-16-be": "unicodefffe",
        "iso8859-6": "csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i",
        "iso8859-7": "sun_eu_greek",
        "iso8859-8": "csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i logical visual",
        "iso8859-15": "csisolatin9",
        "koi8-r": "koi koi8",
        "koi8-u": "koi8-ru",
        "mac-roman": "csmacintosh mac x-mac-roman",
        "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
        "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
        "gb18030": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
        "big5hkscs": "big5 cn-big5 csbig5 x-x-big5",
        "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
        "cp932": "csshiftjis ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
        "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
    }.items()
    for label in labels.split()
}

# Text codecs of Python that are not charsets of HTTP. punycode, idna and (line by line) UTF-7 take quadratic time, the
# escapes are those of Python's source code, and the others depend on the machine or always fail.
_NO_CHARSETS = frozenset({
    "charmap", "idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7",
})  # fmt: skip


@lru_cache(64)
def codec_of(label: str) -> str | None:
    """Return the name of Python's text codec for a charset; None for a label that is malformed, unknown or not a charset.

    A label that Python knows is returned itself, unless the Encoding Standard has a larger codec for it.
    """
    label = label.strip(" \t\n\f\r").lower()
    if label in _LABELS:
        return _LABELS[label]
    if not _LABEL(label):
        return None
    try:
        name = codecs.lookup(label).name
        # Codecs with two or more bytes per character raise this for a single byte; so does punycode, from Python 3.13 on.
        with suppress(UnicodeDecodeError):
            b" ".decode(label)  # raises a LookupError for codecs that are not text, such as zlib
    except (LookupError, UnicodeError):
        return None
    return None if name.replace("_", "-") in _NO_CHARSETS else label


def check_charset(label: str) -> str:
    """Return the codec for a charset that the user set.

    Raises: LookupError, if the charset is unknown.

    Example::

        from hookline import check_charset

        print(check_charset("latin1"), check_charset("x-sjis"))
    """
    codec = codec_of(label)
    if codec is None:
        raise LookupError(f"unknown charset {label[:80]!r}")
    return codec
