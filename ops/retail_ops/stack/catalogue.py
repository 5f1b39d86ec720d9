"""The catalogue that a new shop is filled with."""

from dataclasses import dataclass
from pathlib import Path

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
