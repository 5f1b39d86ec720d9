"""The storefront as AWS serves it: a private bucket behind CloudFront, with the API at the same address."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.catalogue import Product
from retail_ops.stack.publish import files, made_of, upload
from retail_ops.stack.shop import PROJECT, Shop
from retail_ops.stack.storefront_build import Files
from retail_ops.stack.texts import Facts
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Shopper


@pytest.fixture(scope="module")
def address(local_shop: LocalShop, shop: Shop) -> str:
    """Of the distribution, with the storefront published as `make deploy` does it."""
    build = files(Files(PROJECT / "frontend" / "dist").root)
    upload(shop, made_of(build, Facts.of(shop.outputs), shop.storefront_url), lambda _: None)
    name = shop.output("DistributionDomain").split(".", maxsplit=1)[0]
    return f"http://{name}.cloudfront.localhost:{local_shop.port}"


@pytest.fixture(scope="module")
def edge(address: str, local_shop: LocalShop) -> Iterator[httpx.Client]:
    """CloudFront; the name is only known to browsers."""
    host = address.removeprefix("http://")
    with httpx.Client(base_url=local_shop.endpoint, headers={"Host": host}, trust_env=False, timeout=60) as client:
        yield client


def test_every_page_has_the_strict_headers(edge: httpx.Client) -> None:
    answer = edge.get("/")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_pages_are_asked_for_anew_and_what_bears_its_contents_hash_is_kept_for_good(edge: httpx.Client) -> None:
    page = edge.get("/cart")
    script = re.search(r'src="(main-\w+\.js)"', page.text)
    assert script
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in edge.get(f"/{script[1]}").headers["cache-control"]


def test_an_address_inside_the_shop_is_the_same_page_and_a_missing_file_is_not(edge: httpx.Client) -> None:
    assert edge.get("/orders/ord_1/pay").text == edge.get("/cart").text
    assert edge.get("/no-such-script.js").status_code in (403, 404)


def test_an_unknown_address_is_the_shops_page_for_that_with_the_status_of_it(edge: httpx.Client) -> None:
    missing = edge.get("/no/such/page")
    assert (missing.status_code, missing.text) == (404, edge.get("/cart").text)
    assert missing.headers["content-security-policy"] == edge.get("/").headers["content-security-policy"]


def test_a_product_is_there_without_javascript_and_what_there_is_not_is_a_404(
    edge: httpx.Client, catalogue: list[Product]
) -> None:
    assert "<h1>Well-made things for every day.</h1>" in edge.get("/").text
    page = edge.get(f"/products/{catalogue[0].id}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{catalogue[0].name}</h1>" in page.text
    assert "SGD 89.00" in page.text
    assert '"@type": "Product"' in page.text
    assert 'src="main-' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    missing = edge.get("/products/unobtainium")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")
    bags = edge.get("/products?category=Bags")
    assert catalogue[0].name in bags.text
    assert "<h1>Bags</h1>" in bags.text
    assert f"/products/{catalogue[0].id}" in edge.get("/sitemap.xml").text


def test_a_page_answers_head_as_get_without_its_body(edge: httpx.Client, catalogue: list[Product]) -> None:
    paths = ("/", "/products", f"/products/{catalogue[0].id}", "/products/unobtainium", "/sitemap.xml", "/cart")
    for path in paths:
        found, asked = edge.get(path), edge.head(path)
        assert (asked.status_code, asked.content) == (found.status_code, b"")
        assert asked.headers["content-type"] == found.headers["content-type"]


def test_what_the_law_wants_to_be_said_is_there_without_javascript(edge: httpx.Client) -> None:
    page = edge.get("/imprint")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Imprint · CloudRetail</title>" in page.text
    assert "1 Example Road" in page.text
    assert edge.get("/texts/imprint.html").text in page.text


def test_a_picture_comes_from_a_private_bucket_for_ever_and_an_upload_from_nowhere(
    edge: httpx.Client, catalogue: list[Product], shop: Shop
) -> None:
    picture = edge.get(f"/api/products/{catalogue[0].id}").json()["images"][0]["sizes"][-1]["url"]
    answer = edge.get(picture)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content[8:12] == b"WEBP"

    assert edge.get("/pictures/0123456789abcdef.webp").status_code in (403, 404)
    bucket = shop.output("ImagesBucket")
    uploads = shop.s3.list_objects_v2(Bucket=bucket, Prefix="products/")["Contents"]
    assert edge.get(f"/{uploads[0]['Key']}").status_code in (403, 404)
    for key in (uploads[0]["Key"], picture.removeprefix("/")):
        assert httpx.get(f"{shop.endpoint}/{bucket}/{key}", trust_env=False).status_code == 403


def test_the_api_is_at_the_same_address_and_its_errors_stay_its_own(
    edge: httpx.Client, catalogue: list[Product]
) -> None:
    assert edge.get("/api/products").json()["items"]
    missing = edge.get("/api/products/unobtainium")
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("application/problem+json")
    assert edge.get("/api/orders").status_code == 401


def test_the_bucket_itself_is_closed(shop: Shop) -> None:
    assert shop.endpoint
    answer = httpx.get(f"{shop.endpoint}/{shop.output('StorefrontBucket')}/index.html", trust_env=False)
    assert answer.status_code == 403


def test_a_shopper_logs_in_and_orders_there(
    browser: Browser, address: str, shop: Shop, shopper: Shopper, catalogue: list[Product]
) -> None:
    shopper.put(catalogue[2].id)
    with browser.new_context(base_url=address, locale="en-SG") as context:
        visitor = Visitor(context.new_page(), shop)
        visitor.log_in(shopper)
        visitor.reads(catalogue[2].name)
        visitor.page.reload()
        visitor.check_out(cash=True)
        visitor.place_order()
        visitor.sees("Thank you, your order is confirmed")
        expect(visitor.page.get_by_role("complementary").get_by_role("listitem")).to_contain_text(catalogue[2].name)
        assert visitor.complaints == []
