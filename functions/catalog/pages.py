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

from catalog.filters import AT_ONCE, Filters
from cloudretail.money import Money

type Json = Mapping[str, Any]

SHOP = "CloudRetail"
ROOT = "<shop-root></shop-root>"
"""Where the storefront shows itself; its scripts put what they show in place of what stands there."""

DESCRIPTION = (
    "Well-made things for every day: bags, kitchen, home and outdoors. Held for you while you pay, by card or in cash "
    "at your door."
)
"""Of the shop, as the build's index.html has it."""

CATEGORIES = "/api/categories"

HEROES = 3
FEATURED = 8

NEWEST: Mapping[str, str] = {"inStock": "true", "sort": "newest", "limit": str(HEROES + FEATURED)}
"""Which products the home page shows, as `GET /api/products` is asked for them by the storefront, in its order."""

RELATED = 4
"""Other products of a category that the page of one shows."""

EAGER = 6
"""Products of a list that are in view when it opens, on a phone; a desktop shows eight."""

NEW_PATH = "/products?sort=newest"

IN_A_GRID = "(width < 48rem) 34vw, 14rem"
"""How wide a picture is drawn among others: as in frontend/src/app/ui/product-image.ts, so that one size is loaded."""

FEW = 10
"""Below this many, it is said how many there are: as in frontend/src/app/ui/stock.ts."""

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
        indexed: whether search engines should show it.
        answers: of the API, by path and query, from which it was made.
        words: of a search, of which this is the answer.
    """

    title: str | None
    description: str
    path: str
    body: str
    image: str | None = None
    data: Sequence[Json] = field(default_factory=tuple)
    kind: str = ""
    found: bool = True
    indexed: bool = True
    answers: Mapping[str, Json] = field(default_factory=dict)
    words: str = ""

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
            ROOT, f"<shop-root>{self._masthead()}<main>{body}</main></shop-root>{''.join(self._answers())}", 1
        )

    def _masthead(self) -> str:
        """As tall as the storefront's own, so that the page stays where it is when that has come."""
        categories = self.answers.get(CATEGORIES, {"items": []})["items"]
        links = [
            ("/products", "All products"),
            *((category_path(each["category"]), each["category"]) for each in categories),
        ]
        items = "".join(f'<li><a href="{escape(path)}">{escape(text)}</a></li>' for path, text in links)
        # The storefront shows one of the two, and so does its sheet.
        in_the_bar, below = (_search(self.words, place) for place in ("", ' class="wrap"'))
        return (
            '<header class="masthead"><div class="wrap masthead-bar">'
            '<button type="button" class="icon-button masthead-menu" popovertarget="categories">'
            f'{_icon("menu")}<span class="visually-hidden">Categories</span></button><a class="logo" href="/">'
            f'<img src="/favicon.svg" alt="" width="32" height="32"><span>{SHOP}</span></a>{in_the_bar}</div></header>'
            f'{below}<nav id="categories" class="categories" popover aria-label="Categories"><ul>{items}</ul></nav>'
        )

    def _answers(self) -> Iterable[str]:
        if self.answers:
            yield f'<script type="application/json" id="answers">{_in_a_script(self.answers)}</script>'

    def _head(self, origin: str) -> Iterable[str]:
        described = escape(self.description)
        yield f'<meta name="description" content="{described}">'
        if not (self.found and self.indexed):
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
        answers={f"/api/products?{urlencode(NEWEST)}": newest, CATEGORIES: categories},
    )


def _mixed(products: Iterable[Json]) -> list[Json]:
    """The same products, no two of a category side by side while there are others."""
    by_category: dict[str, list[Json]] = {}
    for each in products:
        by_category.setdefault(each["category"], []).append(each)
    rounds = zip_longest(*by_category.values())
    return [each for one in rounds for each in one if each is not None]


def related_to(product: Json) -> dict[str, str]:
    """Which products the page of one shows besides, as `GET /api/products` is asked for them."""
    return {"category": product["category"], "inStock": "true", "limit": str(RELATED + 1)}


def product_page(product: Json, related: Json, categories: Json) -> Page:
    """The page of a product.

    Args:
        product: as `GET /api/products/{productId}` has it.
        related: as `GET /api/products` has them, asked for `related_to`.
        categories: as `GET /api/categories` has them.
    """
    group = product.get("group")
    name, price = (group["name"] if group else product["name"]), _money(product["price"])
    path = path_of(product["productId"])
    category = category_path(product["category"])
    images = [image["sizes"][-1]["url"] for image in product["images"]]
    in_stock = product["listed"] and product["available"] > 0
    crumbs = [("All products", "/products"), (product["category"], category), (name, path)]
    stock = _stock(product["available"]) if product["listed"] else "We no longer sell this."
    others = [each for each in related["items"] if (each.get("group") or each)["name"] != name][:RELATED]
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
                '<section class="section"><h2>You may also like</h2>' if others else "",
                f'<ul class="products">{_cards(others)}</ul></section>' if others else "",
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
        answers={
            f"/api{path}": product,
            f"/api/products?{urlencode(related_to(product))}": related,
            CATEGORIES: categories,
        },
    )


def list_page(products: Json, categories: Json, filters: Filters) -> Page:
    """The page of all products, of a category, or of what a search has found. It looks as the storefront's own
    (frontend/src/app/pages/products.ts).

    Args:
        products: as `GET /api/products` has them, asked for `filters.query`.
        categories: as `GET /api/categories` has them.
        filters: to which they are narrowed down.
    """
    category, items = filters.category, products["items"]
    title = _heading(filters)
    found = (
        f'<ul class="products">{_cards(items, eager=EAGER)}</ul>{_next_page(products, filters)}'
        if items
        else f'<div class="blank"><h2>No products found</h2><p>{escape(_nothing(filters))}</p></div>'
    )
    return Page(
        title=title,
        description=f"{title} at {SHOP}: {products['total']} well-made things for every day.",
        path=category_path(category) if category else "/products",
        image=items[0]["images"][0]["sizes"][-1]["url"] if items and items[0]["images"] else None,
        kind="listing",
        body="".join(
            [
                f'<div class="listing-head"><h1>{escape(title)}</h1>',
                f'<p class="listing-count">{_count(products, filters)}</p></div>',
                _filters(products, filters),
                _resembling(products, filters),
                found,
            ]
        ),
        found=bool(items) or not category or filters.narrowed,
        # What a search finds is a page of this shop's own search, and not one that others should lead to.
        indexed=not filters.q,
        answers={f"/api/products?{urlencode(filters.query)}": products, CATEGORIES: categories},
        words=filters.q,
    )


def _heading(filters: Filters) -> str:
    if filters.q:
        return f"“{filters.q}” in {filters.category}" if filters.category else f"Results for “{filters.q}”"
    return filters.category or "All products"


def _count(products: Json, filters: Filters) -> str:
    shown = len(products["items"])
    if products["nextCursor"]:
        return f"The first {shown} products" if filters.in_stock else f"{shown} of {products['total']} products"
    return f"{shown} product{'' if shown == 1 else 's'}"


def _resembling(products: Json, filters: Filters) -> str:
    if products["exact"] or not products["items"]:
        return ""
    these = "This comes" if len(products["items"]) == 1 else "These come"
    return f'<p class="listing-note">Nothing here is called “{escape(filters.q)}”. {these} close.</p>'


def _nothing(filters: Filters) -> str:
    if filters.q:
        return f"We found nothing for “{filters.q}”. Check the spelling, or try fewer or other words."
    return "No products match these filters right now."


def _filters(products: Json, filters: Filters) -> str:
    """A form that leads to what is chosen in it; without scripts a button does so."""
    counts = {each["category"]: each["count"] for each in products["categories"]}
    if filters.category and filters.category not in counts:
        counts = {filters.category: 0, **counts}
    categories = {"": "All", **{name: f"{name} ({count})" for name, count in counts.items()}}
    price = products["prices"]
    least, most = (_plain(price[each]) if price else "" for each in ("lowest", "highest"))
    kept = {"q": filters.q, "minPrice": filters.min_price, "maxPrice": filters.max_price}
    hidden = (
        f'<input type="hidden" name="{name}" value="{escape(str(value))}">'
        for name, value in kept.items()
        if value not in ("", None)
    )
    words = (
        f'<a class="tag filter-words" href="{escape(filters.path(q=None))}">'
        f"<span>“{escape(filters.q)}”</span>{_icon('close')}</a>"
    )
    return "".join(
        [
            '<form class="filters" action="/products" aria-label="Filters">',
            _choice("Category", "category", categories, filters.category or ""),
            _choice("Sort by", "sort", filters.sorts, filters.sort.value if filters.sort else ""),
            '<fieldset class="filter filter-prices" disabled>',
            f"<legend>Price{' in ' + price['lowest']['currency'] if price else ''}</legend>",
            f'<input aria-label="Lowest price" placeholder="{least}"><span aria-hidden="true">–</span>',
            f'<input aria-label="Highest price" placeholder="{most}"></fieldset>',
            '<label class="check"><input type="checkbox" name="inStock" value="true"',
            f"{_if(filters.in_stock, ' checked')}> In stock only</label>",
            words if filters.q else "",
            *hidden,
            '<noscript><button class="button button-quiet">Show</button></noscript></form>',
        ]
    )


def _choice(label: str, name: str, options: Mapping[str, str], chosen: str) -> str:
    choices = "".join(
        f'<option value="{escape(value)}"{_if(value == chosen, " selected")}>{escape(text)}</option>'
        for value, text in options.items()
    )
    return f'<label class="filter"><span>{label}</span><select class="select" name="{name}">{choices}</select></label>'


def _next_page(products: Json, filters: Filters) -> str:
    if not products["nextCursor"] or filters.pages >= AT_ONCE:
        return ""
    path = filters.path(page=str(filters.pages + 1))
    return f'<p class="listing-more"><a class="button button-quiet" href="{escape(path)}">Load more</a></p>'


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


def _cards(products: Iterable[Json], eager: int = 0) -> str:
    """Products in a grid. It looks as the storefront's own (frontend/src/app/ui/product-card.ts).

    Args:
        products: in their order.
        eager: how many of them are in view when the page opens.
    """
    return "".join(_card(each, first=place < eager) for place, each in enumerate(products))


def _card(product: Json, *, first: bool) -> str:
    group = product.get("group")
    variants = group["variants"] if group else [product]
    available = sum(each["available"] for each in variants)
    # Of a group, where it leads to: one that can be had.
    place = next((each for each in (product, *variants) if each["available"]), product)
    path = escape(path_of(place["productId"]))
    button = f"Choose {group['attribute'].lower()}" if group else "Add to cart" if available else "Sold out"
    return (
        f'<li class="card">{_image(product, "", first=first)}<div class="card-text">'
        f'<a class="card-link" href="{path}">{escape((group or product)["name"])}</a>'
        f'<span class="card-facts"><span class="price">{escape(str(_money(product["price"])))}</span>'
        f"{_stock(available) if available < FEW else ''}</span></div>"
        f'<p class="add"><a class="button button-quiet" href="{path}" tabindex="-1" aria-hidden="true">'
        f"{escape(button)}</a></p></li>"
    )


def _stock(available: int) -> str:
    level, words = (
        ("none", "Sold out")
        if not available
        else ("few", f"Only {available} left")
        if available < FEW
        else ("good", "In stock")
    )
    return f'<span class="stock stock-{level}">{words}</span>'


def _search(words: str, kind: str) -> str:
    return (
        f'<shop-search-box{kind}><search><form class="search-box" action="/products">'
        f'<input name="q" type="search" maxlength="100" placeholder="Search" aria-label="Search for products" '
        f'value="{escape(words)}"><button type="submit" class="icon-button">{_icon("search")}'
        '<span class="visually-hidden">Search</span></button></form></search></shop-search-box>'
    )


def _icon(name: str) -> str:
    return f'<span class="icon" aria-hidden="true"><svg focusable="false"><use href="/icons.svg#{name}"/></svg></span>'


def _if(condition: bool, text: str) -> str:
    return text if condition else ""


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


def _plain(price: Json) -> str:
    """An amount as it is typed into a filter: 23.50, and 23 for 23.00."""
    return re.sub(r"\.0+$", "", _decimal(_money(price)))


def _money(price: Json) -> Money:
    return Money(amount=price["amount"], currency=price["currency"])
