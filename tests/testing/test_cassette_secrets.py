"""Attacks on what a cassette keeps: whatever OAuth calls a secret stands in none, wherever in an exchange it is."""

import json
from urllib.parse import quote

import pytest

from hookline import HttpClient
from hookline_testing import Cassette, NotRecorded
from hookline_testing.cassette.redaction import NAMES
from hookline_testing.server import ScriptedServer, response

SECRET = "s3cret.Value-1"
FORM = "application/x-www-form-urlencoded"
MOST = [
    "oauth_token", "oauth_token_secret", "oauth_signature", "oauth_verifier", "code", "device_code", "user_code", "assertion",
    "access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "password", "code_verifier", "token",
    "subject_token", "actor_token", "id_token_hint", "logout_token",
]  # fmt: skip


def recorded_all(path, answers, asks, **options):
    """The text of a cassette of exchanges; the recorded responses, and the replayed ones."""
    with ScriptedServer() as server:
        server.answer(*answers)
        url = server.url("/x")
        with Cassette(path, **options), HttpClient() as client:
            live = [ask(client, url) for ask in asks]
    with Cassette(path, record="none", **options) as cassette, HttpClient() as client:
        replayed = [ask(client, url) for ask in asks]
        assert cassette.unused == []
    return path.read_text(), live, replayed


def recorded(path, answer, ask, **options):
    """The same of one exchange."""
    text, live, replayed = recorded_all(path, [answer], [ask], **options)
    return text, live[0], replayed[0]


def request_of(kind, name):
    """A call that sends a secret of this name."""
    pairs = {"grant_type": "x", name: SECRET, "last": "1"}
    deep = {"list": [{"in": {name.upper(): SECRET}}], "url": f"https://h.test/cb?{name}={SECRET}"}
    return {
        "query": lambda client, url: client.get(url, params=pairs),
        "query_in_capitals": lambda client, url: client.get(f"{url}?{name.upper()}={SECRET}"),
        "query_escaped": lambda client, url: client.get(f"{url}?{name.replace('_', '%5f').replace('c', '%63')}={SECRET}"),
        "fragment": lambda client, url: client.get(f"{url}#{name}={SECRET}"),
        "url_in_a_query": lambda client, url: client.get(url, params={"next": f"https://h.test/cb?a=1&{name}={SECRET}"}),
        "form": lambda client, url: client.post(url, data=pairs),
        "form_of_a_file": lambda client, url: client.post(
            url, data=iter([f"a=\u00e9&{name}={SECRET}".encode()]), headers={"Content-Type": f"{FORM}; charset=utf-8"}
        ),
        "form_without_a_type": lambda client, url: client.post(url, data=f"a=1&{name}={SECRET}"),
        "json": lambda client, url: client.post(url, json=pairs),
        "deep_json": lambda client, url: client.post(url, json=deep),
        "json_without_a_type": lambda client, url: client.post(url, data=json.dumps(pairs)),
        "json_lines": lambda client, url: client.post(url, data=f'{json.dumps(pairs)}\n{{"{name}" : "{SECRET}"}}\n'),
        "multipart": lambda client, url: client.post(url, data=pairs, files={"f": b"x"}),
        "field": lambda client, url: client.get(url, headers={"Authorization": f'OAuth a="1", {name}="{SECRET}"'}),
        "proxy_field": lambda client, url: client.get(url, headers={"Proxy-Authorization": f'X {name}="{SECRET}"'}),
        "referer": lambda client, url: client.get(url, headers={"Referer": f"https://h.test/?{name}={SECRET}"}),
        "url_in_a_field": lambda client, url: client.get(url, headers={"X-To": f"https://h.test/?{name}={SECRET}"}),
    }[kind]  # fmt: skip


def get(client, url):
    return client.get(url)


REQUESTS = [
    "query", "query_in_capitals", "query_escaped", "fragment", "url_in_a_query", "form", "form_of_a_file",
    "form_without_a_type", "json", "deep_json", "json_without_a_type", "json_lines", "multipart", "field", "proxy_field",
    "referer", "url_in_a_field",
]  # fmt: skip


@pytest.mark.parametrize("kind", REQUESTS)
def test_attack_secret_of_oauth_in_a_request(tmp_path, kind):
    text, *_ = recorded_all(
        tmp_path / "x.har", [response(b"ok")] * len(MOST), [request_of(kind, name) for name in MOST]
    )
    assert SECRET not in text
    assert quote(SECRET, safe="") not in text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{{"{0}": "{1}", "n": 1}}', "application/json"),
        ('{{"{0}": "{1}"}}', "application/json; charset=utf-8"),
        ('{{"{0}": "{1}"}}', "application/token+json"),
        (' {{"{0}": "{1}"}}', "text/plain"),
        ('[{{"{0}": "{1}"}}]', "text/javascript"),
        ('{{"a": 1, "{0}": "{1}', "application/json"),
        ('{{"{0}": "{1}", "{0}": 5}}', "application/json"),
        ('{{"a": 1}}\n{{"{0}": "{1}"}}', "application/x-ndjson"),
        ('data: {{"{0}": "{1}"}}\n\n', "text/event-stream"),
        ('{{"to": "https://h.test/cb?{0}={1}#{0}={1}"}}', "application/json"),
        ("a=1&{0}={1}&b=2", FORM),
        ("a=1&{0}={1}", "text/plain; charset=utf-8"),
        ("{0}={1}&a=1\n", "text/html"),
        ("{0}={1}", ""),
    ],
    ids=[
        "json", "json_with_a_charset", "json_of_its_own", "json_as_text", "json_as_script", "json_cut", "json_twice",
        "json_lines", "events", "url_in_json", "form", "form_as_text", "form_as_html", "form_without_a_type",
    ],
)  # fmt: skip
def test_attack_secret_of_oauth_in_the_body_of_a_response(tmp_path, body, content_type):
    fields = [("Content-Type", content_type)] if content_type else []
    answers = [response(body.format(name, SECRET).encode(), headers=fields) for name in MOST]
    text, live, replayed = recorded_all(tmp_path / "x.har", answers, [get] * len(MOST))
    assert SECRET not in text
    assert all(SECRET in answer.text for answer in live)
    assert all("REDACTED" in answer.text for answer in replayed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Location", "https://h.test/cb?a=1&{0}={1}&state=x"),
        ("Location", "/cb?{0}={1}"),
        ("Location", "https://h.test/#{0}={1}"),
        ("Location", "https://h.test/?next=https%3A%2F%2Fh.test%2F%3F{0}%3D{1}"),
        ("Content-Location", "/cb?{0}={1}"),
        ("Link", '</a?x=1>; rel="next", </cb?{0}={1}>; rel="first"'),
        ("Refresh", "0; url=/cb?{0}={1}"),
        ("Refresh", "0;URL='https://h.test/cb?{0}={1}'"),
        ("X-Continue", "https://h.test/cb?{0}={1}"),
    ],
    ids=["url", "path", "fragment", "nested", "content", "link", "refresh", "refresh_quoted", "any"],
)
def test_attack_secret_of_oauth_in_a_field_of_a_response(tmp_path, field, value):
    answers = [response(b"", 200, [(field, value.format(name, SECRET))]) for name in MOST]
    text, live, replayed = recorded_all(tmp_path / "x.har", answers, [get] * len(MOST))
    assert SECRET not in text
    for before, after in zip(live, replayed, strict=True):
        assert after.headers[field] == before.headers[field].replace(SECRET, "REDACTED")


def test_what_only_looks_like_a_secret_is_kept(tmp_path):
    body = {"state": "open", "code": 404, "error": {"code": 7}, "code_challenge": "c", "client_id": "me", "tokens": 12}
    answer = response(json.dumps(body).encode(), headers=[("Content-Type", "application/json")])
    text, _, replayed = recorded(
        tmp_path / "x.har", answer, lambda client, url: client.get(url, params={"state": "s", "nonce": "n"})
    )
    assert replayed.json() == body
    assert "state=s&nonce=n" in text


def test_bodies_without_secrets_are_kept_to_the_byte(tmp_path):
    bodies = [
        b"{ not json",
        b"[1,  2]",
        b"a = b",
        b"x=1&y=%zz",
        b"\x00\xff{",
        b"[" * 100_000,
        b'{"a":1e400}',
        b"=" * 1000,
    ]
    _, live, replayed = recorded_all(tmp_path / "x.har", map(response, bodies), [get] * len(bodies))
    assert [answer.content for answer in live] == [answer.content for answer in replayed] == bodies


def test_keep_names_what_is_no_secret_here(tmp_path):
    answer = response(b'{"code": "not_found", "password": "s3cret"}', headers=[("Content-Type", "application/json")])
    text, _, replayed = recorded(
        tmp_path / "x.har", answer, lambda client, url: client.get(url, params={"code": "fr"}), keep=["Code"]
    )
    assert replayed.json() == {"code": "not_found", "password": "REDACTED"}
    assert "code=fr" in text
    with pytest.raises(TypeError, match="keep= takes a list of names"):
        Cassette(tmp_path / "y.har", keep="code")


def test_redact_goes_before_keep(tmp_path):
    text, *_ = recorded(
        tmp_path / "x.har", response(), lambda client, url: client.get(url, params={"code": SECRET}),
        keep=["code"], redact=["code"],
    )  # fmt: skip
    assert SECRET not in text


def test_cassette_that_was_recorded_with_fewer_names_is_still_replayed(tmp_path):
    path = tmp_path / "x.har"

    def ask(client, url):
        return client.post(url, params={"pin": "1"}, data={"pin": "2"}).content, client.post(
            url, json={"pin": "3"}
        ).content

    with ScriptedServer() as server:
        server.answer(response(b"form"), response(b"json"))
        url = server.url("/x")
        with Cassette(path), HttpClient() as client:
            ask(client, url)
    with Cassette(path, record="none", redact=["pin"]), HttpClient() as client:
        assert ask(client, url) == (b"form", b"json")


def test_what_is_not_recorded_is_told_without_secrets(tmp_path):
    path = tmp_path / "x.har"
    recorded(path, response(), get)
    with Cassette(path, record="none"), HttpClient() as client, pytest.raises(NotRecorded) as caught:
        client.post("http://127.0.0.1:1/token", params={"code": SECRET}, data={"device_code": SECRET})
    assert SECRET not in str(caught.value)


def test_names_are_in_lower_case():
    assert {name.lower() for name in NAMES} == NAMES
    assert set(MOST) <= NAMES
