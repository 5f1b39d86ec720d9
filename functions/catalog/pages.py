"""What the storefront's home page and pages of products say before its scripts have come.

It is for search engines, for a chat that shows a link, and for browsers without JavaScript.

    index.html of the build  +  a product, or a list, as the API has it  ->  the page

The page takes the API's answers along from which it was made, so that the scripts need not ask for them again.

Pure, over the API's own JSON, so that AWS and the server on a laptop make the same pages.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, urlencode

from cloudretail.money import Money

type Json = Mapping[str, Any]

SHOP = "CloudRetail"
ROOT = "<shop-root></shop-root>"
"""Where the storefront shows itself; its scripts put what they show in place of what stands there."""

MASTHEAD = (
    '<header class="masthead"><div class="wrap masthead-bar"><a class="logo" href="/">'
    f'<img src="/favicon.svg" alt="" width="32" height="32"><span>{SHOP}</span></a></div></header>'
    '<nav class="categories" popover aria-label="Categories">'
    '<ul><li><a href="/products">All products</a></li></ul></nav>'
)
"""As tall as the storefront's own, so that the page stays where it is when that has come."""

DESCRIPTION = (
    "Well-made things for every day: bags, kitchen, home and outdoors. Held for you while you pay, by card or in cash "
    "at your door."
)
"""Of the shop, as the build's index.html has it."""

HEROES = 3
FEATURED = 8

NEWEST: Mapping[str, str] = {"inStock": "true", "sort": "newest", "limit": str(HEROES + FEATURED)}
"""Which products the home page shows, as `GET /api/products` is asked for them by the storefront, in its order."""

NEW_PATH = "/products?sort=newest"

IN_A_GRID = "(width < 48rem) 34vw, 14rem"
"""How wide a picture is drawn among others: as in frontend/src/app/ui/product-image.ts, so that one size is loaded."""

ALONE = "(width < 48rem) 64vw, 24rem"
"""How wide it is drawn on its product's page: as in frontend/src/app/ui/gallery.ts."""

MOST = 160
"""Letters of a description that a search engine shows."""


@dataclass(frozen=True)
class Page:
    """What a page says.

    Args:
        title: of the tab; None where it is the shop's.
        description: a sentence or two.
        path: at which it is found, whatever else leads to it.
        body: HTML of its main part.
        image: path of a picture; None where it has none.
        data: what it is about, as JSON-LD (schema.org).
        kind: class of its main part.
        found: false for a page that says that there is no such thing.
        answers: of the API, by path and query, from which it was made.
    """

    title: str | None
    description: str
    path: str
    body: str
    image: str | None = None
    data: Sequence[Json] = field(default_factory=tuple)
    kind: str = ""
    found: bool = True
    answers: Mapping[str, Json] = field(default_factory=dict)

    def filled(self, index: str, origin: str) -> str:
        """The page.

        Args:
            index: the build's index.html.
            origin: of the storefront, such as https://shop.example.
        """
        title = escape(f"{self.title} · {SHOP}" if self.title else f"{SHOP}: well-made things for every day")
        head = re.sub("<title>.*?</title>", lambda _: f"<title>{title}</title>", index, count=1)
        head = re.sub(r'<meta\s+name="description"[^>]*>', "", head, count=1)
        body = f'<div class="wrap {self.kind}">{self.body}</div>' if self.title else self.body
        return head.replace("</head>", f"{''.join(self._head(origin))}</head>", 1).replace(
            ROOT, f"<shop-root>{MASTHEAD}<main>{body}</main></shop-root>{''.join(self._answers())}", 1
        )

    def _answers(self) -> Iterable[str]:
        if self.answers:
            yield f'<script type="application/json" id="answers">{_in_a_script(self.answers)}</script>'

    def _head(self, origin: str) -> Iterable[str]:
        described = escape(self.description)
        yield f'<meta name="description" content="{described}">'
        if not self.found:
            yield '<meta name="robots" content="noindex">'
            return
        address = escape(f"{origin}{self.path}")
        yield f'<link rel="canonical" href="{address}">'
        yield f'<meta property="og:site_name" content="{SHOP}">'
        yield f'<meta property="og:title" content="{escape(self.title or SHOP)}">'
        yield f'<meta property="og:description" content="{described}">'
        yield f'<meta property="og:url" content="{address}">'
        yield f'<meta property="og:type" content="{"product" if self.data else "website"}">'
        if self.image:
            yield f'<meta property="og:image" content="{escape(origin + self.image)}">'
        for each in self.data:
            yield f'<script type="application/ld+json">{_in_a_script(_absolute(each, origin))}</script>'


def _in_a_script(data: Any) -> str:
    """JSON in which nothing can end the script that holds it."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def _absolute(data: Any, origin: str) -> Any:
    """Data whose addresses, which begin with a slash here, have the storefront's origin."""
    if isinstance(data, Mapping):
        return {name: _absolute(value, origin) for name, value in data.items()}
    if isinstance(data, list):
        return [_absolute(value, origin) for value in data]
    return origin + data if isinstance(data, str) and data.startswith("/") else data


def home_page(newest: Json, categories: Json) -> Page:
    """The home page. It looks as the storefront's own (frontend/src/app/pages/home.ts).

    Args:
        newest: as `GET /api/products` has them, asked for NEWEST.
        categories: as `GET /api/categories` has them.
    """
    products = _mixed(newest["items"])
    heroes = "".join(
        f'<li><a href="{escape(path_of(each["productId"]))}">{_image(each, "", first=True)}'
        f'<span class="hero-label"><strong>{escape(each["name"])}</strong> {escape(str(_money(each["price"])))}</span>'
        "</a></li>"
        for each in products[:HEROES]
    )
    tiles = "".join(
        f'<li><a class="tile" href="{escape(category_path(each["category"]))}">'
        f"{_image({'images': [each['picture']] if each['picture'] else []}, '', '8rem')}"
        f'<span class="tile-name">{escape(each["category"])}</span>'
        f'<span class="tile-count">{each["count"]} {"product" if each["count"] == 1 else "products"}</span></a></li>'
        for each in categories["items"]
    )
    return Page(
        title=None,
        description=DESCRIPTION,
        path="/",
        image=products[0]["images"][0]["sizes"][-1]["url"] if products and products[0]["images"] else None,
        body="".join(
            [
                '<section class="wrap hero"><div class="hero-text"><h1>Well-made things for every day.</h1>',
                "<p>Chosen to last for years. We hold your items the moment you order, and you always know where they "
                'are.</p><p class="hero-actions"><a class="button" href="/products">See all products</a> '
                f'<a class="button button-quiet" href="{NEW_PATH}">New arrivals</a></p></div>',
                f'<ul class="hero-images" aria-label="Just arrived">{heroes}</ul></section>',
                f'<section class="wrap section"><h2>Shop by category</h2><ul class="tiles">{tiles}</ul></section>',
                '<section class="wrap section"><div class="section-head"><h2>New in the shop</h2>'
                f'<a href="{NEW_PATH}">See all new arrivals</a></div>',
                f'<ul class="products">{_cards(products[HEROES:])}</ul></section>',
            ]
        ),
        answers={f"/api/products?{urlencode(NEWEST)}": newest, "/api/categories": categories},
    )


def _mixed(products: Iterable[Json]) -> list[Json]:
    """The same products, no two of a category side by side while there are others."""
    by_category: dict[str, list[Json]] = {}
    for each in products:
        by_category.setdefault(each["category"], []).append(each)
    rounds = zip_longest(*by_category.values())
    return [each for one in rounds for each in one if each is not None]


def product_page(product: Json) -> Page:
    """The page of a product.

    Args:
        product: as `GET /api/products/{productId}` has it.
    """
    group = product.get("group")
    name, price = (group["name"] if group else product["name"]), _money(product["price"])
    path = path_of(product["productId"])
    category = category_path(product["category"])
    images = [image["sizes"][-1]["url"] for image in product["images"]]
    in_stock = product["listed"] and product["available"] > 0
    crumbs = [("All products", "/products"), (product["category"], category), (name, path)]
    stock = "In stock" if in_stock else "Sold out" if product["listed"] else "We no longer sell this."
    return Page(
        title=product["name"],
        description=_in_short(product["description"]) or name,
        path=path,
        image=images[0] if images else None,
        body="".join(
            [
                _breadcrumbs(crumbs),
                '<article class="product">',
                f'<div class="gallery">{_image(product, name, ALONE, first=True)}</div>',
                f'<div class="product-text"><h1>{escape(name)}</h1>',
                f'<p class="product-price price">{escape(str(price))}</p><p>{stock}</p>',
                f'<p class="product-description">{escape(product["description"])}</p>',
                _variants(group) if group else "",
                "</div></article>",
            ]
        ),
        data=[
            {
                "@context": "https://schema.org",
                "@type": "Product",
                "name": product["name"],
                "description": product["description"],
                "sku": product["productId"],
                "category": product["category"],
                "image": images,
                "offers": {
                    "@type": "Offer",
                    "url": path,
                    "price": _decimal(price),
                    "priceCurrency": price.currency,
                    "availability": f"https://schema.org/{'InStock' if in_stock else 'OutOfStock'}",
                },
            },
            {
                "@context": "https://schema.org",
                "@type": "BreadcrumbList",
                "itemListElement": [
                    {"@type": "ListItem", "position": position, "name": text, "item": where}
                    for position, (text, where) in enumerate(crumbs, 1)
                ],
            },
        ],
        answers={f"/api{path}": product},
    )


def list_page(products: Json, category: str | None) -> Page:
    """The page of all products, or of a category.

    Args:
        products: as `GET /api/products` has them.
        category: to which they are narrowed down.
    """
    title = category or "All products"
    path = category_path(category) if category else "/products"
    links = (
        f'<li><a href="{escape(category_path(each["category"]))}">{escape(each["category"])}</a> ({each["count"]})</li>'
        for each in products["categories"]
    )
    items = products["items"]
    return Page(
        title=title,
        description=f"{title} at {SHOP}: {products['total']} well-made things for every day.",
        path=path,
        image=items[0]["images"][0]["sizes"][-1]["url"] if items and items[0]["images"] else None,
        body=f'<h1>{escape(title)}</h1><ul class="products">{_cards(products["items"])}</ul>'
        f'<nav aria-label="Categories"><ul>{"".join(links)}</ul></nav>',
        found=bool(items) or not category,
    )


def missing_page() -> Page:
    """That of a product that there is not."""
    return Page(
        title="Product not found",
        description="We could not find this product.",
        path="/products",
        body='<h1>We could not find this product</h1><p><a href="/products">All products</a></p>',
        found=False,
    )


def sitemap(products: Iterable[tuple[str, str]], categories: Iterable[str], texts: Iterable[str], origin: str) -> str:
    """All that a search engine should know of, as sitemaps.org has it.

    Args:
        products: ids of those that are sold, and when each was last changed (ISO 8601).
        categories: of them.
        texts: paths of other pages.
        origin: of the storefront.
    """
    pages = [*texts, "/products", *map(category_path, categories)]
    urls = [f"<url><loc>{escape(origin + path)}</loc></url>" for path in pages]
    urls += [
        f"<url><loc>{escape(origin + path_of(product_id))}</loc><lastmod>{changed}</lastmod></url>"
        for product_id, changed in products
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(urls)}</urlset>\n'
    )


def path_of(product_id: str) -> str:
    """Where a product's page is."""
    return f"/products/{quote(product_id, safe='')}"


def category_path(category: str) -> str:
    """Where a category's list is."""
    return f"/products?{urlencode({'category': category}, quote_via=quote)}"


def _breadcrumbs(crumbs: Sequence[tuple[str, str]]) -> str:
    *above, (name, _) = crumbs
    links = "".join(f'<li><a href="{escape(path)}">{escape(text)}</a></li>' for text, path in above)
    here = f'<li aria-current="page">{escape(name)}</li>'
    return f'<nav class="breadcrumbs" aria-label="Breadcrumbs"><ol>{links}{here}</ol></nav>'


def _cards(products: Iterable[Json]) -> str:
    return "".join(
        f'<li class="card">{_image(each, "")}<div class="card-text">'
        f'<a class="card-link" href="{escape(path_of(each["productId"]))}">'
        f"{escape((each.get('group') or each)['name'])}</a>"
        f'<span class="price">{escape(str(_money(each["price"])))}</span></div></li>'
        for each in products
    )


def _image(product: Json, alt: str, widths: str = IN_A_GRID, *, first: bool = False) -> str:
    """A picture where it is drawn, which is empty without one.

    Args:
        product: that has pictures.
        alt: what is to be seen where the picture itself does not say so; empty beside a name.
        widths: how wide it is drawn, as the attribute `sizes` says it.
        first: whether it is in view when the page opens.
    """
    if not product["images"]:
        return '<div class="image"></div>'
    image = product["images"][0]
    sizes = ", ".join(f"{size['url']} {size['width']}w" for size in image["sizes"])
    return (
        f'<div class="image"><img src="{escape(image["sizes"][-1]["url"])}" srcset="{escape(sizes)}" '
        f'sizes="{escape(widths)}" alt="{escape(alt and (image["alt"] or alt))}" width="256" height="256" '
        f"{'fetchpriority="high"' if first else 'loading="lazy"'}></div>"
    )


def _variants(group: Json) -> str:
    links = "".join(
        f'<li><a href="{escape(path_of(each["productId"]))}">{escape(each["value"])}</a></li>'
        for each in group["variants"]
    )
    return f"<h2>{escape(group['attribute'])}</h2><ul>{links}</ul>"


def _in_short(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST].rsplit(' ', 1)[0]} …"


def _decimal(price: Money) -> str:
    """An amount as schema.org has it: 1023.00."""
    return str(price).partition(" ")[2].replace(",", "")


def _money(price: Json) -> Money:
    return Money(amount=price["amount"], currency=price["currency"])
