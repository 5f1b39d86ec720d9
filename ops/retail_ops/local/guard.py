"""Who may call the servers of a local shop: its developer's programs and its own pages, never another web page.

A browser lets every page send requests to this machine. It hides the answer from the page, but the request is carried
out. A page cannot forge what its browser sends about it: the name that it called (`Host`, which reveals DNS rebinding),
its origin (`Origin`, `null` for a sandboxed frame), and the relation to it (`Sec-Fetch-Site`; a page on another port of
localhost is `same-site`). The last two are missing in some GETs to addresses that the browser does not trust, such as
Docker's bridge. Against those there is the root key's random id, which no page knows.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence, Set
from dataclasses import dataclass, field
from hmac import compare_digest
from ipaddress import IPv4Interface, ip_address
from typing import Any
from urllib.parse import parse_qsl

type AsgiMessage = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[AsgiMessage]]
type Send = Callable[[AsgiMessage], Awaitable[None]]
type Application = Callable[[AsgiMessage, Receive, Send], Awaitable[None]]
type Headers = Mapping[str, Sequence[str]]
"""By name in lower case, each with all of its values."""

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})

CONTAINER_NAME = "host.docker.internal"
"""This machine's name in the containers of `sam local` (samconfig.toml, `add_host`)."""

CONTAINER_KEY = "defaultkey"
"""The key's id that `sam local` gives to a container where this machine has no credentials."""

OPEN_ROUTES = frozenset({"/_ministack/health", "/_ministack/ready"})
"""The emulator's own routes that only say whether it runs."""

SIGNED = re.compile(r"Credential=([^/,\s]*)/")
"""The key's id in an Authorization header of Signature Version 4."""


def wrong_name(headers: Headers, names: frozenset[str] = LOCAL_NAMES) -> str | None:
    """Why a request's Host is not a name of this machine; None if it is. Any web site can let a name of its own resolve
    to 127.0.0.1, so that its pages could read the answers."""
    hosts = headers.get("host", ())
    if len(hosts) == 1:
        name = re.sub(r":\d+$", "", hosts[0].lower())
        if name in names or re.fullmatch(r"([a-z0-9_-]+\.)+localhost", name):
            return None
    return f"Host {' and '.join(hosts) or '(none)'} is no name of this machine that the shop goes by."


def foreign_page(headers: Headers, is_ours: Callable[[str], bool]) -> str | None:
    """Why a request comes from another web page; None if it may be the shop's, or is not from a browser."""
    origins = headers.get("origin", ())
    for origin in origins:
        if not is_ours(origin):
            return f"Origin {origin} is not this shop's storefront."
    for site in headers.get("sec-fetch-site", ()):
        if not origins and site not in ("same-origin", "none"):
            return f"A page of another site ({site}) sent this."
    return None


def storefront_origins(port: int) -> frozenset[str]:
    """The origins of the local storefront server's pages."""
    return frozenset(f"http://{name}:{port}" for name in LOCAL_NAMES)


@dataclass(frozen=True)
class Guard:
    """The emulator behind its guard: requests that are not the shop's get a 403 that says why.

    Args:
        application: the emulator.
        root: id of the root's key, which may do everything. The emulator does not verify its signature.
        is_known: whether a key's id belongs to a role's session or a user. The emulator verifies their signatures.
        port: of the emulator.
        storefronts: returns the present origins of the local storefront's pages.
        bridges: this machine's addresses in the networks of containers.
    """

    application: Application
    root: str = field(repr=False)
    is_known: Callable[[str], bool]
    port: int
    storefronts: Callable[[], Set[str]]
    bridges: Sequence[IPv4Interface] = ()

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._named(scope)
            if reason := self.refusal(scope):
                await _refuse(scope["type"], send, reason)
                return
        await self.application(scope, receive, send)

    def refusal(self, scope: AsgiMessage) -> str | None:
        """Why a request is refused; None if it is not.

        Args:
            scope: of an ASGI request.
        """
        headers = headers_of(scope)
        names = LOCAL_NAMES | {CONTAINER_NAME} | {str(bridge.ip) for bridge in self.bridges}
        return wrong_name(headers, names) or foreign_page(headers, self.is_ours) or self._wrong_key(scope, headers)

    def is_ours(self, origin: str) -> bool:
        """Whether an origin is a storefront of the shop: the local server, or a distribution of the emulator."""
        distribution = rf"http://d[a-z0-9]+\.cloudfront\.localhost:{self.port}"
        return re.fullmatch(distribution, origin) is not None or origin in self.storefronts()

    def _wrong_key(self, scope: AsgiMessage, headers: Headers) -> str | None:
        authorization = " ".join(headers.get("authorization", ()))
        path = scope["path"]
        if path.startswith(("/_ministack/", "/_localstack/")) and path not in OPEN_ROUTES:
            if compare_digest(authorization.encode(), f"Bearer {self.root}".encode()):
                return None
            return "The emulator's own routes take this shop's key as a bearer token. For the mails: cloudretail inbox"
        for key in _keys_in_header(authorization):
            if key != self.root and not self.is_known(key):
                return f'Key id {key} is not of this shop. Take its own with: eval "$(cloudretail env)"'
        for key in _keys_in_query(scope):
            if not self.is_known(key):  # A presigned URL may be passed on, but the root's signature is not verified.
                return (
                    f"An address signed with key id {key[:4]}... is not taken: only roles and sessions sign addresses."
                )
        return None

    def _named(self, scope: AsgiMessage) -> AsgiMessage:
        """A request with the root's key, if it comes from a container without credentials of `sam local`.

        Only a container has an address of its own on the bridge, and no page can send this header to another site.
        """
        client = scope.get("client")
        if not client or not self._is_container(client[0]):
            return scope
        ours = f"Credential={self.root}/".encode()
        theirs = f"Credential={CONTAINER_KEY}/".encode()
        headers = [
            (name, value.replace(theirs, ours) if name.lower() == b"authorization" else value)
            for name, value in scope["headers"]
        ]
        return {**scope, "headers": headers}

    def _is_container(self, address: str) -> bool:
        caller = ip_address(address)
        return any(caller in bridge.network and caller != bridge.ip for bridge in self.bridges)


def headers_of(scope: AsgiMessage) -> Headers:
    """The headers of an ASGI request."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _query(scope: AsgiMessage) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _keys_in_header(authorization: str) -> Iterator[str]:
    yield from SIGNED.findall(authorization)
    yield from re.findall(r"\bAWS ([^:\s]*):", authorization)  # Signature Version 2.


def _keys_in_query(scope: AsgiMessage) -> Iterator[str]:
    for name, value in _query(scope):
        if name.lower() in ("x-amz-credential", "awsaccesskeyid"):
            yield value.partition("/")[0]


async def _refuse(kind: str, send: Send, reason: str) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason[:100]})
        return
    body = f"Refused by the local shop's guard: {reason}\n".encode()
    # Plain text, which the SDKs show as it is.
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    headers += [(b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
