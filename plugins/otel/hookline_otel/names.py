"""The names of attributes and instruments, as the semantic conventions of OpenTelemetry for HTTP have them.

They are literals, because the package of the conventions takes long to import; a test compares them with it.
"""

SCHEMA_URL = "https://opentelemetry.io/schemas/1.25.0"  # the conventions for HTTP have been stable since 1.23

# of the conventions
ERROR_TYPE = "error.type"
HTTP_CLIENT_REQUEST_DURATION = "http.client.request.duration"
HTTP_REQUEST_HEADER_TEMPLATE = "http.request.header"
HTTP_REQUEST_METHOD = "http.request.method"
HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original"
HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count"
HTTP_RESPONSE_HEADER_TEMPLATE = "http.response.header"
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"
NETWORK_PEER_ADDRESS = "network.peer.address"
NETWORK_PEER_PORT = "network.peer.port"
NETWORK_PROTOCOL_VERSION = "network.protocol.version"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
URL_FULL = "url.full"

# of Hookline
CAUSE = "hookline.cause"  # of a link, and of the exchange that has it: why it was sent
SECONDS = "hookline.seconds"  # of the event of a phase: how long it took
FAILED = "hookline.failed"  # of the event of a phase: True if it ended with an error
WAS_SENT = "hookline.was_sent"  # False on the span of a request that a plugin answered

# The buckets that the conventions recommend, in seconds
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

# The methods of RFC 9110, PATCH (RFC 5789) and QUERY. Others are recorded as _OTHER.
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
OTHER_METHOD = "_OTHER"
