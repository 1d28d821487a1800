"""Store only cookies with allowed names, and send each back only to the origin that set it."""

from hookline import Attribute, Credential, Option, hookimpl


class AllowedCookies:
    replaces = "cookies"

    def __init__(self):
        self.kept = {}  # {origin: {name: value}}; each client has a plugin object of its own

    @hookimpl
    def declare(self):
        return [
            Option("cookies", None, convert=dict, doc="further cookies, for the origin of the call"),
            Option("store_cookies", True, convert=bool, doc="store the cookies that are allowed"),
            Option("allowed_cookies", frozenset(), convert=frozenset, doc="the names of the cookies to store"),
            Attribute("cookies", set_by, doc="all cookies that this response sets"),
            Attribute("cookies", lambda client: self.kept, of="client", doc="the stored cookies"),
            Credential("Cookie"),
        ]

    @hookimpl
    def pre_request(self, response):
        request = response.request
        # The cookies of the call are for its first origin: after a redirect to another origin they are not sent any more.
        own = None if request.has_left_origin else request.cookies
        pairs = {**self.kept.get(request.origin.key, {}), **(own or {})}
        if pairs and not request.has_header("Cookie"):
            request.unredirected_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pairs.items())

    @hookimpl(headers=("set-cookie",))
    def on_headers(self, response):
        request = response.request
        if request.store_cookies:
            allowed = {name: value for name, value in set_by(response).items() if name in request.allowed_cookies}
            self.kept.setdefault(request.origin.key, {}).update(allowed)


def set_by(response):
    pairs = (field.partition(";")[0].partition("=") for field in response.headers.getall("set-cookie", []))
    return {name.strip(): value.strip() for name, _, value in pairs}
