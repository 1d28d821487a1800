"""AWS Signature Version 4: the value of `auth=` that signs requests, and makes presigned URLs."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit

from hookline import HttpRequest, HttpResponse, Source, check_fields, split_url

from . import interfaces
from .canonical_request import (
    canonical_fields,
    canonical_path,
    canonical_query,
    canonical_request,
    encode,
    encode_path,
    encode_query,
    split_target,
)
from .chunked_payload import CHUNK, MIN_CHUNK, SignedChunks, encoded_length
from .credentials import Credentials, DefaultCredentials, Provider, as_credentials
from .errors import SigV4Error
from .renewed_credentials import GivenCredentials, RenewedCredentials
from .signature import EMPTY_DIGEST, Scheme, SigningKey, sign_chunk, sign_request, signing_key, timestamp

Payload = Literal["signed", "unsigned", "streamed"]

UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_EXPIRES = 7 * 24 * 3600  # seconds that a presigned URL may be good for
_DEFAULT_PORTS = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}
_HASHED_AT_ONCE = 64 * 1024  # bytes: in 50 to 150 us; a larger body is hashed between turns of the loop
_SKEW = 240.0  # seconds by which a clock may be wrong; services accept 300, S3 900
_BODIES = "sigv4_bodies"  # an attribute of signed requests: the body in chunks, and the one that the user gave

# Hop-by-hop fields (RFC 9110, section 7.6.1), and those that intermediaries answer or set anew: their signature would break.
UNSIGNED_FIELDS = frozenset({
    "authorization", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade", "via", "x-forwarded-for",
})  # fmt: skip
_SIGNED_FIELDS = frozenset({"host", "content-type", "content-md5", "content-encoding"})


class SigV4(interfaces.SigV4):
    """Sign requests to the origin of the user's URL with AWS Signature Version 4.

    service: its name in signatures, such as "s3", "execute-api" or "dynamodb". region: such as "eu-west-1"; None = that in
        AWS_REGION or AWS_DEFAULT_REGION.
    credentials: a Credentials, a tuple (access key, secret key[, token]), or a plain or async function that returns one of these;
        None = the environment, the profile, and botocore if it is installed, in this order.
    payload: how bodies are signed. "signed": by their digest, for which a file or another source is read before it is sent.
        "unsigned": not at all, which S3 allows. "streamed": chunk by chunk while they are sent (aws-chunked), for S3.
        None = "streamed" for sources of known length to S3, "signed" for all others.
        For one call, give the field X-Amz-Content-SHA256: a digest, UNSIGNED-PAYLOAD or STREAMING-AWS4-HMAC-SHA256-PAYLOAD.
    signed_headers: names of fields to sign beside Host, Content-Type, Content-MD5, Content-Encoding and all X-Amz-*.
    chunk_size: of a streamed payload, in bytes; at least 8192.
    clock: a function that returns seconds since 1970.

    Give it as `auth=` to a client or a request. One object may serve several clients and event loops. A pickled copy has the
    credentials that were given here, and asks providers anew.

    The class attributes are for subclasses, which sign for services with other words and rules.

    Raises: TypeError; ValueError.

    Example: docs/sigv4.md#aws-signatures
    """

    scheme = Scheme()
    token_name = "Security-Token"  # noqa: S105  # of the field for the token, without its prefix
    # Services whose paths are signed as they are sent, and that get the digest of the payload in a field.
    s3_services = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})

    def __init__(
        self,
        service: str,
        region: str | None = None,
        credentials: Credentials | tuple[str, str] | tuple[str, str, str | None] | Provider | None = None,
        *,
        payload: Payload | None = None,
        signed_headers: Iterable[str] = (),
        chunk_size: int = CHUNK,
        clock: Callable[[], float] = time.time,
    ) -> None:
        region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if region is None:
            raise ValueError("SigV4 needs a region: give region=, or set AWS_REGION")
        for name, word in (("service", service), ("region", region)):
            if not isinstance(word, str):
                raise TypeError(f"SigV4: {name} is a str, not {type(word).__name__}")
            if not word or encode(word) != word:
                raise ValueError(f"SigV4: {name}={word!r} is not a name of letters, digits, -, _, . and ~")
        if payload not in (None, "signed", "unsigned", "streamed"):
            raise ValueError(f"SigV4: payload={payload!r}; there are 'signed', 'unsigned', 'streamed' and None")
        if chunk_size < MIN_CHUNK:
            raise ValueError(f"SigV4: chunk_size={chunk_size}; S3 takes chunks of {MIN_CHUNK} bytes and more")
        if isinstance(signed_headers, str):
            raise TypeError("SigV4: signed_headers takes several names, not a str")
        self.service = service
        self.region = region
        self.payload = payload
        self.signed_headers = frozenset(name.lower() for name in signed_headers)
        wrong = self.signed_headers & UNSIGNED_FIELDS
        if wrong:
            raise ValueError(f"SigV4: {', '.join(sorted(wrong))} cannot be signed: intermediaries change it")
        self.chunk_size = chunk_size
        self.clock = clock
        self._offset = 0.0  # seconds that the clock of the service is ahead of ours
        self._credentials = RenewedCredentials(as_provider(credentials), clock)
        self._key: SigningKey | None = None

    # -- what subclasses may decide

    @property
    def follows_s3(self) -> bool:
        """True if the rules of S3 hold: paths are not normalized and not encoded twice, and each request states its digest."""
        return self.service in self.s3_services

    def signs_field(self, name: str) -> bool:
        """Say whether a field is signed. name: in lower case."""
        return (
            name in _SIGNED_FIELDS or name.startswith(self.scheme.field_prefix.lower()) or name in self.signed_headers
        )

    # -- requests of the user

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Sign a request, unless it goes to another origin, has an Authorization field of its own, or its URL is presigned.

        Returns what to await first, if credentials or the digest of the body are not known yet.

        Raises: SigV4Error; NoCredentials; what a provider of credentials raises; BodyNotRepeatable.

        Example::

            from hookline import HttpClient, HttpResponse
            from hookline_sigv4 import SigV4

            auth = SigV4("s3", "eu-west-1", ("AKIDEXAMPLE", "the-secret-key"))
            async with HttpClient() as client:
                request = client.build_request("GET", "http://127.0.0.1:8000/")
                if (needed := auth.apply(request)) is not None:
                    await needed
                print(request.has_header("Authorization"), auth.follows_s3, auth.signs_field("x-amz-date"))
                print(auth.learn_clock(HttpResponse.build(request, 403)))
                print(await auth.load())
        """
        restore_body(request)
        if request.has_left_origin or request.is_overruled("auth", "Authorization"):
            return None
        if f"{self.scheme.field_prefix}Signature=" in request.origin_form:
            return None  # two signatures of one request are refused
        credentials = self._credentials.current()
        payload = None if credentials is None else self._payload_at_once(request)
        if credentials is None or payload is None:
            return self._apply_later(request)
        self._sign(request, credentials, payload)
        return None

    async def _apply_later(self, request: HttpRequest) -> None:
        payload = self._payload_at_once(request) or (await request.digest("sha256")).hex()
        credentials = self._credentials.current() or await self._credentials.renew(request.client)
        self._sign(request, credentials, payload)

    def learn_clock(self, response: HttpResponse) -> bool:
        """Set the clock by the Date of a refusal, if it is more than four minutes off; True if the request can be sent again.

        Only over TLS, and once in a call: what a network without it says of the time would be signed.
        """
        request = response.request
        date = response.headers.get("date")
        if (
            date is None
            or response.is_built
            or request.cause == "auth"
            or not request.origin.tls
            or f"{self.scheme.field_prefix}Date" not in request.unredirected_headers
            or not request.can_be_sent
        ):
            return False
        try:
            offset = parsedate_to_datetime(date).timestamp() - self.clock()
        except (ValueError, OverflowError):
            return False
        if abs(offset - self._offset) <= _SKEW:
            return False
        self._offset = offset
        return True

    # -- presigned URLs

    def presign(self, method: str, url: str, *, expires: int = 3600, headers: Mapping[str, str] | None = None) -> str:
        """Return a URL with a signature in its query, which anybody may use with this method until it expires.

        expires: seconds, at most seven days; the credentials may expire before. headers: fields that whoever uses the URL has to
        send. The body is not signed for S3, and has to be empty for other services.

        Raises: InvalidURL; ValueError; SigV4Error, for a provider that is asynchronous and was not asked by `load` before;
        NoCredentials; what a provider raises.

        Example: docs/sigv4.md#presigned-urls
        """
        if not 1 <= expires <= MAX_EXPIRES:
            raise ValueError(f"SigV4: expires={expires}; a presigned URL is good for 1 to {MAX_EXPIRES} seconds")
        credentials = self._credentials.ask_at_once()
        parts = split_url(url)
        path, _, query = parts.target.partition("?")
        path = encode_path(path)
        authority = urlsplit(parts.url).netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, "//"))
        fields, names = canonical_fields(
            [
                ("host", authority),
                *((name, value) for name, value in check_fields(headers or {}) if value is not None),
            ]
        )
        time = self._now()
        day = time[:8]
        scope = self._scope(day)
        prefix = self.scheme.field_prefix
        parameters = {
            "Algorithm": self.scheme.algorithm,
            "Credential": f"{credentials.access_key}/{scope}",
            "Date": time,
            "Expires": str(expires),
            "SignedHeaders": names,
        }
        if credentials.token is not None:
            parameters[self.token_name] = credentials.token
        added = "&".join(f"{prefix}{name}={encode_literal(value)}" for name, value in parameters.items())
        query = "&".join(filter(None, (encode_query(query), added)))
        canonical = self._canonical(
            method.upper(), path, query, fields, names, UNSIGNED if self.follows_s3 else EMPTY_DIGEST
        )
        signature = sign_request(self.scheme, self._key_for(credentials, day), time, scope, canonical)
        return f"{parts.scheme}://{authority}{path}?{query}&{prefix}Signature={signature}"

    async def load(self) -> None:
        """Ask the provider for credentials now, if they are not known; for `presign`, which cannot wait.

        Raises: NoCredentials; what the provider raises.
        """
        await self._credentials.load()

    # -- signing

    def _sign(self, request: HttpRequest, credentials: Credentials, payload: str) -> None:
        """Add the signature, and the fields that it needs, to a request. payload: as `_payload_at_once` returns it.

        Raises: LocalProtocolError, for fields that HTTP cannot carry.
        """
        scheme = self.scheme
        prefix = scheme.field_prefix
        own = request.unredirected_headers
        time = own[f"{prefix}Date"] = self._now()
        if credentials.token is not None:
            own[f"{prefix}{self.token_name}"] = credentials.token
        scope = self._scope(time[:8])
        key = self._key_for(credentials, time[:8])
        chunks = None
        if payload == self._streamed:
            chunks = self._chunk(request, partial(sign_chunk, scheme, key, time, scope))
        if self.follows_s3 or len(payload) != len(EMPTY_DIGEST):
            own[f"{prefix}Content-SHA256"] = payload
        target = request.target
        before, path, query = split_target(target)
        path, query = encode_path(path), encode_query(query)
        encoded = f"{before}{path}?{query}" if query else f"{before}{path}"
        if encoded != target:
            request.target = encoded  # for this hop alone: what is sent is what is signed
        fields, names = canonical_fields(self._signed_fields(request))
        canonical = self._canonical(request.method, path, query, fields, names, payload)
        signature = sign_request(scheme, key, time, scope, canonical)
        own["Authorization"] = (
            f"{scheme.algorithm} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        if chunks is not None:
            chunks.seed = signature

    def _signed_fields(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Return the fields to sign. Those that core adds when it writes the head, but for Host, are there only if needed.

        Writing the head takes 20 us, and what is signed by default 3.

        Raises: LocalProtocolError, TypeError, for a field that HTTP cannot carry.
        """
        signs = self.signs_field
        if self.signed_headers or type(self).signs_field is not SigV4.signs_field:
            return [(name, value) for name, value in request.fields_as_sent() if signs(name.lower())]
        own = request.unredirected_headers
        found = [pair for pair in own.items() if signs(pair[0].lower())]
        found += [pair for pair in request.headers.items() if signs(pair[0].lower()) and pair[0] not in own]
        if not request.has_header("host"):
            found.append(("host", request.origin.authority))
        return [pair for pair in check_fields(found) if pair[1] is not None]

    def _canonical(self, method: str, path: str, query: str, fields: str, names: str, payload: str) -> bytes:
        """Return the canonical request. path, query: encoded."""
        is_s3 = self.follows_s3
        path = canonical_path(path, is_normalized=not is_s3, is_encoded_twice=not is_s3)
        return canonical_request(method, path, canonical_query(query), fields, names, payload)

    def _now(self) -> str:
        return timestamp(self.clock() + self._offset)

    def _scope(self, day: str) -> str:
        return f"{day}/{self.region}/{self.service}/{self.scheme.terminator}"

    def _key_for(self, credentials: Credentials, day: str) -> bytes:
        """Return the signing key of a day; it is derived once."""
        key = self._key
        if key is None or key.day != day or key.secret != credentials.secret_key:
            key = self._key = signing_key(self.scheme, credentials.secret_key, day, self.region, self.service)
        return key.key

    # -- bodies

    @property
    def _streamed(self) -> str:
        return f"STREAMING-{self.scheme.algorithm}-PAYLOAD"

    def _payload_at_once(self, request: HttpRequest) -> str | None:
        """Return what the signature says of the body: a digest, or a word in its place; None if the body has to be read first.

        Raises: SigV4Error, if the length of the body has to be known and is not.
        """
        body, mode = request.body, self.payload
        given = request.get_header(f"{self.scheme.field_prefix}Content-SHA256")
        if given == self._streamed:
            mode = "streamed"
        elif given is not None:
            return given
        if mode == "unsigned":
            return UNSIGNED
        if body is None:
            return EMPTY_DIGEST
        if mode == "streamed" or (mode is None and self.follows_s3 and isinstance(body, Source)):
            if length_of(request) is not None:
                return self._streamed
            if mode == "streamed":
                raise SigV4Error(
                    f"{request!r}: a streamed payload needs the length of the body; give a field Content-Length, bytes or a file",
                    request=request,
                )
        if isinstance(body, bytes) and len(body) <= _HASHED_AT_ONCE:
            return sha256(body).hexdigest()
        return None

    def _chunk(self, request: HttpRequest, sign: Callable[[str, bytes], str]) -> SignedChunks:
        """Have the body sent in signed chunks. The signature of the request is not known yet: it is of the fields set here."""
        body, length = request.body, length_of(request)
        assert body is not None
        assert length is not None
        own = request.unredirected_headers
        coding = request.get_header("Content-Encoding")
        own["Content-Encoding"] = f"aws-chunked,{coding}" if coding else "aws-chunked"
        own[f"{self.scheme.field_prefix}Decoded-Content-Length"] = str(length)
        size = encoded_length(length, self.chunk_size)
        own["Content-Length"] = str(size)
        chunks = SignedChunks(body, length, self.chunk_size, sign)
        request.body = Source(chunks, size)
        vars(request)[_BODIES] = (request.body, body)
        return chunks

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.service!r}, {self.region!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle it without keys that were derived, and without what is known of the service's clock."""
        return {**vars(self), "_key": None, "_offset": 0.0}


def as_provider(credentials: Any) -> Provider:
    """Return the provider of the credentials that a user gave.

    Raises: TypeError; ValueError.
    """
    if credentials is None:
        return DefaultCredentials()
    if callable(credentials):
        return credentials  # type: ignore[no-any-return]
    found = as_credentials(credentials, "SigV4")
    assert found is not None
    return GivenCredentials(found)


def encode_literal(text: str) -> str:
    """Percent-encode text in which a percent sign is no escape."""
    return encode(text.replace("%", "%25"))


def length_of(request: HttpRequest) -> int | None:
    """Return the length of the body in bytes, as the body or a field of the user says it; None = unknown."""
    body = request.body
    if isinstance(body, bytes):
        return len(body)
    if isinstance(body, Source) and body.length is not None:
        return body.length
    stated = request.get_header("Content-Length") or ""
    return int(stated) if stated.isascii() and stated.isdigit() else None


def restore_body(request: HttpRequest) -> None:
    """Give a follow-up that was copied from a signed request the body that the user gave."""
    sent, original = vars(request).pop(_BODIES, (None, None))
    if sent is not None and request.body is sent:
        request.body = original
