"""Basic credentials, and how usernames and passwords are held."""

from __future__ import annotations

from base64 import b64decode

import pytest

from auth.peers import PlainRequest, PlainResponse, run
from hookline_auth import BearerAuth, HTTPBasicAuth, HTTPDigestAuth, SubRequest
from hookline_auth.auth_option import as_auth
from hookline_auth.basic import basic_value, from_userinfo
from hookline_auth.credentials import Credentials

SECRET = "hunter2-hunter2"


def test_basic_sends_the_credentials_for_this_hop_only() -> None:
    request = PlainRequest()

    run(HTTPBasicAuth("Aladdin", "open sesame"), lambda _: PlainResponse(200), request)

    assert request.unredirected_headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert "Authorization" not in request.headers


def test_basic_takes_the_place_of_a_field_of_the_users() -> None:
    request = PlainRequest()
    request.headers.add("authorization", "mine")
    request.headers.add("Authorization", "mine too")

    run(HTTPBasicAuth("a", "b"), lambda _: PlainResponse(200), request)

    assert request.sent().getall("Authorization") == ["Basic YTpi"]


def test_basic_gives_a_refusal_back() -> None:
    assert [r.status_code for r in run(HTTPBasicAuth("a", "b"), lambda _: PlainResponse(401))] == [401]


def test_basic_normalizes_utf8() -> None:
    composed, decomposed = HTTPBasicAuth("J\u00e4", "\u00e9"), HTTPBasicAuth("Ja\u0308", "e\u0301")

    assert composed.value == decomposed.value
    assert b64decode(composed.value.removeprefix("Basic ")).decode() == "J\u00e4:\u00e9"


def test_basic_follows_an_announced_charset() -> None:
    credentials = Credentials("test", "123\u00a3", "latin-1")

    assert basic_value(credentials) == "Basic dGVzdDoxMjOj"
    assert basic_value(credentials, announces_utf8=True) == "Basic dGVzdDoxMjPCow=="


def test_colon_in_the_username_does_not_move_into_the_password() -> None:
    with pytest.raises(ValueError, match="colon"):
        HTTPBasicAuth("user:admin", "x")


@pytest.mark.parametrize("text", ["a\n", "a\r\nX-Evil: 1", "\x00", "\x7f"])
@pytest.mark.parametrize("make", [HTTPBasicAuth, HTTPDigestAuth])
def test_control_characters_do_not_inject_fields(make: type[HTTPBasicAuth] | type[HTTPDigestAuth], text: str) -> None:
    for username, password in ((text, "x"), ("x", text)):
        with pytest.raises(ValueError, match="control characters"):
            make(username, password)


def test_text_outside_the_encoding_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="outside latin-1") as caught:
        Credentials("user", SECRET + "\u3042", "latin-1")

    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("value", [123456, b"hunter2"])
def test_other_types_are_refused_without_showing_them(value: object) -> None:
    with pytest.raises(TypeError, match="expected a str") as caught:
        Credentials("user", value)  # type: ignore[arg-type]  # what a caller without a type checker does

    assert repr(value) not in str(caught.value)


@pytest.mark.parametrize(
    "owner",
    [
        Credentials(SECRET, SECRET),
        HTTPBasicAuth(SECRET, SECRET),
        HTTPDigestAuth(SECRET, SECRET),
        BearerAuth(SECRET),
        as_auth((SECRET, SECRET)),
        SubRequest("POST", f"https://{SECRET}@x/", (("Authorization", SECRET),), SECRET.encode()),
    ],
    ids=lambda owner: type(owner).__name__,
)
def test_secrets_never_appear_in_repr(owner: object) -> None:
    assert "hunter2" not in repr(owner)
    assert "hunter2" not in str(owner)
    assert "hunter2" not in f"{[owner]}"


def test_equal_credentials_are_one_key() -> None:
    assert (
        len({HTTPBasicAuth("a", "b"), HTTPBasicAuth("a", "b"), HTTPDigestAuth("a", "b"), HTTPDigestAuth("a", "b")}) == 2
    )
    assert HTTPBasicAuth("a", "b") != HTTPBasicAuth("a", "c")
    assert HTTPDigestAuth("a", "b") != HTTPDigestAuth("a", "b", verify_server=True)


@pytest.mark.parametrize("make", [HTTPBasicAuth, HTTPDigestAuth])
def test_username_and_password_can_be_read(make: type[HTTPBasicAuth] | type[HTTPDigestAuth]) -> None:
    auth = make("a", "b")

    assert (auth.username, auth.password) == ("a", "b")


def test_pairs_become_basic() -> None:
    assert as_auth(("a", "b")) == HTTPBasicAuth("a", "b")
    assert as_auth(["a", "b"]) == HTTPBasicAuth("a", "b")
    auth = HTTPDigestAuth("a", "b")
    assert as_auth(auth) is auth


def test_callables_stay_as_they_are() -> None:
    assert as_auth(print) is print


@pytest.mark.parametrize("value", [None, "user:password", ("a", "b", "c"), 5])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="auth= takes a pair"):
        as_auth(value)


@pytest.mark.parametrize(
    ("userinfo", "expected"),
    [
        ("", None),
        (":", None),
        ("us%40er:p%3Aw%C3%A4", HTTPBasicAuth("us@er", "p:w\u00e4")),
        ("token", HTTPBasicAuth("token", "")),
        (":x", HTTPBasicAuth("", "x")),
        ("a:%FF", HTTPBasicAuth("a", "\u00ff", encoding="latin-1")),
    ],
)
def test_userinfo_is_decoded(userinfo: str, expected: HTTPBasicAuth | None) -> None:
    assert from_userinfo(userinfo) == expected


@pytest.mark.parametrize("userinfo", ["a%3Ab:x", "a%0d%0ab:x", "a:%00"])
def test_userinfo_that_basic_cannot_carry_is_refused(userinfo: str) -> None:
    with pytest.raises(ValueError, match=r"colon|control"):
        from_userinfo(userinfo)
