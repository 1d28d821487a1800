"""An OAuth 1 provider: oauthlib's own server endpoints over a store in memory."""

from __future__ import annotations

import json
from typing import Any

from oauthlib.oauth1 import RequestValidator, WebApplicationServer
from werkzeug.wrappers import Request, Response

METHODS = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "PLAINTEXT")
CLIENT_ID, CLIENT_SECRET = "the-client-of-the-tests", "client/secret of the tests"
USER_TOKEN, USER_SECRET = "token-of-the-user-0001", "token+secret of the user"


class Store(RequestValidator):  # type: ignore[misc]  # oauthlib has no annotations
    """One client, its request and access tokens, and the nonces, each of which is accepted once."""

    enforce_ssl = False
    client_key_length = request_token_length = access_token_length = verifier_length = (4, 100)
    nonce_length = (10, 60)
    allowed_signature_methods = METHODS
    realms = ("",)
    dummy_client = dummy_request_token = dummy_access_token = "dummy-dummy-dummy-dummy"

    def __init__(self) -> None:
        super().__init__()
        self.public_key = ""
        self.client_secret = CLIENT_SECRET
        self.request_tokens: dict[str, dict[str, str]] = {}
        self.access_tokens = {USER_TOKEN: USER_SECRET}
        self.nonces: set[tuple[Any, ...]] = set()

    @property
    def safe_characters(self) -> set[str]:
        return {*super().safe_characters, *"-_"}

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self.client_secret

    def get_rsa_key(self, client_key: str, request: Any) -> str:
        return self.public_key

    def get_request_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.request_tokens.get(token, {}).get("oauth_token_secret", "none")

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.access_tokens.get(token, "none")

    def get_default_realms(self, client_key: str, request: Any) -> list[str]:
        return []

    def get_realms(self, token: str, request: Any) -> list[str]:
        return []

    def get_redirect_uri(self, token: str, request: Any) -> str:
        return self.request_tokens[token]["callback"]

    def invalidate_request_token(self, client_key: str, request_token: str, request: Any) -> None:
        self.request_tokens.pop(request_token, None)

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT_ID

    def validate_request_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.request_tokens

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.access_tokens

    def validate_timestamp_and_nonce(self, *given: Any, **more: Any) -> bool:
        key = tuple(str(value) for value in given[:3])
        is_new = key not in self.nonces
        self.nonces.add(key)
        return is_new

    def validate_redirect_uri(self, client_key: str, redirect_uri: str, request: Any) -> bool:
        return True

    def validate_requested_realms(self, client_key: str, realms: Any, request: Any) -> bool:
        return True

    def validate_realms(self, *given: Any, **more: Any) -> bool:
        return True

    def verify_realms(self, token: str, realms: Any, request: Any) -> bool:
        return True

    def verify_request_token(self, token: str, request: Any) -> bool:
        return token in self.request_tokens

    def validate_verifier(self, client_key: str, token: str, verifier: str, request: Any) -> bool:
        return self.request_tokens[token].get("verifier") == verifier

    def save_request_token(self, token: dict[str, str], request: Any) -> None:
        self.request_tokens[token["oauth_token"]] = {**token, "callback": request.redirect_uri}

    def save_verifier(self, token: str, verifier: dict[str, str], request: Any) -> None:
        self.request_tokens[token]["verifier"] = verifier["oauth_verifier"]

    def save_access_token(self, token: dict[str, str], request: Any) -> None:
        self.access_tokens[token["oauth_token"]] = token["oauth_token_secret"]


class OAuth1Provider:
    """A WSGI application: /initiate, /authorize, /token, and a resource at every other path.

    The resource responds with 200 if the signature is right, else with 401; the body says whether it was valid, and how long
    the request's body was. /hop redirects to ?to=. seen: method, raw target, fields and body of each request.
    """

    def __init__(self) -> None:
        self.store = Store()
        self.server = WebApplicationServer(self.store)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        target = str(environ["RAW_URI"])
        self.seen.append((request.method, target, dict(request.headers), body))
        url = f"{request.scheme}://{request.headers['Host']}{target}"
        return self.answer(request, url, body)(environ, start_response)

    def answer(self, request: Request, url: str, body: bytes) -> Response:
        is_form = (request.content_type or "").startswith("application/x-www-form-urlencoded")
        asked = (url, request.method, body.decode("latin-1") if is_form else "", dict(request.headers))
        if request.path == "/initiate":
            fields, text, status = self.server.create_request_token_response(*asked)
            return Response(text, status, fields)
        if request.path == "/authorize":
            fields, text, status = self.server.create_authorization_response(*asked, realms=[])
            return Response(text, status, fields)
        if request.path == "/token":
            fields, text, status = self.server.create_access_token_response(*asked)
            return Response(text, status, fields)
        is_valid, _ = self.server.validate_protected_resource_request(*asked, realms=[])
        if is_valid and request.path.startswith("/hop"):
            return Response("", int(request.args.get("status", 307)), {"Location": request.args["to"]})
        content = json.dumps({"valid": bool(is_valid), "length": len(body)})
        return Response(content, 200 if is_valid else 401, content_type="application/json")
