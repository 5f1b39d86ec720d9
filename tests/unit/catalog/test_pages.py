import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from catalog import pages
from catalog.filters import AT_ONCE, MOST_PAGES, PAGE, SORTS, Filters
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


def a_list(*products: dict[str, Any], **changes: Any) -> dict[str, Any]:
    price = {"lowest": {"amount": 500, "currency": "SGD"}, "highest": {"amount": 102350, "currency": "SGD"}}
    return {
        "items": list(products),
        "nextCursor": None,
        "total": len(products),
        "exact": True,
        "categories": [{"category": "Bags & more", "count": 2}],
        "prices": price,
        **changes,
    }


CATEGORIES = {"items": [{"category": "Bags & more", "count": 2, "picture": None}]}


def page_of(shown: dict[str, Any], *related: dict[str, Any]) -> pages.Page:
    return pages.product_page(shown, a_list(*related), CATEGORIES)


def brought_by(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="answers">(.*?)</script>', html)
    assert found
    brought: dict[str, Any] = json.loads(found[1])
    return brought


def data_of(html: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]


def test_a_page_says_what_the_product_is_and_costs_and_whether_it_can_be_had() -> None:
    html = page_of(product()).filled(INDEX, ORIGIN)

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
    offer, _ = data_of(page_of(product(**change)).filled(INDEX, ORIGIN))

    assert offer["offers"]["availability"] == "https://schema.org/OutOfStock"


def test_nothing_that_staff_write_is_taken_for_a_part_of_the_page() -> None:
    html = page_of(product(name=EVIL, description=EVIL, category=EVIL)).filled(INDEX, ORIGIN)

    assert "<script>alert" not in html
    assert data_of(html)[0]["name"] == EVIL


def test_a_variant_leads_to_the_others() -> None:
    variants = [{"productId": f"boots-{each}", "value": each} for each in ("41", "42")]
    group = {"name": "Boots", "attribute": "Size", "variants": variants}

    html = page_of(product(productId="boots-42", name="Boots, size 42", group=group)).filled(INDEX, ORIGIN)

    assert "<title>Boots, size 42 · CloudRetail</title>" in html
    assert "<h1>Boots</h1>" in html
    assert '<a href="/products/boots-41">41</a>' in html


@pytest.fixture
def published(shop: Shop) -> Shop:
    with suppress(aws.s3().exceptions.BucketAlreadyOwnedByYou):
        aws.s3().create_bucket(Bucket="storefront", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    aws.s3().put_object(Bucket="storefront", Key="index.html", Body=INDEX.encode())
    return shop


def test_a_product_has_a_page_at_the_shop_and_what_there_is_not_is_a_404(published: Shop) -> None:
    shop = published
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
    searched = shop.page_at("/products", q="canvsa", sort="price")["body"]
    assert 'href="/products/bag"' in searched
    assert (
        brought_by(searched)["/api/products?q=canvsa&sort=price&limit=24"] == shop.page(q="canvsa", sort="price").body
    )


def test_a_page_answers_head_as_get_without_its_body(published: Shop) -> None:
    shop = published
    shop.has("bag", name="Canvas bag")

    for path in ("/", "/products", "/products/bag", "/products/nothing", "/sitemap.xml"):
        found, asked = shop.page_at(path), shop.page_at(path, method="HEAD")
        assert (asked["statusCode"], asked["headers"]) == (found["statusCode"], found["headers"])
        assert (asked["body"], asked["isBase64Encoded"]) == ("", False)


def test_a_product_brings_along_what_its_page_asks_for() -> None:
    bag, other = product(), product(productId="case", name="Case")

    html = page_of(bag, bag, other).filled(INDEX, ORIGIN)

    assert brought_by(html) == {
        "/api/products/bag": bag,
        "/api/products?category=Bags+%26+more&inStock=true&limit=5": a_list(bag, other),
        "/api/categories": CATEGORIES,
    }
    related = html.partition("You may also like")[2]
    assert 'href="/products/case"' in related
    assert 'href="/products/bag"' not in related


def lists(*products: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return a_list(*products), CATEGORIES


def list_at(query: str, *products: dict[str, Any], **changes: Any) -> str:
    filters = Filters.of(dict(parse_qsl(query)))
    return pages.list_page(a_list(*products, **changes), CATEGORIES, filters).filled(INDEX, ORIGIN)


def test_a_list_shows_its_products_and_brings_along_what_it_is_made_of() -> None:
    html = list_at("", product(), product(productId="lamp", name=EVIL), total=30, nextCursor="further")

    assert "<title>All products · CloudRetail</title>" in html
    assert f'<link rel="canonical" href="{ORIGIN}/products">' in html
    assert "2 of 30 products" in html
    assert '<a class="card-link" href="/products/bag">Canvas bag</a>' in html
    assert '<option value="Bags &amp; more">Bags &amp; more (2)</option>' in html
    assert 'placeholder="5"' in html
    assert 'placeholder="1023.50"' in html
    assert '<a class="button button-quiet" href="/products?page=2">' in html
    assert "<script>alert" not in html
    assert set(brought_by(html)) == {"/api/products?limit=24", "/api/categories"}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("category=Bags", {"category": "Bags", "limit": "24"}),
        ("q= red bag &sort=price", {"q": "red bag", "sort": "price", "limit": "24"}),
        ("q=bag&sort=relevance&page=3", {"q": "bag", "limit": "72"}),
        ("sort=relevance&page=9", {"limit": "96"}),
        ("sort=name&inStock=yes&minPrice=cheap&page=-1", {"limit": "24"}),
        (
            "inStock=true&minPrice=200&maxPrice=100",
            {"inStock": "true", "minPrice": "100", "maxPrice": "200", "limit": "24"},
        ),
        ("minPrice=0&maxPrice=12345678901", {"minPrice": "0", "limit": "24"}),
    ],
)
def test_a_list_is_narrowed_down_as_the_storefront_narrows_it_down(query: str, asked: dict[str, str]) -> None:
    filters = Filters.of(dict(parse_qsl(query)))

    assert filters.query == asked
    assert Filters.of({**filters.query, "page": str(filters.pages)}) == filters


def test_a_list_can_be_had_in_the_storefronts_orders() -> None:
    source = (Path(__file__).parents[3] / "frontend/src/app/core/filters.ts").read_text()
    assert re.findall(r"\['(-?\w+)', '([\w ]+)'\]", source) == [(sort.value, name) for sort, name in SORTS.items()]
    listing = (Path(__file__).parents[3] / "frontend/src/app/core/listing.ts").read_text()
    assert f"const PAGE = {PAGE};" in listing
    assert f"const AT_ONCE = {AT_ONCE};" in listing
    assert f"const MOST_PAGES = {MOST_PAGES};" in source


def test_a_search_is_answered_in_the_page_and_is_no_page_for_search_engines() -> None:
    html = list_at("q=<b>cap&category=Bags", product(), exact=False)

    assert "<title>“&lt;b&gt;cap” in Bags · CloudRetail</title>" in html
    assert "Nothing here is called “&lt;b&gt;cap”. This comes close." in html
    assert 'value="&lt;b&gt;cap"' in html
    assert 'content="noindex"' in html
    assert "canonical" not in html


def test_a_category_that_there_is_not_is_a_404_and_one_that_filters_empty_is_not() -> None:
    def status(query: str) -> bool:
        filters = Filters.of(dict(parse_qsl(query)))
        return pages.list_page(a_list(), CATEGORIES, filters).found

    assert [status(each) for each in ("category=Nothing", "category=Bags&inStock=true", "q=nothing", "")] == [
        False,
        True,
        True,
        True,
    ]


def test_a_card_says_what_is_left_and_leads_to_a_variant_that_can_be_had() -> None:
    variants = [{"productId": "boots-41", "value": "41", "available": 0}, {"productId": "boots-42", "available": 3}]
    group = {"name": "Boots", "attribute": "Size", "variants": variants}

    html = list_at("", product(productId="boots-41", available=0, group=group), product(productId="lamp", available=0))

    boots, lamp = html.split('<li class="card">')[1:]
    assert '<a class="card-link" href="/products/boots-42">Boots</a>' in boots
    assert "Only 3 left" in boots
    assert "Choose size" in boots
    assert "Sold out" in lamp


def test_the_first_pictures_of_a_list_are_loaded_at_once() -> None:
    products = [product(productId=f"bag-{each}") for each in range(10)]

    pictures = re.findall(r"<img src=\"/pictures[^>]*>", list_at("", *products))

    assert ["lazy" in each for each in pictures] == [False] * pages.EAGER + [True] * (10 - pages.EAGER)
    assert ["high" in each for each in pictures] == [True] * pages.EAGER + [False] * (10 - pages.EAGER)


def test_the_home_page_shows_what_is_new_and_brings_along_what_it_is_made_of() -> None:
    newest, categories = lists(product(), product(productId="lamp", name=EVIL, category="Home"))

    html = pages.home_page(newest, categories).filled(INDEX, ORIGIN)

    assert "<title>CloudRetail: well-made things for every day</title>" in html
    assert f'<link rel="canonical" href="{ORIGIN}/">' in html
    assert "<h1>Well-made things for every day.</h1>" in html
    assert '<a href="/products/bag">' in html
    assert '<a class="tile" href="/products?category=Bags%20%26%20more">' in html
    assert "<script>alert" not in html
    assert brought_by(html) == {
        "/api/products?inStock=true&sort=newest&limit=11": newest,
        "/api/categories": categories,
    }


def test_no_two_of_a_category_stand_side_by_side_at_home_while_there_are_others() -> None:
    bags = [product(productId=f"bag-{each}", category="Bags") for each in range(2)]
    lamps = [product(productId=f"lamp-{each}", category="Lamps") for each in range(2)]

    html = pages.home_page(*lists(*bags, *lamps)).filled(INDEX, ORIGIN)

    places = [html.index(f'href="/products/{each}"') for each in ("bag-0", "lamp-0", "bag-1", "lamp-1")]
    assert places == sorted(places)


def test_the_home_page_looks_as_the_storefronts_own() -> None:
    frontend = Path(__file__).parents[3] / "frontend" / "src"
    home = (frontend / "app/pages/home.ts").read_text()

    assert f"const HEROES = {pages.HEROES};" in home
    assert f"const FEATURED = {pages.FEATURED};" in home
    assert f"'{pages.IN_A_GRID}'" in (frontend / "app/ui/product-image.ts").read_text()
    assert f'widths="{pages.ALONE}"' in (frontend / "app/ui/gallery.ts").read_text()
    assert f'content="{pages.DESCRIPTION}"' in (frontend / "index.html").read_text()


def test_cloudfront_keeps_the_home_page_for_a_minute_and_no_page_of_a_product(published: Shop) -> None:
    shop = published
    shop.has("bag", name="Canvas bag")

    home = shop.page_at("/")

    assert (home["statusCode"], home["headers"]["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert home["headers"]["Cache-Control"] == "max-age=0, s-maxage=60, stale-if-error=86400"
    assert 'href="/products/bag"' in home["body"]
    assert shop.page_at("/products/bag")["headers"]["Cache-Control"] == "no-cache"


def test_the_site_map_has_what_is_sold(shop: Shop) -> None:
    shop.has("bag", category="Bags & more", updatedAt="2026-02-03T04:05:06Z")
    shop.has("gone", listed=False)

    answer = shop.page_at("/sitemap.xml")

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/xml")
    assert "<url><loc>https://shop.example/products/bag</loc><lastmod>2026-02-03</lastmod></url>" in answer["body"]
    assert "<loc>https://shop.example/products?category=Bags%20%26%20more</loc>" in answer["body"]
    assert "<loc>https://shop.example/terms</loc>" in answer["body"]
    assert "gone" not in answer["body"]
