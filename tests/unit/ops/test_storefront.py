import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path

import brotli
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from catalog.pages import ROOT
from retail_ops.local.processes import free_port
from retail_ops.local.storefront import application, security_headers
from retail_ops.recording.stripe import PARAMETERS
from retail_ops.stack.template import TEMPLATE, Template
from retail_ops.stack.texts import Facts

type Client = TestClient[web.Request, web.Application]

INDEX = f"<!doctype html><title>CloudRetail</title>{ROOT}" + "<p>shop</p>" * 200
FACTS = Facts("Corner <Shop>", ("1 Long Road", "Singapore"), "", "help@shop.example", ("Dock 2", "Singapore"), 14)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build as Angular makes it."""
    folder = tmp_path / "dist" / "storefront" / "browser"
    folder.mkdir(parents=True)
    folder.joinpath("index.html").write_text(INDEX)
    folder.joinpath("main-ABCD1234.js").write_text("console.log('shop');\n" * 100)
    folder.joinpath("favicon.ico").write_bytes(b"\0\1")
    tmp_path.joinpath("secret.txt").write_text("not for shoppers")
    return tmp_path / "dist"


async def echo(request: web.Request) -> web.Response:
    """An API that answers with what it was asked."""
    answer = web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "host": request.host,
            "authorization": request.headers.get("Authorization"),
            "cookie": request.headers.get("Cookie"),
            "accepted": request.headers.get("Accept-Encoding"),
            "body": await request.text(),
        },
        status=207,
        headers={"X-Own": "kept", "Content-Security-Policy": "default-src 'none'"},
    )
    answer.set_cookie("refresh", "r", path="/api/auth", httponly=True)
    answer.set_cookie("other", "o")
    return answer


def visit(
    files: Path,
    look: Callable[[Client], Awaitable[None]],
    answer: Callable[[web.Request], Awaitable[web.Response]] = echo,
) -> None:
    """Run a storefront in front of an API, which echoes, and look at it."""

    async def run() -> None:
        api = web.Application()
        api.router.add_route("*", "/{path:.*}", answer)
        async with TestServer(api) as upstream:
            storefront = application(
                f"http://127.0.0.1:{upstream.port}/_aws/execute-api/a1/$default/api",
                "d1.cloudfront.localhost:4566",
                files,
                FACTS,
                frozenset({"http://localhost:8080"}),
            )
            async with TestClient(TestServer(storefront)) as client:
                await look(client)

    asyncio.run(run())


def test_every_route_of_the_application_is_its_index_page(build: Path) -> None:
    async def look(client: Client) -> None:
        for path in ("/", "/products/canvas-backpack", "/orders/o-1/confirmation"):
            answer = await client.get(path)
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert await answer.text() == INDEX
            assert answer.headers["Cache-Control"] == "no-cache"

    visit(build, look)


def test_a_product_is_read_without_scripts_and_one_that_there_is_not_is_a_404(build: Path) -> None:
    lamp = {
        "productId": "lamp",
        "name": "Lamp",
        "description": "Bright.",
        "category": "Home",
        "price": {"amount": 1990, "currency": "SGD"},
        "images": [],
        "available": 1,
        "listed": True,
        "group": None,
    }

    found = {
        "items": [lamp],
        "nextCursor": None,
        "total": 1,
        "exact": True,
        "categories": [{"category": "Home", "count": 1}],
        "prices": None,
    }
    asked: list[str] = []

    async def api(request: web.Request) -> web.Response:
        asked.append(request.raw_path.partition("/api/")[2])
        known = {"lamp": lamp, "products": found, "categories": {"items": []}}.get(request.path.rpartition("/")[2])
        return web.json_response(known or {}, status=200 if known else 404)

    async def look(client: Client) -> None:
        page = await client.get("/products/lamp")
        assert (page.status, "<h1>Lamp</h1>" in await page.text()) == (200, True)
        assert (await client.get("/products/nothing")).status == 404
        asked.clear()
        page = await client.get("/products", params={"q": "lmap", "page": "2", "sort": "none"})
        assert (page.status, "<h1>Results for “lmap”</h1>" in await page.text()) == (200, True)
        assert sorted(asked) == ["categories", "products?q=lmap&limit=48"]

    visit(build, look, api)


def test_an_unknown_address_is_the_same_page_with_the_status_of_it(build: Path) -> None:
    async def look(client: Client) -> None:
        tag = (await client.get("/")).headers["ETag"]
        answer = await client.get("/no/such/page", headers={"If-None-Match": tag})
        assert (answer.status, await answer.text()) == (404, INDEX)

    visit(build, look)


def test_a_text_is_there_for_the_storefront_and_as_a_page_without_it(build: Path) -> None:
    async def look(client: Client) -> None:
        part = await client.get("/texts/imprint.html")
        assert (part.status, part.content_type) == (200, "text/html")
        assert "Corner &lt;Shop&gt;" in await part.text()
        page = await (await client.get("/imprint")).text()
        assert "<title>Imprint · CloudRetail</title>" in page
        assert await part.text() in page
        assert (await client.get("/texts/nothing.html")).status == 404

    visit(build, look)


def test_a_file_that_is_missing_is_not_answered_with_a_page(build: Path) -> None:
    async def look(client: Client) -> None:
        assert (await client.get("/main-OLDER999.js")).status == 404

    visit(build, look)


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_others_are_not(build: Path) -> None:
    async def look(client: Client) -> None:
        assert "immutable" in (await client.get("/main-ABCD1234.js")).headers["Cache-Control"]
        assert (await client.get("/favicon.ico")).headers["Cache-Control"] == "no-cache"

    visit(build, look)


def test_pages_are_packed_for_browsers_that_take_it(build: Path) -> None:
    async def look(client: Client) -> None:
        for coding, accepted, unpack in (
            ("gzip", "gzip", gzip.decompress),
            ("br", "gzip, deflate, br, zstd", brotli.decompress),
        ):
            packed = await client.get("/", headers={"Accept-Encoding": accepted}, auto_decompress=False)
            assert packed.headers["Content-Encoding"] == coding
            assert unpack(await packed.read()).decode() == INDEX
        plain = await client.get("/", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers

    visit(build, look)


def test_a_page_that_has_not_changed_is_not_sent_again_until_it_has(build: Path) -> None:
    async def look(client: Client) -> None:
        tag = (await client.get("/")).headers["ETag"]
        assert (await client.get("/", headers={"If-None-Match": tag})).status == 304
        next(build.glob("**/index.html")).write_text("new")
        again = await client.get("/", headers={"If-None-Match": tag})
        assert (again.status, await again.text()) == (200, "new")

    visit(build, look)


@pytest.mark.parametrize("path", ["/..%2f..%2f..%2fsecret.txt", "/%2e%2e/%2e%2e/%2e%2e/secret.txt", "/%00.txt"])
def test_no_path_leads_out_of_the_build(build: Path, path: str) -> None:
    async def look(client: Client) -> None:
        answer = await client.get(path)
        assert "not for shoppers" not in await answer.text()
        assert answer.status == 404

    visit(build, look)


def test_the_api_gets_a_request_as_it_was_sent(build: Path) -> None:
    async def look(client: Client) -> None:
        answer = await client.put(
            "/api/cart/items/a%2Fb?x=1%202&x=3",
            data='{"quantity": 2}',
            headers={"Authorization": "Bearer t", "Cookie": "refresh=r"},
        )
        seen = await answer.json()
        assert seen["method"] == "PUT"
        assert seen["path"] == "/_aws/execute-api/a1/$default/api/cart/items/a%2Fb?x=1%202&x=3"
        assert (seen["authorization"], seen["cookie"]) == ("Bearer t", "refresh=r")
        assert seen["body"] == '{"quantity": 2}'
        assert str(client.port) not in seen["host"]

    visit(build, look)


def test_the_browser_gets_the_apis_answer_as_it_is(build: Path) -> None:
    async def look(client: Client) -> None:
        answer = await client.get("/api/orders")
        assert answer.status == 207
        assert answer.headers["X-Own"] == "kept"
        cookies = answer.headers.getall("Set-Cookie")
        assert len(cookies) == 2
        assert any("HttpOnly" in cookie and "Path=/api/auth" in cookie for cookie in cookies)
        assert answer.headers.getall("Content-Security-Policy") == ["default-src 'none'"]

    visit(build, look)


def test_the_api_compresses_only_for_a_browser_that_takes_it(build: Path) -> None:
    async def look(client: Client) -> None:
        answer = await client.get("/api/products", skip_auto_headers=["Accept-Encoding"])
        assert (await answer.json())["accepted"] is None
        answer = await client.get("/api/products", headers={"Accept-Encoding": "gzip"})
        assert (await answer.json())["accepted"] == "gzip"

    visit(build, look)


@pytest.mark.parametrize("stripe", [False, True])
def test_pages_may_do_the_same_as_on_aws(stripe: bool) -> None:
    """What works here and is refused by CloudFront's headers would be found out by shoppers."""
    template = Template.of(TEMPLATE.read_text(), EmulatorPort="4566", **(PARAMETERS if stripe else {}))
    (declared,) = template.properties("AWS::CloudFront::ResponseHeadersPolicy").values()
    headers = declared["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    here = security_headers("http://127.0.0.1:4566", stripe=stripe)
    assert here["Content-Security-Policy"] == headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert here["X-Frame-Options"] == headers["FrameOptions"]["FrameOption"]
    assert here["Referrer-Policy"] == headers["ReferrerPolicy"]["ReferrerPolicy"]


def test_pages_show_the_shops_own_pictures_and_send_new_ones_to_their_bucket(build: Path) -> None:
    async def look(client: Client) -> None:
        headers = (await client.get("/")).headers
        assert "img-src 'self' data:;" in headers["Content-Security-Policy"]
        assert "connect-src 'self' http://127.0.0.1:" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"

    visit(build, look)


def test_pictures_come_from_the_distribution_which_is_told_nothing_of_who_looks(build: Path) -> None:
    async def look(client: Client) -> None:
        secrets = {"Authorization": "Bearer t", "Cookie": "refresh=r"}
        asked = await (await client.get("/pictures/0a1b.webp", headers=secrets)).json()
        assert (asked["path"], asked["host"]) == ("/pictures/0a1b.webp", "d1.cloudfront.localhost:4566")
        assert (asked["authorization"], asked["cookie"]) == (None, None)

    visit(build, look)


def test_without_a_build_the_page_says_how_to_make_one_and_the_api_answers_already(tmp_path: Path) -> None:
    async def look(client: Client) -> None:
        answer = await client.get("/")
        assert answer.status == 200
        assert "not built yet" in await answer.text()
        assert (await client.get("/api/products")).status == 207

    visit(tmp_path / "dist", look)


def test_while_the_api_is_gone_the_answer_is_a_503_in_the_apis_own_form(build: Path) -> None:
    async def run() -> None:
        gone = application(f"http://127.0.0.1:{free_port()}/api", "d1.cloudfront.localhost", build, FACTS)
        async with TestClient(TestServer(gone)) as client:
            answer = await client.get("/api/products")
            assert (answer.status, answer.content_type) == (503, "application/problem+json")

    asyncio.run(run())


OURS = "http://localhost:8080"


@pytest.mark.parametrize(
    ("headers", "api", "page"),
    [
        ({}, 207, 200),
        ({"Origin": OURS, "Sec-Fetch-Site": "same-origin"}, 207, 200),
        ({"Sec-Fetch-Site": "none"}, 207, 200),
        ({"Host": "shop.localhost:8080"}, 207, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403, 200),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, 403, 200),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403, 200),
        ({"Host": "evil.example:8080"}, 403, 403),
    ],
)
def test_another_sites_pages_may_link_to_the_storefront_and_no_more(
    build: Path, headers: dict[str, str], api: int, page: int
) -> None:
    async def look(client: Client) -> None:
        for path in ("/api/auth/refresh", "/api"):
            async with client.get(path, headers=headers) as answer:
                assert answer.status == api
        async with client.get("/products/lamp", headers=headers) as answer:
            assert answer.status == page

    visit(build, look)
