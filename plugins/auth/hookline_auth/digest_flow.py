"""Answer one side of an exchange by Digest: the origin's challenges, or a proxy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hookline import field_octets

from .challenges import is_quotable, parse_challenges, parse_parameters
from .digest_answer import DigestChallenge, answer, proves_itself, strongest
from .digest_spaces import Session
from .errors import ServerNotVerified
from .flows import Flow, Request, Response, body_bytes, set_field
from .targets import Origin, origin

if TYPE_CHECKING:
    from .digest import HTTPDigestAuth


class Side(NamedTuple):
    """The status and the fields with which an origin, or a proxy, asks and is answered."""

    status_code: int
    challenge: str
    credentials: str
    info: str


ORIGIN = Side(401, "WWW-Authenticate", "Authorization", "Authentication-Info")
PROXY = Side(407, "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info")


class _Sent(NamedTuple):
    session: Session
    nc: int


def conversation(
    auth: HTTPDigestAuth, request: Request, side: Side, place: Origin, target: str, *, is_asked: bool = False
) -> Flow:
    """Answer one side. place is the origin's or the proxy's; target is the request target as sent.

    is_asked: the request was sent before this began, and its response is what comes first.

    At most one fresh challenge and one stale nonce are answered, so a wrong password gives one 401 back and no
    server keeps the flow going.

    Raises:
        BodyNotHashable: the server insists on auth-int and the body is streamed.
        ServerNotVerified: see HTTPDigestAuth.
    """
    spaces = auth.spaces
    session = None if is_asked else spaces.find((side.credentials, place), target)
    may_answer = {False: True, True: True}  # by "is the challenge stale"
    while True:
        sent = _send(auth, request, side, target, session) if session else None
        response = yield request
        if side is ORIGIN and origin(response.request.url) != place:
            return
        if response.status_code != side.status_code:
            if sent:
                _conclude(auth, response, side, target, sent)
            return
        challenge = strongest(parse_challenges(octets_of(response, side.challenge)))
        repeats = sent is not None and challenge is not None and _is_same(challenge, sent.session.challenge)
        if sent and (repeats or _is_refusal(challenge, sent.session.challenge)):
            spaces.forget(sent.session)  # do not offer this again unasked
        if challenge is None or repeats or not may_answer[challenge.stale]:
            return
        may_answer[challenge.stale] = False
        session = spaces.enter((side.credentials, place), challenge)


def octets_of(response: Response, name: str) -> list[bytes]:
    """The values of all fields of that name, as the octets that came: they go back to the server, and into a hash."""
    return [field_octets(value) for value in response.headers.getall(name, [])]


def _send(auth: HTTPDigestAuth, request: Request, side: Side, target: str, session: Session) -> _Sent:
    sent = _Sent(session, session.take_count())
    value = answer(
        session.challenge, request.method, target, body_bytes(request), auth.credentials, sent.nc, session.cnonce
    )
    set_field(request, side.credentials, value)
    return sent


def _conclude(auth: HTTPDigestAuth, response: Response, side: Side, target: str, sent: _Sent) -> None:
    """Take what the response to an accepted answer says."""
    session, nc = sent
    info = parse_parameters(octets_of(response, side.info))
    if auth.verify_server and (200 <= response.status_code < 300 or "rspauth" in info):
        entity = response.content if session.challenge.qop == "auth-int" else None
        if not proves_itself(info, session.challenge, target, entity, auth.credentials, nc, session.cnonce):
            raise ServerNotVerified("the response does not prove that the server knows the password")
    nextnonce = info.get("nextnonce", "")
    if nextnonce and nextnonce != session.challenge.nonce and is_quotable(nextnonce):
        auth.spaces.renew(session, nextnonce)


def _is_refusal(challenge: DigestChallenge | None, answered: DigestChallenge) -> bool:
    """Say whether the server turned an answer down for more than the age of its nonce."""
    return challenge is None or (challenge.realm == answered.realm and not challenge.stale)


def _is_same(challenge: DigestChallenge, answered: DigestChallenge) -> bool:
    """Say whether the server asks for what it was just given: another answer would be refused as well."""
    return (challenge.realm, challenge.nonce, challenge.hash_name) == (
        answered.realm,
        answered.nonce,
        answered.hash_name,
    )
