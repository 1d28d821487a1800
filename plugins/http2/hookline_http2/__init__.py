"""HTTP/2 for the HTTP client Hookline (RFC 9113). Installing the distribution is enough: servers with TLS are offered it."""

from .errors import StreamReset
from .plugin import Http2, Http2Client, Http2Request

__version__ = "0.1.0"

__all__ = ["Http2", "Http2Client", "Http2Request", "StreamReset"]
