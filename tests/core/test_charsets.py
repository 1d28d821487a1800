"""Labels of charsets: those of the Encoding Standard, malformed ones, and codecs that are not for text."""

import time

import pytest

from hookline import HttpClient
from hookline.messages.charset import check_charset, codec_of
from hookline_testing.server import response

pytestmark = pytest.mark.client(autoload=False)

# A text that each encoding of the standard can encode, and its labels (section 4.2 of the Encoding Standard).
STANDARD = {
    "utf-8": ("größer ☃", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8"),
    "cp866": ("Привет", "866 cp866 csibm866 ibm866"),
    "iso8859-2": (
        "Příliš",
        "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    ),
    "iso8859-3": (
        "Ĉirkaŭ",
        "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    ),
    "iso8859-4": (
        "ķēniņš",
        "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    ),
    "iso8859-5": (
        "Привет",
        "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    ),
    "iso8859-6": (
        "سلام",
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127"
        " iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    ),
    "iso8859-7": (
        "γειά",
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7"
        " iso_8859-7:1987 sun_eu_greek",
    ),
    "iso8859-8": (
        "שלום",
        "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8"
        " iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    ),
    "iso8859-10": ("ĩŋ", "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6"),
    "iso8859-13": ("ąžuolas", "iso-8859-13 iso8859-13 iso885913"),
    "iso8859-14": ("ŵyneb", "iso-8859-14 iso8859-14 iso885914"),
    "iso8859-15": ("€ œuf", "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9"),
    "iso8859-16": ("țară", "iso-8859-16"),
    "koi8-r": ("Привет", "cskoi8r koi koi8 koi8-r koi8_r"),
    "koi8-u": ("Привіт", "koi8-ru koi8-u"),
    "mac-roman": ("größer", "csmacintosh mac macintosh x-mac-roman"),
    "cp874": ("สวัสดี", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874"),
    "cp1250": ("Příliš", "cp1250 windows-1250 x-cp1250"),
    "cp1251": ("Привет", "cp1251 windows-1251 x-cp1251"),
    "cp1252": (
        "größer",
        "cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1"
        " windows-1252 x-cp1252",
    ),
    "ascii": ("plain", "ansi_x3.4-1968 ascii us-ascii"),
    "cp1253": ("γειά", "cp1253 windows-1253 x-cp1253"),
    "cp1254": (
        "ığdır",
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 windows-1254"
        " x-cp1254",
    ),
    "cp1255": ("שלום", "cp1255 windows-1255 x-cp1255"),
    "cp1256": ("سلام", "cp1256 windows-1256 x-cp1256"),
    "cp1257": ("ąžuolas", "cp1257 windows-1257 x-cp1257"),
    "cp1258": ("đường".replace("ườ", "o"), "cp1258 windows-1258 x-cp1258"),
    "mac-cyrillic": ("Привет", "x-mac-cyrillic x-mac-ukrainian"),
    "gbk": ("你好镕", "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk"),
    "gb18030": ("你好😀", "gb18030"),
    "big5": ("你好", "big5 big5-hkscs cn-big5 csbig5 x-x-big5"),
    "euc_jp": ("日本語", "cseucpkdfmtjapanese euc-jp x-euc-jp"),
    "iso2022_jp": ("日本語", "csiso2022jp iso-2022-jp"),
    "cp932": ("日本語①", "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis"),
    "cp949": (
        "안녕똠",
        "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
    ),
    "utf-16-be": ("größer", "unicodefffe utf-16be"),
    "utf-16-le": ("größer", "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le"),
}
LABELS = [(label, codec, text) for codec, (text, labels) in STANDARD.items() for label in labels.split()]
labels = pytest.mark.parametrize(("label", "codec", "text"), LABELS, ids=[label for label, _, _ in LABELS])

NONE = [
    "nonsense", "'utf-8'", "utf-8,", "utf 8", "utf-8\x01", "\xfc", "utf-8;", "=", "*", "x" * 5000, "x-user-defined",
    "punycode", "idna", "IDNA", "rot13", "rot_13", "base64", "base64_codec", "hex", "zlib", "bz2", "uu", "quopri",
    "unicode_escape", "unicode-escape", "raw_unicode_escape", "undefined", "charmap", "mbcs", "oem", "utf-7", "UTF7",
    "__init__", "aliases", "..", "os.path",
]  # fmt: skip
none = pytest.mark.parametrize("label", NONE, ids=ascii)


@labels
def test_labels_of_the_standard_are_known(label, codec, text):
    for written in (label, label.upper(), f" {label}\t"):
        found = codec_of(written)
        assert found is not None
        assert text.encode(codec).decode(found) == text


@none
def test_codec_that_is_not_a_charset_is_unknown(label):
    assert codec_of(label) is None
    with pytest.raises(LookupError):
        check_charset(label)


@pytest.mark.parametrize(("label", "codec"), [("x-sjis", "cp932"), ("gb2312", "gb18030"), ("Windows-874", "cp874")])
@pytest.mark.parametrize("quote", ["", '"'], ids=["unquoted", "quoted"])
async def test_response_is_decoded_by_the_label(client, scripted, label, codec, quote):
    text = "abc日本" if codec != "cp874" else "abcสวัสดี"
    fields = [("Content-Type", f"text/plain; charset={quote}{label}{quote}")]
    scripted.always(response(text.encode(codec), headers=fields))
    answer = await client.get(scripted.url())
    assert (answer.encoding, answer.text, answer.decode_content()) == (codec, text, text)


@none
@pytest.mark.parametrize("quote", ["", '"'], ids=["unquoted", "quoted"])
async def test_unknown_label_is_ignored(client, scripted, label, quote):
    field = f"charset={quote}{label}{quote}".encode("latin-1")
    kinds = (
        (b"text/plain", "größer"),
        (b"application/json", '["größer"]'),
        (b"application/x-www-form-urlencoded", "a=ü"),
    )
    for kind, text in kinds:
        body = text.encode()
        scripted.answer(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: %b;%b\r\n\r\n" % (len(body), kind, field) + body
        )
        answer = await client.get(scripted.url())
        if label not in ("utf-8,", "utf-8;", "utf 8"):  # their beginning is a known label
            assert answer.encoding is None
        assert answer.text == text
        assert answer.decode_content() in (text, ["größer"], [("a", "ü")])


@none
async def test_encoding_that_is_not_a_charset_is_an_error(client, scripted, label):
    scripted.answer(response(b"[1]", headers=[("Content-Type", "application/json")]))
    answer = await client.get(scripted.url())
    answer.encoding = label
    for read in (lambda: answer.text, answer.json, answer.decode_content):
        with pytest.raises(LookupError):
            read()
    answer.encoding = None
    assert answer.json() == [1]


@pytest.mark.parametrize("label", ["punycode", "idna", "utf-7"])
async def test_label_of_the_peer_cannot_choose_a_decoder_of_quadratic_time(client, scripted, label):
    body = b"+" + b"a" * 1_000_000  # punycode took minutes to decode it
    scripted.always(response(body, headers=[("Content-Type", f"text/plain; charset={label}")]))
    began = time.process_time()
    assert len((await client.get(scripted.url())).text) == len(body)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("label", ["", "utf-8", "utf8", "latin-1", "us-ascii", "nonsense", "x-sjis"])
@pytest.mark.parametrize("kind", ["application/json", "application/problem+json"])
async def test_json_may_begin_with_a_byte_order_mark(client, scripted, kind, label):
    fields = [("Content-Type", kind + (f"; charset={label}" if label else ""))]
    scripted.answer(response(b"\xef\xbb\xbf" + '{"a": "ü"}'.encode(), headers=fields))
    answer = await client.get(scripted.url())
    assert answer.json() == answer.decode_content() == {"a": "ü"}


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("", "utf-16"),
        ("utf-16", "utf-16"),
        ("utf-16le", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
        ("utf-32", "utf-32-le"),
    ],
)
async def test_json_in_utf_16_and_utf_32_may_begin_with_a_byte_order_mark(client, scripted, label, codec):
    body = '\ufeff{"a": "ü"}'.encode(codec) if codec != "utf-16" else '{"a": "ü"}'.encode(codec)
    fields = [("Content-Type", "application/json" + (f"; charset={label}" if label else ""))]
    scripted.answer(response(body, headers=fields))
    answer = await client.get(scripted.url())
    assert answer.json() == answer.decode_content() == {"a": "ü"}


async def test_json_decoder_of_the_user_gets_no_byte_order_mark(scripted):
    seen = []
    scripted.always(response(b"\xef\xbb\xbf[1]"))
    async with HttpClient(
        autoload=False, json_decoder=lambda data: seen.append(bytes(data, "utf-8") if isinstance(data, str) else data)
    ) as client:
        (await client.get(scripted.url())).json()
    assert seen == [b"[1]"]


async def test_invalid_json_after_a_byte_order_mark_is_an_error(client, scripted):
    scripted.always(response(b"\xef\xbb\xbf", headers=[("Content-Type", "application/json")]))
    with pytest.raises(ValueError, match="Expecting value"):
        (await client.get(scripted.url())).json()
