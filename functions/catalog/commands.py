"""What an operator can ask of the catalogue: over ports, without HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from catalog.domain import Product, ProductText, slug_of
from cloudretail.errors import InvalidInput
from cloudretail.money import Currency


class Products(Protocol):
    """The products that are written."""

    def add(self, product: Product) -> None:
        """Raises Conflict `product-exists` where there is a product of this id."""
        ...

    def replace(self, product_id: str, text: ProductText) -> Product:
        """Replace what an operator writes of a product, and keep the rest; raises NotFound."""
        ...


@dataclass(frozen=True)
class Ports:
    """What the commands work on.

    Attributes:
        products: where they are kept.
        currency: the shop's.
    """

    products: Products
    currency: Currency


def add_product(ports: Ports, product_id: str | None, text: ProductText, now: datetime) -> Product:
    """Add a product.

    Args:
        ports: as above.
        product_id: chosen by the operator; made of the name where it is None.
        text: what the operator writes of it.
        now: aware.

    Raises:
        InvalidInput: the price is in another currency than the shop's.
        Conflict: there is a product of this id.
    """
    _require_currency(text, ports.currency)
    product = Product(product_id=product_id or slug_of(text.name), created_at=now, **dict(text))
    ports.products.add(product)
    return product


def replace_product(ports: Ports, product_id: str, text: ProductText) -> Product:
    """Replace what is written of a product.

    Raises:
        InvalidInput: the price is in another currency than the shop's.
        NotFound: there is no such product.
    """
    _require_currency(text, ports.currency)
    return ports.products.replace(product_id, text)


def _require_currency(text: ProductText, currency: Currency) -> None:
    if text.price.currency != currency:
        raise InvalidInput("price.currency", f"This shop sells in {currency}.")
