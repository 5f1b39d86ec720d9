import json
import re
from typing import Any

import pytest

from catalog import pages
from cloudretail import aws
from tests.unit.catalog.conftest import Shop

INDEX = """<!doctype html><html><head><title>CloudRetail</title>
<meta
  name="description"
  content="Everything."
/></head><body><shop-root></shop-root><script src="main.js"></script></body></html>"""
ORIGIN = "https://shop.example"
EVIL = "</script><script>alert(1)</script>"


def product(**changes: Any) -> dict[str, Any]:
    return {
        "productId": "bag",
        "name": "Canvas bag",
        "description": "Sturdy.",
        "category": "Bags & more",
        "price": {"amount": 102300, "currency": "SGD"},
        "images": [
            {"alt": "", "sizes": [{"width": 320, "url": "/pictures/a.webp"}, {"width": 640, "url": "/pictures/b.webp"}]}
        ],
        "available": 3,
        "listed": True,
        "group": None,
        **changes,
    }


def data_of(html: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]


def test_a_page_says_what_the_product_is_and_costs_and_whether_it_can_be_had() -> None:
    html = pages.product_page(product()).filled(INDEX, ORIGIN)

    assert "<title>Canvas bag · CloudRetail</title>" in html
    assert html.count('name="description"') == 1
    assert '<meta name="description" content="Sturdy.">' in html
    assert f'<link rel="canonical" href="{ORIGIN}/products/bag">' in html
    assert f'<meta property="og:image" content="{ORIGIN}/pictures/b.webp">' in html
    assert "<h1>Canvas bag</h1>" in html
    assert "SGD 1,023.00" in html
    assert '<script src="main.js">' in html
    offer, crumbs = data_of(html)
    assert offer["offers"] == {
        "@type": "Offer",
        "url": f"{ORIGIN}/products/bag",
        "price": "1023.00",
        "priceCurrency": "SGD",
        "availability": "https://schema.org/InStock",
    }
    assert [each["name"] for each in crumbs["itemListElement"]] == ["All products", "Bags & more", "Canvas bag"]
    assert crumbs["itemListElement"][1]["item"] == f"{ORIGIN}/products?category=Bags%20%26%20more"


@pytest.mark.parametrize("change", [{"available": 0}, {"listed": False}])
def test_what_cannot_be_had_says_so(change: dict[str, Any]) -> None:
    offer, _ = data_of(pages.product_page(product(**change)).filled(INDEX, ORIGIN))

    assert offer["offers"]["availability"] == "https://schema.org/OutOfStock"


def test_nothing_that_staff_write_is_taken_for_a_part_of_the_page() -> None:
    html = pages.product_page(product(name=EVIL, description=EVIL, category=EVIL)).filled(INDEX, ORIGIN)

    assert "<script>alert" not in html
    assert data_of(html)[0]["name"] == EVIL


def test_a_variant_leads_to_the_others() -> None:
    variants = [{"productId": f"boots-{each}", "value": each} for each in ("41", "42")]
    group = {"name": "Boots", "attribute": "Size", "variants": variants}

    html = pages.product_page(product(productId="boots-42", name="Boots, size 42", group=group)).filled(INDEX, ORIGIN)

    assert "<title>Boots, size 42 · CloudRetail</title>" in html
    assert "<h1>Boots</h1>" in html
    assert '<a href="/products/boots-41">41</a>' in html


def test_a_product_has_a_page_at_the_shop_and_what_there_is_not_is_a_404(shop: Shop) -> None:
    aws.s3().create_bucket(Bucket="storefront", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    aws.s3().put_object(Bucket="storefront", Key="index.html", Body=INDEX.encode())
    shop.has("bag", name="Canvas bag")
    shop.has("draft", listed=False, released=False)

    found = shop.page_at("/products/bag")

    assert (found["statusCode"], found["headers"]["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Canvas bag</h1>" in found["body"]
    assert '<script src="main.js">' in found["body"]
    for missing in ("/products/nothing", "/products/draft"):
        answer = shop.page_at(missing)
        assert answer["statusCode"] == 404
        assert 'content="noindex"' in answer["body"]
    assert 'href="/products/bag"' in shop.page_at("/products")["body"]
    assert shop.page_at("/products", category="Nothing")["statusCode"] == 404


def test_the_site_map_has_what_is_sold(shop: Shop) -> None:
    shop.has("bag", category="Bags & more", updatedAt="2026-02-03T04:05:06Z")
    shop.has("gone", listed=False)

    answer = shop.page_at("/sitemap.xml")

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/xml")
    assert "<url><loc>https://shop.example/products/bag</loc><lastmod>2026-02-03</lastmod></url>" in answer["body"]
    assert "<loc>https://shop.example/products?category=Bags%20%26%20more</loc>" in answer["body"]
    assert "<loc>https://shop.example/terms</loc>" in answer["body"]
    assert "gone" not in answer["body"]
