"""Answer the Digest challenges of an origin server or of a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hookline import field_octets

from .challenges import is_quotable, parse_challenges, parse_parameters
from .credentials import Credentials
from .digest_answer import answer, is_server_verified
from .digest_challenge import DigestChallenge, strongest_challenge
from .errors import ServerNotVerified
from .messages import body_bytes, set_field
from .protection_spaces import DigestSession, ProtectionSpaces
from .url_parts import Origin, origin

if TYPE_CHECKING:
    from .auth import Flow
    from .interfaces import Request, Response


class ServerRole(NamedTuple):
    """The role in which a server asks for credentials: its status code and its field names (RFC 9110 section 11).

    challenge: the field with the challenges. credentials: the field with our answer. info: the field with what the server
    says after it has accepted one.
    """

    status_code: int
    challenge: str
    credentials: str
    info: str


ORIGIN = ServerRole(401, "WWW-Authenticate", "Authorization", "Authentication-Info")
PROXY = ServerRole(407, "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info")


class DigestAuth(Protocol):
    """What a flow needs of an HTTPDigestAuth, which is above this module: it runs the flow."""

    credentials: Credentials
    verify_server: bool

    @property
    def protection_spaces(self) -> ProtectionSpaces: ...


class _Answer(NamedTuple):
    """An answer that was sent: the session with its nonce, and the nonce count."""

    session: DigestSession
    nc: int


def digest_flow(
    auth: DigestAuth, request: Request, role: ServerRole, server: Origin, target: str, *, is_asked: bool = False
) -> Flow:
    """Answer the challenges that a server sends in this role.

    At most one fresh challenge and one stale nonce are answered: a wrong password gives one 401 back, and no server keeps
    the flow going.

    server: scheme, host and port of the origin or the proxy. target: the request target as it is sent. is_asked: True =
    the request was sent before the flow began, and the first response is the one to that request.

    Raises:
        BodyNotHashable: the server insists on auth-int, and the body is streamed.
        ServerNotVerified: see HTTPDigestAuth.
    """
    spaces = auth.protection_spaces
    session = None if is_asked else spaces.find((role.credentials, server), target)
    may_answer = {False: True, True: True}  # by the challenge's `stale`
    while True:
        sent = _send(auth, request, role, target, session) if session else None
        response = yield request
        if role is ORIGIN and origin(response.request.url) != server:
            return
        if response.status_code != role.status_code:
            if sent and not response.is_stored:  # a stored response proves, and says, nothing about this exchange
                _check_accepted(auth, response, role, target, sent)
            return
        challenge = strongest_challenge(parse_challenges(field_values(response, role.challenge)))
        repeats = sent is not None and challenge is not None and _is_same(challenge, sent.session.challenge)
        if sent and (repeats or _is_refusal(challenge, sent.session.challenge)):
            spaces.forget(sent.session)  # later requests do not begin with this nonce
        if challenge is None or repeats or not may_answer[challenge.stale]:
            return
        may_answer[challenge.stale] = False
        session = spaces.enter((role.credentials, server), challenge)


def field_values(response: Response, name: str) -> list[bytes]:
    """Return the values of all fields of that name as the octets that came: some go back to the server, or into a hash."""
    return [field_octets(value) for value in response.headers.getall(name, [])]


def _send(auth: DigestAuth, request: Request, role: ServerRole, target: str, session: DigestSession) -> _Answer:
    """Set the field with the answer."""
    sent = _Answer(session, session.take_count())
    value = answer(
        session.challenge, request.method, target, body_bytes(request), auth.credentials, sent.nc, session.cnonce
    )
    set_field(request, role.credentials, value)
    return sent


def _check_accepted(auth: DigestAuth, response: Response, role: ServerRole, target: str, sent: _Answer) -> None:
    """Read the response to an answer that the server accepted: check its proof, and take over the next nonce.

    Raises:
        ServerNotVerified: the proof is wrong, or is missing from a 2xx response.
    """
    session, nc = sent
    info = parse_parameters(field_values(response, role.info))
    if auth.verify_server and (200 <= response.status_code < 300 or "rspauth" in info):
        entity = response.content if session.challenge.qop == "auth-int" else None
        if not is_server_verified(info, session.challenge, target, entity, auth.credentials, nc, session.cnonce):
            raise ServerNotVerified("the response does not prove that the server knows the password")
    nextnonce = info.get("nextnonce", "")
    if nextnonce and nextnonce != session.challenge.nonce and is_quotable(nextnonce):
        auth.protection_spaces.renew(session, nextnonce)


def _is_refusal(challenge: DigestChallenge | None, answered: DigestChallenge) -> bool:
    """Say whether the server refused an answer for another reason than the age of its nonce."""
    return challenge is None or (challenge.realm == answered.realm and not challenge.stale)


def _is_same(challenge: DigestChallenge, answered: DigestChallenge) -> bool:
    """Say whether the server repeats the challenge that was just answered: it would refuse the next answer as well."""
    return (challenge.realm, challenge.nonce, challenge.hash_name) == (
        answered.realm,
        answered.nonce,
        answered.hash_name,
    )
