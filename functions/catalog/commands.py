"""The use cases of the catalogue: over a port, without HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog import domain
from catalog.domain import ChangeKind, Editor, Product, ProductChange, ProductImage, ProductText, Rule, slug_of
from cloudretail.errors import Contention, InvalidInput, LostRace
from cloudretail.money import Currency
from cloudretail.repository import MAX_RACES, pause_before_retry


class Products(Protocol):
    """Products. A change and its record are written together, both or neither."""

    def find(self, product_id: str) -> Product:
        """The product as it is now, by a consistent read; raises NotFound."""
        ...

    def add(self, product: Product, change: ProductChange) -> None:
        """Write a new product; raises Conflict `product-exists` if there is a product with this id."""
        ...

    def save(self, before: Product, after: Product, change: ProductChange) -> None:
        """Write a change by staff; raises LostRace if the product's version is no longer that of `before`."""
        ...


@dataclass(frozen=True)
class Ports:
    """The ports of the commands.

    Attributes:
        products: the repository of products.
        currency: the shop's.
    """

    products: Products
    currency: Currency


def add_product(ports: Ports, product_id: str | None, text: ProductText, *, listed: bool, editor: Editor) -> Product:
    """Add a product.

    Args:
        ports: products and currency.
        product_id: chosen by staff; None makes it of the name.
        text: name, description, category and price.
        listed: whether it is sold from now on.
        editor: who adds it.

    Raises:
        InvalidInput: the price is in another currency than the shop's.
        Conflict: there is a product with this id.
    """
    _require_currency(text, ports.currency)
    product, change = domain.create(product_id or slug_of(text.name), text, listed=listed, editor=editor)
    ports.products.add(product, change)
    return product


def replace_text(ports: Ports, product_id: str, text: ProductText, version: int, editor: Editor) -> Product:
    """Replace a product's name, description, category and price.

    Args:
        ports: products and currency.
        product_id: of the product.
        text: the new values.
        version: the version of the product that the editor has seen.
        editor: who does it.

    Returns:
        The product as it is now. A repeated request changes nothing, and returns the same product.

    Raises:
        InvalidInput: the price is in another currency than the shop's.
        ProductChanged: the product has another version now.
        NotFound: there is no such product.
        Contention: too many lost races in a row.
    """
    _require_currency(text, ports.currency)
    return _change(ports, product_id, ChangeKind.TEXT, domain.with_text(text), version, editor)


def set_listed(ports: Ports, product_id: str, version: int, *, listed: bool, editor: Editor) -> Product:
    """List or unlist a product; raises as `replace_text`."""
    kind = ChangeKind.LISTED if listed else ChangeKind.UNLISTED
    return _change(ports, product_id, kind, domain.with_listing(listed), version, editor)


def add_image(ports: Ports, product_id: str, image: ProductImage, editor: Editor) -> Product:
    """Add a picture to a product. It waits for its upload.

    Raises:
        Conflict: the product has the greatest number of pictures already.
        NotFound, Contention: as `replace_text`.
    """
    return _change(ports, product_id, ChangeKind.IMAGE_ADDED, domain.with_new_image(image), None, editor)


def put_images(ports: Ports, product_id: str, images: Sequence[ProductImage], version: int, editor: Editor) -> Product:
    """Show these of a product's pictures, in this order, with these texts, and remove the others.

    Raises:
        InvalidInput: the product has no such picture, or one is named twice.
        ProductChanged, NotFound, Contention: as `replace_text`.
    """
    return _change(ports, product_id, ChangeKind.IMAGES, domain.with_images(images), version, editor)


def _change(
    ports: Ports, product_id: str, kind: ChangeKind, rule: Rule, version: int | None, editor: Editor
) -> Product:
    """Read the product, decide, and write it with the record of the change.

    A    read 4                     save 5 if 4: holds
    B           read 4                                   save 5 if 4: lost -> read 5: ProductChanged, if B said 4
    """
    for race in range(MAX_RACES):
        product = ports.products.find(product_id)
        edited = domain.edit(product, kind, rule, version, editor)
        if edited is None:
            return product
        after, change = edited
        try:
            ports.products.save(product, after, change)
        except LostRace:
            pause_before_retry(race)
        else:
            return after
    raise Contention(f"{product_id}: lost {MAX_RACES} races in a row")


def _require_currency(text: ProductText, currency: Currency) -> None:
    if text.price.currency != currency:
        raise InvalidInput("price.currency", f"This shop sells in {currency}.")
