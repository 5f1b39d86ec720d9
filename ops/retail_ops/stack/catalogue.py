"""The catalogue that a new shop is filled with."""

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
    """

    id: str
    name: str
    description: str
    category: str
    price: int
    currency: str
    stock: int
    image: Path


def load(folder: Path = FOLDER) -> list[Product]:
    """The products in the order of the file.

    Args:
        folder: holds catalogue.yaml and the images.
    """
    content = yaml.safe_load((folder / "catalogue.yaml").read_text())
    return [
        Product(**entry, currency=content["currency"], image=folder / "images" / f"{entry['id']}.webp")
        for entry in content["products"]
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
