"""Who gets through to the emulator: requests as browsers, SDKs and containers send them, over ASGI."""

import asyncio
from ipaddress import IPv4Interface
from urllib.parse import urlencode

import pytest

from retail_ops.local.guard import CONTAINER_KEY, AsgiMessage, Guard, storefront_origins

ROOT = "SHOP00FF"
ROLE = "ASIA0123456789ABCDEF"
PORT, STOREFRONT_PORT = 4566, 8080
OURS = "http://localhost:8080"
CLOUDFRONT = "http://d111abc.cloudfront.localhost:4566"
BRIDGE = IPv4Interface("172.17.0.1/16")
INBOX = "/_ministack/ses/messages"
IMAGE = "/shop-imagesbucket-1a2b/products/lamp/1.webp"
SIGNED = f"X-Amz-Credential={ROLE}/20261127/r/s3/aws4_request&X-Amz-Signature=0f"


class Emulator:
    """Answers 200 and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[AsgiMessage] = []

    async def __call__(self, scope: AsgiMessage, _receive: object, send: object) -> None:
        self.asked.append(scope)


def header(key: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential={key}/20261127/ap-southeast-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def ask(
    path: str = "/",
    *,
    method: str = "GET",
    host: str | None = "127.0.0.1:4566",
    origin: str | None = None,
    site: str | None = None,
    query: str = "",
    authorization: str | None = None,
    client: str = "127.0.0.1",
    kind: str = "http",
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[str | None, AsgiMessage | None]:
    """What a request is told (None where it got through) and what the emulator saw of it."""
    given = {"Host": host, "Origin": origin, "Sec-Fetch-Site": site, "Authorization": authorization}
    headers = [(name.lower().encode(), value.encode()) for name, value in given.items() if value is not None]
    scope: AsgiMessage = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [*headers, *more],
        "client": (client, 50000),
    }
    emulator = Emulator()
    guard = Guard(
        emulator,
        ROOT,
        {ROLE}.__contains__,
        PORT,
        lambda: storefront_origins(STOREFRONT_PORT),
        (BRIDGE,),
    )
    sent: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        raise AssertionError("what is refused is refused before its body is read")

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    if emulator.asked:
        assert sent == []
        return None, emulator.asked[0]
    if kind == "websocket":
        assert sent[0]["type"] == "websocket.close"
        return sent[0]["reason"], None
    assert sent[0]["status"] == 403
    return sent[1]["body"].decode(), None


def refused(path: str = "/", **request: object) -> str:
    said, _ = ask(path, **request)  # type: ignore[arg-type]
    assert said is not None, "it got through"
    return said


def passes(path: str = "/", **request: object) -> bool:
    return ask(path, **request)[0] is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4566",
        "localhost:4566",
        "LOCALHOST",
        "d111abc.cloudfront.localhost:4566",
        "abc123.execute-api.localhost:14566",
        "host.docker.internal:4566",
        "172.17.0.1:4566",
    ],
)
def test_the_names_of_this_machine_are_taken(host: str) -> None:
    assert passes(host=host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4566",
        "localhost.evil.example:4566",
        "evillocalhost:4566",
        ".localhost",
        "localhost.:4566",
        "127.0.0.1.nip.io:4566",
        "127.0.0.1:4566@evil.example",
        "evil.example#.localhost",
        "172.17.0.2:4566",
        "192.0.2.7:4566",
        "0.0.0.0:4566",
        "",
        None,
    ],
)
def test_any_other_name_is_refused_by_name(host: str | None) -> None:
    assert f"Host {host or '(none)'} is no name of this machine" in refused(host=host)


def test_two_hosts_are_none() -> None:
    assert "is no name" in refused(more=((b"host", b"localhost:4566"),))


@pytest.mark.parametrize("origin", [OURS, "http://127.0.0.1:8080", CLOUDFRONT])
@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site"])
def test_the_storefronts_pages_upload_and_call_the_api(origin: str, site: str) -> None:
    assert passes("/bucket", method="POST", origin=origin, site=site)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://localhost:3000",
        "http://localhost:4566",
        "http://127.0.0.1:3000",
        "https://localhost:8080",
        "http://localhost:80800",
        "http://localhost",
        "http://localhost:8080.evil.example",
        "http://d111abc.cloudfront.localhost:3000",
        "http://evil.d111abc.cloudfront.localhost:4566",
        "http://d111abc.cloudfront.localhost:4566\n",
        f"{OURS}, http://evil.example",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_every_other_origin_is_foreign(origin: str, method: str) -> None:
    assert "is not this shop's storefront" in refused("/bucket", method=method, origin=origin)
    key = f"Bearer {ROOT}"
    assert "is not this shop's storefront" in refused(INBOX, method=method, origin=origin, authorization=key)


def test_an_origin_that_is_ours_does_not_cover_one_that_is_not() -> None:
    assert "evil.example is not this" in refused(origin=OURS, more=((b"origin", b"http://evil.example"),))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything-new"])
def test_a_request_of_a_foreign_page_without_an_origin_is_refused(site: str) -> None:
    """<img>, links, frames: a GET carries no Origin."""
    assert f"({site})" in refused("/_aws/execute-api/a1/$default/api/products", site=site)


@pytest.mark.parametrize("site", [None, "none", "same-origin"])
def test_programs_and_what_is_typed_into_the_address_bar_pass(site: str | None) -> None:
    assert passes("/_aws/execute-api/a1/$default/api/products", site=site)


def test_a_signed_address_is_no_way_in_for_a_page_of_another_site() -> None:
    assert refused(IMAGE, query=SIGNED, site="cross-site")


NOT_OURS = ["test", "000000000000", "123456789012", "", CONTAINER_KEY, "AKIAIOSFODNN7EXAMPLE"]


@pytest.mark.parametrize("key", [ROOT, ROLE])
def test_the_root_and_the_roles_sign_requests(key: str) -> None:
    assert passes(authorization=header(key))


@pytest.mark.parametrize("key", NOT_OURS)
def test_any_other_key_is_refused_and_it_is_said_which_to_take(key: str) -> None:
    assert 'eval "$(cloudretail env)"' in refused(authorization=header(key))
    assert refused(authorization=f"AWS {key}:c2lnbmF0dXJl")


@pytest.mark.parametrize("key", [ROOT, *NOT_OURS])
@pytest.mark.parametrize("name", ["X-Amz-Credential", "x-amz-credential", "AWSAccessKeyId"])
def test_only_roles_sign_addresses(key: str, name: str) -> None:
    """An address is passed on, to shoppers too: the root's id in one would be the shop's secret given away."""
    scope = "" if name == "AWSAccessKeyId" else "/20261127/ap-southeast-1/iam/aws4_request"
    said = refused(query=urlencode({name: f"{key}{scope}"}))
    assert "only roles and sessions sign addresses" in said
    assert ROOT not in said
    assert passes(query=urlencode({name: f"{ROLE}{scope}"}))


def test_a_second_key_in_the_query_hides_behind_no_first_one() -> None:
    assert refused(query=f"X-Amz-Credential={ROLE}/s&X-Amz-Credential=test/s")
    assert refused(query=f"X-Amz-Credential={ROLE}/s&AWSAccessKeyId=test")
    assert refused(query="X-Amz-Credential=test/s", authorization=header(ROLE))
    assert refused(query="X-Amz-Credential=%74est%2Fs")


@pytest.mark.parametrize(
    "path", [INBOX, "/_ministack/reset", "/_ministack/config", "/_ministack/lambda-code/x", "/_localstack/x"]
)
@pytest.mark.parametrize("authorization", [None, "", f"Bearer {ROLE}", "Bearer test", header(ROOT), f"Bearer {ROOT}x"])
def test_the_emulators_own_routes_are_for_who_knows_the_secret(path: str, authorization: str | None) -> None:
    assert "this shop's key as a bearer token" in refused(path, method="POST", authorization=authorization)
    assert passes(path, method="POST", authorization=f"Bearer {ROOT}")


def test_everybody_here_may_see_whether_it_runs() -> None:
    assert passes("/_ministack/health")
    assert refused("/_ministack/health", site="cross-site")
    assert refused("/_ministack/health/")


def test_a_container_without_credentials_of_its_own_is_the_developers() -> None:
    said, seen = ask(authorization=header(CONTAINER_KEY), client="172.17.0.2", host="host.docker.internal:4566")
    assert said is None
    assert seen
    assert dict(seen["headers"])[b"authorization"] == header(ROOT).encode()


@pytest.mark.parametrize("client", ["127.0.0.1", "172.17.0.1", "172.18.0.2"])
def test_nobody_but_a_container_gets_in_with_a_containers_key(client: str) -> None:
    """What runs on this machine itself comes to the bridge from the bridge's own address."""
    assert refused(authorization=header(CONTAINER_KEY), client=client, host="host.docker.internal:4566")


def test_a_browser_in_a_container_gets_in_with_no_address_that_a_page_can_write() -> None:
    key = urlencode({"X-Amz-Credential": f"{CONTAINER_KEY}/20261127/r/iam/aws4_request"})
    assert refused(query=key, client="172.17.0.2", host="host.docker.internal:4566")


def test_a_websocket_is_asked_the_same() -> None:
    assert "is not this shop's" in refused(kind="websocket", origin="http://evil.example")
    assert passes(kind="websocket", origin=OURS)


def test_the_guard_does_not_print_its_secret() -> None:
    guard = Guard(Emulator(), ROOT, {ROLE}.__contains__, PORT, frozenset)
    assert ROOT not in repr(guard)
