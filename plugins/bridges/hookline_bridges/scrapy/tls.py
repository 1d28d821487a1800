"""The TLS settings of Scrapy as an SSL context."""

from __future__ import annotations

import ssl
from typing import Any

_VERSIONS = {
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def ssl_context(settings: Any, *, http2: bool) -> ssl.SSLContext:
    """Return a context that follows the settings. http2: True offers HTTP/2 to servers.

    They are DOWNLOAD_VERIFY_CERTIFICATES (by default Scrapy checks no certificate), DOWNLOADER_CLIENT_TLS_CIPHERS,
    DOWNLOAD_TLS_MIN_VERSION and DOWNLOAD_TLS_MAX_VERSION.

    Raises: ValueError, for an unknown version; ssl.SSLError, for unknown ciphers.
    """
    if settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES"):
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([*(["h2"] if http2 else []), "http/1.1"])
    for name in ("DOWNLOAD_TLS_MIN_VERSION", "DOWNLOAD_TLS_MAX_VERSION"):
        version = settings.get(name)
        if version is not None and version not in _VERSIONS:
            raise ValueError(f"{name} takes one of {', '.join(_VERSIONS)}, not {version!r}")
        if version is not None and "MIN" in name:
            context.minimum_version = _VERSIONS[version]
        elif version is not None:
            context.maximum_version = _VERSIONS[version]
    ciphers = settings.get("DOWNLOADER_CLIENT_TLS_CIPHERS")
    if ciphers:
        context.set_ciphers(ciphers)
    return context
