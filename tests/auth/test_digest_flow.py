"""Digest over several requests: nonces, counts, protection spaces, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from auth.peers import URL, DigestServer, PlainRequest, PlainResponse, parameters, run, run_async
from hookline_auth import BodyNotHashable, HTTPDigestAuth, ServerNotVerified
from hookline_auth.auth import advance
from hookline_auth.digest_flow import PROXY, digest_flow
from hookline_auth.protection_spaces import MAX_REALMS, MAX_SERVERS, MAX_SESSIONS


def me() -> HTTPDigestAuth:
    return HTTPDigestAuth("Mufasa", "Circle of Life")


def statuses(auth: HTTPDigestAuth, server: Callable[..., PlainResponse], url: str = URL) -> list[int]:
    return [response.status_code for response in run(auth, server, PlainRequest(url))]


@pytest.mark.parametrize(
    "server",
    [
        DigestServer(),
        DigestServer(hash_name="sha256", extra="algorithm=SHA-256, qop=auth"),
        DigestServer(hash_name="sha512", extra="algorithm=SHA-512, qop=auth"),
        DigestServer(hash_name="sha256", extra='algorithm=SHA-256-sess, qop="auth"', is_session=True),
        DigestServer(extra='algorithm="MD5-sess", qop="auth,auth-int"', is_session=True),
        DigestServer(extra='qop="auth-int"', qop="auth-int"),
        DigestServer(extra="", qop=None),
        DigestServer(realm="a, b = c"),
    ],
    ids=lambda server: server.extra or "RFC 2069",
)
def test_known_nonce_takes_one_round_trip(server: DigestServer) -> None:
    auth = me()

    assert statuses(auth, server) == [401, 200]
    for path in ("", "/other", "/?x=%20y"):
        assert statuses(auth, server, "http://service.example" + path) == [200]
    request = PlainRequest(method="POST", body=b"v=1&w=2")
    assert [r.status_code for r in run(auth, server, request)] == [200]
    assert "Authorization" not in request.headers


async def test_digest_runs_asynchronously_too() -> None:
    assert [r.status_code for r in await run_async(me(), DigestServer())] == [401, 200]


def test_sha_512_256_is_answered() -> None:
    try:
        server = DigestServer(hash_name="sha512_256", extra="algorithm=SHA-512-256, qop=auth")
        server.hash("")
    except ValueError:
        pytest.skip("this Python's OpenSSL does not offer SHA-512-256")

    assert statuses(me(), server) == [401, 200]


def test_wrong_password_gives_one_401_back_each_time() -> None:
    auth, server = HTTPDigestAuth("Mufasa", "wrong"), DigestServer()

    assert statuses(auth, server) == [401, 401]
    # And what was refused is not offered unasked: a server that counts failures sees one for each request.
    assert statuses(auth, server) == [401, 401]
    assert [answer is None for answer in server.seen] == [True, False, True, False]


def test_changed_password_gives_one_401_back() -> None:
    auth, server = me(), DigestServer()
    statuses(auth, server)
    server.password = "changed"

    assert statuses(auth, server) == [401, 401]
    assert statuses(auth, server) == [401, 401]


def test_stale_nonce_is_replaced_silently() -> None:
    auth, server = me(), DigestServer(uses=2)

    assert [statuses(auth, server) for _ in range(5)] == [[401, 200], [200], [401, 200], [200], [401, 200]]
    answers = [answer for answer in server.seen if answer]
    assert [int(answer["nc"], 16) for answer in answers] == [1, 2, 3, 1, 2, 3, 1]


def test_nonce_forgotten_without_saying_stale_is_replaced() -> None:
    auth, server = me(), DigestServer(uses=2, says_stale=False)

    assert [statuses(auth, server) for _ in range(3)] == [[401, 200], [200], [401, 200]]


def test_server_that_always_says_stale_does_not_loop() -> None:
    server = DigestServer(uses=0)

    assert statuses(me(), server) == [401, 401, 401]


def test_stale_with_the_same_nonce_does_not_loop() -> None:
    value = 'Digest realm="r", nonce="n", qop="auth", stale=true'
    auth = me()

    assert statuses(auth, lambda _: PlainResponse(401, [("WWW-Authenticate", value)])) == [401, 401]
    later = PlainRequest()
    run(auth, lambda _: PlainResponse(200), later)
    assert not later.sent()


@pytest.mark.parametrize("says_stale", ["", ", stale=true"])
def test_server_with_endless_realms_and_nonces_does_not_loop(says_stale: str) -> None:
    numbers = iter(range(1000))

    def server(_: PlainRequest) -> PlainResponse:
        number = next(numbers)
        value = f'Digest realm="r{number}", nonce="n{number}", qop="auth"{says_stale}'
        return PlainResponse(401, [("WWW-Authenticate", value)])

    auth = me()
    for _ in range(10):
        assert len(statuses(auth, server)) <= 3


def test_memory_is_bounded_whatever_the_servers_say() -> None:
    auth = me()
    numbers = iter(range(100_000))

    def server(_: PlainRequest) -> PlainResponse:
        number = next(numbers)
        value = f'Digest realm="r{number}", nonce="n{number}", qop="auth"'
        return PlainResponse(401, [("WWW-Authenticate", value)])

    for _ in range(300):
        run(auth, server)
    for number in range(300):
        run(auth, server, PlainRequest(f"http://h{number}.example/"))

    servers = auth.protection_spaces.servers
    assert len(servers) == MAX_SERVERS
    assert all(len(sessions.current) <= MAX_REALMS for sessions in servers.values())
    assert all(len(sessions.known) <= MAX_SESSIONS for sessions in servers.values())


def test_next_nonce_is_used_from_count_one() -> None:
    auth, server = me(), DigestServer(nextnonce=True)

    assert [statuses(auth, server) for _ in range(4)] == [[401, 200], [200], [200], [200]]
    answers = [answer for answer in server.seen if answer]
    assert [(answer["nonce"], answer["nc"]) for answer in answers] == [(f"nonce-{n}", "00000001") for n in (1, 2, 3, 4)]
    assert len({answer["cnonce"] for answer in answers}) == 4


def test_next_nonce_that_injects_a_field_is_ignored() -> None:
    auth, server = me(), DigestServer()
    run(auth, server)

    def evil(_: PlainRequest) -> PlainResponse:
        return PlainResponse(200, [("Authentication-Info", 'nextnonce="\\\r\\\nX-Evil: 1"')])

    run(auth, evil)
    assert statuses(auth, server) == [200]


def test_concurrent_requests_never_share_a_count() -> None:
    auth, server = me(), DigestServer()
    statuses(auth, server)
    requests = [PlainRequest() for _ in range(20)]
    flows = [auth.flow(request) for request in requests]
    for flow in flows:
        advance(flow)

    answers = [parameters(request.sent()["Authorization"]) for request in requests]

    assert {answer["nonce"] for answer in answers} == {"nonce-1"}
    assert [int(answer["nc"], 16) for answer in answers] == list(range(2, 22))
    assert {server(request).status_code for request in reversed(requests)} == {200}


@pytest.mark.parametrize(
    "nonces", [["n"] * 20, [f"n{number % 3}" for number in range(20)], [f"n{n}" for n in range(20)]]
)
def test_concurrent_first_requests_never_share_a_count(nonces: list[str]) -> None:
    auth = me()
    requests = [PlainRequest() for _ in nonces]
    flows = [auth.flow(request) for request in requests]
    for flow in flows:
        advance(flow)
    sent = []
    for flow, request, nonce in zip(flows, requests, nonces, strict=True):
        assert "Authorization" not in request.sent()
        challenge = ("WWW-Authenticate", f'Digest realm="r", nonce="{nonce}", qop="auth"')
        advance(flow, PlainResponse(401, [challenge], request=request))
        sent.append(parameters(request.sent()["Authorization"]))

    assert [answer["nonce"] for answer in sent] == nonces
    assert len({(answer["nonce"], answer["nc"]) for answer in sent}) == 20
    assert len({answer["cnonce"] for answer in sent}) == len(set(nonces))
    assert all(len(answer["cnonce"]) == 32 for answer in sent)


def test_credentials_are_not_offered_to_another_origin() -> None:
    auth, server = me(), DigestServer()
    statuses(auth, server)

    for url in ("https://service.example/", "http://service.example:81/", "http://evil.example/"):
        seen: list[str | None] = []

        def evil(request: PlainRequest, seen: list[str | None] = seen) -> PlainResponse:
            seen.append(request.sent().get("Authorization"))
            return PlainResponse(200)

        run(auth, evil, PlainRequest(url))
        assert seen == [None]


def test_challenge_from_another_origin_is_not_answered() -> None:
    request = PlainRequest()
    flow = me().flow(request)
    advance(flow)
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
    elsewhere = PlainResponse(401, [challenge], request=PlainRequest("http://evil.example/"))

    assert advance(flow, elsewhere) is None
    assert "Authorization" not in request.sent()


def test_domain_limits_the_space() -> None:
    auth = me()
    server = DigestServer(extra='qop=auth, domain="/private /api http://service.example/abs //x http://evil.example/"')

    assert statuses(auth, server) == [401, 200]
    for path, expected in (("/private/x", [200]), ("/abs?y", [200]), ("/public", [401, 200]), ("/x", [401, 200])):
        assert statuses(auth, server, "http://service.example" + path) == expected
    seen: list[bool] = []

    def evil(request: PlainRequest) -> PlainResponse:
        seen.append("Authorization" in request.sent())
        return PlainResponse(200)

    run(auth, evil, PlainRequest("http://evil.example/"))
    assert seen == [False]


def test_two_realms_of_one_origin_keep_their_nonces() -> None:
    auth = me()
    first = DigestServer(realm="one", extra='qop=auth, domain="/one"')
    second = DigestServer(realm="two", extra='qop=auth, domain="/two"')

    def server(request: PlainRequest) -> PlainResponse:
        return (first if "/one" in request.url else second)(request)

    paths = ["/one", "/two", "/one/a", "/two/b", "/one"]
    found = [statuses(auth, server, "http://service.example" + path) for path in paths]
    assert found == [[401, 200], [401, 200], [200], [200], [200]]


def test_another_realms_challenge_is_answered_after_an_unasked_answer() -> None:
    auth, first, second = me(), DigestServer(realm="one"), DigestServer(realm="two")
    statuses(auth, first)

    def server(request: PlainRequest) -> PlainResponse:
        value = request.sent().get("Authorization", "")
        return second(request) if 'realm="two"' in value else second.challenge()

    assert statuses(auth, server) == [401, 200]


def test_other_schemes_are_left_alone() -> None:
    assert statuses(me(), lambda _: PlainResponse(401, [("WWW-Authenticate", 'Basic realm="x"')])) == [401]
    assert statuses(me(), lambda _: PlainResponse(401)) == [401]
    assert statuses(me(), lambda _: PlainResponse(407, [("Proxy-Authenticate", "Digest realm=a, nonce=b")])) == [407]


def test_streamed_body_is_answered_with_auth() -> None:
    request = PlainRequest(method="POST", body=iter([b"x"]))

    run(me(), lambda _: DigestServer().challenge(), request)

    assert parameters(request.sent()["Authorization"])["qop"] == "auth"


@pytest.mark.parametrize("kind", ["iterator", "async"])
def test_streamed_body_under_auth_int_is_an_error(kind: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    request = PlainRequest(method="POST", body=iter([b"x"]) if kind == "iterator" else chunks())

    with pytest.raises(BodyNotHashable, match="auth-int"):
        run(me(), DigestServer(extra="qop=auth-int", qop="auth-int"), request)


def test_proxy_is_answered_in_its_own_fields() -> None:
    auth = me()
    proxy = ("http", "proxy.example", 3128)
    request = PlainRequest("https://service.example/", method="CONNECT")
    flow = digest_flow(auth, request, PROXY, proxy, "service.example:443")
    advance(flow)
    fields = [
        ("WWW-Authenticate", 'Digest realm="evil", nonce="evil"'),
        ("Proxy-Authenticate", 'Digest realm="p", nonce="n", qop="auth", domain="/ignored"'),
    ]
    advance(flow, PlainResponse(407, fields, request=request))

    sent = parameters(request.unredirected_headers["Proxy-Authorization"])
    assert (sent["uri"], sent["realm"]) == ("service.example:443", "p")
    assert "Authorization" not in request.sent()

    advance(flow, PlainResponse(200, [("Proxy-Authentication-Info", 'nextnonce="m"')], request=request))
    again = PlainRequest("https://service.example/", method="CONNECT")
    advance(digest_flow(auth, again, PROXY, proxy, "service.example:443"))
    assert parameters(again.sent()["Proxy-Authorization"])["nonce"] == "m"
    # The same host as an origin is another server.
    plain = PlainRequest("http://proxy.example:3128/")
    advance(auth.flow(plain))
    assert not plain.sent()


def test_server_may_have_to_prove_itself() -> None:
    def auth() -> HTTPDigestAuth:
        return HTTPDigestAuth("Mufasa", "Circle of Life", verify_server=True)

    assert statuses(auth(), DigestServer(proof="right")) == [401, 200]
    assert (
        statuses(auth(), DigestServer(proof="right", is_session=True, extra="algorithm=MD5-sess, qop=auth"))[-1] == 200
    )
    assert statuses(auth(), DigestServer(proof="right", extra="qop=auth-int", qop="auth-int"))[-1] == 200
    for proof in (None, "0" * 32):
        with pytest.raises(ServerNotVerified, match="does not prove"):
            run(auth(), DigestServer(proof=proof))


@pytest.mark.parametrize("status", [301, 404, 500])
def test_redirects_and_errors_need_no_proof_but_no_wrong_one_either(status: int) -> None:
    auth, server = HTTPDigestAuth("Mufasa", "Circle of Life", verify_server=True), DigestServer(proof="right")
    run(auth, server)

    assert statuses(auth, lambda _: PlainResponse(status)) == [status]
    with pytest.raises(ServerNotVerified, match="does not prove"):
        run(auth, lambda _: PlainResponse(status, [("Authentication-Info", 'rspauth="0"')]))


def test_server_without_proof_is_taken_by_default() -> None:
    assert statuses(me(), DigestServer(proof="0" * 32)) == [401, 200]


def test_exhausted_count_begins_a_new_nonce() -> None:
    auth, server = me(), DigestServer()
    statuses(auth, server)
    (sessions,) = auth.protection_spaces.servers.values()
    (session,) = sessions.current.values()
    session.count = 0xFFFF_FFFF

    assert statuses(auth, server) == [401, 200]
