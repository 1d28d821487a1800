"""An OAuth 2 authorization server and a resource that it protects: Authlib in a Flask application, its store in memory."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from flask import Flask, Response, jsonify, redirect, request

REDIRECT_URI = "http://127.0.0.1:1/callback"
SECRET = "secret-of-the-client"
_GRANTS = ("authorization_code", "refresh_token", "client_credentials", DeviceCodeGrant.GRANT_TYPE)


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no annotations
    """A client; its name says how it authenticates: "basic", "post", or "public"."""

    client_id: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return REDIRECT_URI

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT_URI

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        wanted = {"basic": "client_secret_basic", "post": "client_secret_post", "public": "none"}
        return wanted[self.client_id] == method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in _GRANTS


@dataclass
class Grant:
    """A code, a device code or a token, with what it grants."""

    client_id: str
    scope: str = ""
    user: str | None = None
    redirect_uri: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    expires_at: float = 0.0
    user_code: str = ""
    refresh_token: str | None = None
    access_token: str = ""
    is_revoked_now: bool = False

    def get_client_id(self) -> str:
        return self.client_id

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_user_code(self) -> str:
        return self.user_code

    def is_expired(self) -> bool:
        return bool(self.expires_at) and self.expires_at < time.time()

    def is_revoked(self) -> bool:
        return self.is_revoked_now


@dataclass
class Seen:
    """One request: path, Authorization field, and form."""

    path: str
    authorization: str | None
    form: dict[str, str] = field(default_factory=dict)


def _once(form: Any) -> dict[str, str]:
    """Return the fields of a form, and check that none comes twice (RFC 6749, section 3.1)."""
    assert all(len(values) == 1 for _, values in form.lists()), "a parameter stands twice"
    return dict(form.to_dict())


class OAuth2Provider:
    """The endpoints /authorize, /token and /device, and the resource /api, for GET, POST and PUT. /hop redirects to ?to=.

    lifetime: seconds until the next tokens expire. delay: seconds that /token takes. padding: bytes of the body of a 401.
    count: the number of tokens given, by grant. seen: all requests.
    """

    def __init__(self) -> None:
        self.lifetime = 3600
        self.delay = 0.0
        self.padding = 0
        self.interval = 1
        self.echo_secrets = False
        self.count: Counter[str] = Counter()
        self.seen: list[Seen] = []
        self.codes: dict[str, Grant] = {}
        self.devices: dict[str, Grant] = {}
        self.agreed: dict[str, bool] = {}
        self.tokens: list[Grant] = []
        self.lock = threading.Lock()
        self.app = Flask(__name__)
        self.server = AuthorizationServer(self.app, query_client=self._client, save_token=self._save)
        generator = BearerTokenGenerator(
            lambda **_: secrets.token_urlsafe(24), lambda **_: secrets.token_urlsafe(24), lambda *_: self.lifetime
        )
        self.server.register_token_generator("default", generator)
        self._register_grants()
        self._register_routes()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)

    # -- for tests

    def revoke(self, *, refresh_tokens: bool = False) -> None:
        """Revoke all access tokens, and with `refresh_tokens` all refresh tokens too."""
        for token in self.tokens:
            token.is_revoked_now = True
            if refresh_tokens:
                token.refresh_token = None

    def asked(self, path: str) -> list[Seen]:
        """Return the requests for a path."""
        return [seen for seen in self.seen if seen.path == path]

    async def until_asked(self, path: str, times: int = 1) -> None:
        """Wait until `times` requests for a path have come, for 10 seconds at most."""
        async with asyncio.timeout(10):
            while len(self.asked(path)) < times:  # noqa: ASYNC110  # the server runs in threads
                await asyncio.sleep(0.02)

    def secret_in_form(self, client_id: str) -> dict[str, str]:
        """Return the form fields that a client needs which authenticates in the form; none for other clients."""
        return {"client_secret": SECRET} if client_id == "post" else {}

    # -- the store

    def _client(self, client_id: str) -> Client | None:
        return Client(client_id) if client_id in ("basic", "post", "public") else None

    def _save(self, token: dict[str, Any], asked: Any) -> None:
        self.count[asked.payload.grant_type] += 1
        self.tokens.append(
            Grant(
                asked.client.client_id,
                scope=token.get("scope", ""),
                user=asked.user or "nobody",
                access_token=token["access_token"],
                refresh_token=token.get("refresh_token"),
                expires_at=time.time() + token["expires_in"],
            )
        )

    def _register_grants(self) -> None:
        provider = self

        class Code(grants.AuthorizationCodeGrant):  # type: ignore[misc]
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

            def save_authorization_code(self, code: str, asked: Any) -> None:
                provider.codes[code] = Grant(
                    asked.client.client_id,
                    scope=asked.payload.scope or "",
                    user=asked.user,
                    redirect_uri=asked.payload.redirect_uri,
                    code_challenge=asked.payload.data.get("code_challenge"),
                    code_challenge_method=asked.payload.data.get("code_challenge_method"),
                )

            def query_authorization_code(self, code: str, client: Client) -> Grant | None:
                found = provider.codes.get(code)
                return found if found is not None and found.check_client(client) else None

            def delete_authorization_code(self, authorization_code: Grant) -> None:
                provider.codes = {k: v for k, v in provider.codes.items() if v is not authorization_code}

            def authenticate_user(self, authorization_code: Grant) -> str | None:
                return authorization_code.user

        class Refresh(grants.RefreshTokenGrant):  # type: ignore[misc]
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
            INCLUDE_NEW_REFRESH_TOKEN = True

            def authenticate_refresh_token(self, refresh_token: str) -> Grant | None:
                return next((t for t in provider.tokens if t.refresh_token == refresh_token), None)

            def authenticate_user(self, refresh_token: Grant) -> str | None:
                return refresh_token.user

            def revoke_old_credential(self, refresh_token: Grant) -> None:
                refresh_token.refresh_token = None
                refresh_token.is_revoked_now = True

        class Credentials(grants.ClientCredentialsGrant):  # type: ignore[misc]
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

        class Device(DeviceCodeGrant):  # type: ignore[misc]
            def query_device_credential(self, device_code: str) -> Grant | None:
                return provider.devices.get(device_code)

            def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
                return ("someone", provider.agreed[user_code]) if user_code in provider.agreed else None

            def should_slow_down(self, credential: Grant) -> bool:
                return False

        class DeviceEndpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]
            @property
            def INTERVAL(self) -> int:
                return provider.interval

            def get_verification_uri(self) -> str:
                return "https://example.com/activate"

            def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
                provider.devices[data["device_code"]] = Grant(client_id, scope=scope or "", user_code=data["user_code"])

        self.server.register_grant(Code, [CodeChallenge(required=True)])
        self.server.register_grant(Refresh)
        self.server.register_grant(Credentials)
        self.server.register_grant(Device)
        self.server.register_endpoint(DeviceEndpoint)

    def _register_routes(self) -> None:
        provider, app = self, self.app

        class Validator(BearerTokenValidator):  # type: ignore[misc]
            def authenticate_token(self, token_string: str) -> Grant | None:
                return next((t for t in provider.tokens if t.access_token == token_string), None)

        protect = ResourceProtector()
        protect.register_token_validator(Validator())

        @app.before_request
        def note() -> None:
            authorization = request.headers.get("Authorization")
            provider.seen.append(Seen(request.path, authorization, _once(request.form)))

        @app.get("/authorize")
        def authorize() -> Any:
            if request.args.get("refuse"):
                return provider.server.create_authorization_response(
                    grant_user=None, grant=provider.server.get_consent_grant(end_user="someone")
                )
            return provider.server.create_authorization_response(
                grant_user="someone", grant=provider.server.get_consent_grant(end_user="someone")
            )

        @app.after_request
        def pad(answer: Response) -> Response:
            if answer.status_code == 401 and provider.padding:
                answer.set_data(b" " * provider.padding)
            return answer

        @app.post("/token")
        def token() -> Any:
            with provider.lock:
                time.sleep(provider.delay)
                answer = provider.server.create_token_response()
            if provider.echo_secrets and answer.status_code >= 400:
                words = f"bad {' '.join(request.form.values())} {SECRET}"
                return Response(f'{{"error": "invalid_grant", "error_description": "{words}"}}', 400)
            return answer

        @app.post("/device")
        def device() -> Any:
            return provider.server.create_endpoint_response(DeviceAuthorizationEndpoint.ENDPOINT_NAME)

        @app.route("/api", methods=["GET", "POST", "PUT"])
        @protect()  # type: ignore[untyped-decorator]
        def api() -> Any:
            return jsonify({"length": len(request.get_data())})

        @app.route("/hop")
        def hop() -> Any:
            return redirect(request.args["to"], 307)
