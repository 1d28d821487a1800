"""The header fields whose values are credentials: they are never shown or recorded."""

from __future__ import annotations

# In lower case.
CREDENTIAL_FIELDS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "authentication-info",
        "proxy-authentication-info",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-access-token",
        "x-csrf-token",
        "x-xsrf-token",
        "x-amz-security-token",
        "x-goog-api-key",
        "x-shopify-access-token",
        "x-vault-token",
        "private-token",
    }
)
