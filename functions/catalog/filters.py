"""What a list of products is narrowed down to, as its page's address says it.

Anybody may write an address: what is not known there is not meant. The storefront reads it in the same way
(frontend/src/app/core/filters.ts), so that the page which the catalogue makes is the one that it shows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlencode

from catalog.domain import Sort

PAGE = 24
"""Products that are shown at once; a page of the address is as many more, below each other."""

AT_ONCE = 4
"""Pages that the API gives at once."""

MOST_PAGES = 20
"""That one address can show below each other."""

SORTS: Mapping[Sort, str] = {
    Sort.RELEVANCE: "Best match",
    Sort.NAME: "Name",
    Sort.NEWEST: "Newest first",
    Sort.PRICE: "Lowest price first",
    Sort.PRICE_DESCENDING: "Highest price first",
}
"""In which order a list can be, and what that is called."""


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed down to, its order, and how much of it is shown.

    Args:
        category: exactly this one; None for all.
        q: words of a search; empty without one.
        sort: None for the usual one.
        in_stock: only what can be had now.
        min_price: in minor units; None where it does not matter.
        max_price: as `min_price`.
        pages: of PAGE products, below each other.
    """

    category: str | None = None
    q: str = ""
    sort: Sort | None = None
    in_stock: bool = False
    min_price: int | None = None
    max_price: int | None = None
    pages: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Those of an address."""
        q = query.get("q", "").strip()[:100]
        least, most = (_amount(query.get(name, "")) for name in ("minPrice", "maxPrice"))
        if least is not None and most is not None and least > most:
            least, most = most, least
        _, *others = _orders(q)
        return cls(
            category=query.get("category", "")[:120] or None,
            q=q,
            sort=next((each for each in others if each == query.get("sort")), None),
            in_stock=query.get("inStock") == "true",
            min_price=least,
            max_price=most,
            pages=_pages(query.get("page", "")),
        )

    @property
    def sorts(self) -> Mapping[str, str]:
        """What can be chosen, by its value in the address; the usual one, which is first, has none there."""
        return {"" if place == 0 else each.value: SORTS[each] for place, each in enumerate(_orders(self.q))}

    @property
    def narrowed(self) -> bool:
        """Whether anything but the category leaves products out."""
        return bool(self.q or self.in_stock or self.min_price is not None or self.max_price is not None)

    @property
    def limit(self) -> int:
        """How many products are asked for at first."""
        return min(self.pages, AT_ONCE) * PAGE

    @property
    def query(self) -> dict[str, str]:
        """For `GET /api/products`."""
        return {**self._query, "limit": str(self.limit)}

    def path(self, **changes: str | None) -> str:
        """Address of the list, with these parameters changed; None leaves one out."""
        query = {name: value for name, value in {**self._query, **changes}.items() if value is not None}
        return "/products" + (f"?{urlencode(query, quote_via=quote)}" if query else "")

    @property
    def _query(self) -> dict[str, str]:
        return {
            **({"category": self.category} if self.category else {}),
            **({"q": self.q} if self.q else {}),
            **({"inStock": "true"} if self.in_stock else {}),
            **({"minPrice": str(self.min_price)} if self.min_price is not None else {}),
            **({"maxPrice": str(self.max_price)} if self.max_price is not None else {}),
            **({"sort": self.sort.value} if self.sort else {}),
        }


def _orders(q: str) -> list[Sort]:
    """In which a list can be, the usual one first."""
    return [each for each in SORTS if q or each is not Sort.RELEVANCE]


def _amount(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _pages(text: str) -> int:
    return min(max(int(text), 1), MOST_PAGES) if re.fullmatch(r"[0-9]{1,3}", text) else 1
