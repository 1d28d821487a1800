"""Keep of each origin's cookies those alone whose names are allowed, and send them back to that origin alone."""

from hookline import Attribute, Credential, Option, hookimpl


class AllowedCookies:
    replaces = "cookies"

    def __init__(self):
        self.kept = {}  # origin to {name: value}; one object belongs to one client

    @hookimpl
    def declare(self):
        return [
            Option("cookies", None, convert=dict, doc="cookies to send besides, to the origin that was asked for"),
            Option("store_cookies", True, convert=bool, doc="keep the cookies that are allowed"),
            Option("allowed_cookies", frozenset(), convert=frozenset, doc="the names of the cookies to keep"),
            Attribute("cookies", set_by, doc="all that this response sets"),
            Attribute("cookies", lambda client: self.kept, of="client", doc="what is kept"),
            Credential("Cookie"),
        ]

    @hookimpl
    def pre_request(self, response):
        request = response.request
        own = None if request.has_left_origin else request.cookies  # not where others lead to, nor back from there
        pairs = {**self.kept.get(request.where.origin.key, {}), **(own or {})}
        if pairs and not request.has_header("Cookie"):
            request.unredirected_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pairs.items())

    @hookimpl(headers=("set-cookie",))
    def on_headers(self, response):
        request = response.request
        if request.store_cookies:
            allowed = {name: value for name, value in set_by(response).items() if name in request.allowed_cookies}
            self.kept.setdefault(request.where.origin.key, {}).update(allowed)


def set_by(response):
    pairs = (field.partition(";")[0].partition("=") for field in response.headers.getall("set-cookie", []))
    return {name.strip(): value.strip() for name, _, value in pairs}
