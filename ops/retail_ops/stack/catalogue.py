"""The catalogue that a new shop is filled with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from retail_ops.stack.shop import PROJECT

FOLDER = PROJECT / "ops" / "catalogue"


@dataclass(frozen=True)
class Product:
    """A product to be sold.

    Args:
        id: slug; it is the product's id in the shop.
        name: what shoppers read.
        description: one paragraph.
        category: what it is listed under.
        price: in minor units of the currency.
        currency: ISO 4217 code.
        stock: how many are received; 0 is sold out.
        image: file with its image.
        variant: which one of a group it is, as the API takes it; None where it is the only one of its kind.
    """

    id: str
    name: str
    description: str
    category: str
    price: int
    currency: str
    stock: int
    image: Path
    variant: Mapping[str, str] | None = None


def load(folder: Path = FOLDER) -> list[Product]:
    """The products in the order of the file.

    Args:
        folder: holds catalogue.yaml and the images.
    """
    content = yaml.safe_load((folder / "catalogue.yaml").read_text())
    found = (
        Product(currency=content["currency"], image=folder / "images" / f"{entry['id']}.webp", **variant)
        for entry in content["products"]
        for variant in _variants(entry)
    )
    return list(found)


def _variants(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """A product for each of the sizes, with the stock that stands there; or the one that it is."""
    if "sizes" not in entry:
        return [entry]
    common = {name: value for name, value in entry.items() if name != "sizes"}
    return [
        common
        | {
            "id": f"{entry['id']}-{str(size).lower()}",
            "name": f"{entry['name']}, size {size}",
            "stock": stock,
            "variant": {"group": entry["name"], "attribute": "Size", "value": str(size)},
        }
        for size, stock in entry["sizes"].items()
    ]


def load_rates(file: Path = FOLDER / "rates.yaml") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The zones and the tax rates of a new shop, as the back office's API takes them.

    Args:
        file: with the amounts in minor units of its currency.
    """
    content = yaml.safe_load(file.read_text())
    currency = content["currency"]

    def with_money(entry: dict[str, Any]) -> dict[str, Any]:
        amounts = {name: entry[name] for name in ("price", "freeFrom", "cashUpTo") if name in entry}
        return {**entry, **{name: {"amount": amount, "currency": currency} for name, amount in amounts.items()}}

    zones = [
        {**with_money(zone), "methods": [with_money(method) for method in zone["methods"]]} for zone in content["zones"]
    ]
    return zones, content["taxRates"]
