import re
from collections import Counter

import pytest

from retail_ops.stack.catalogue import Product, load

PRODUCTS = load()
EACH = pytest.mark.parametrize("product", PRODUCTS, ids=[product.id for product in PRODUCTS])


def test_there_is_enough_to_browse() -> None:
    categories = Counter(product.category for product in PRODUCTS)
    assert len(PRODUCTS) >= 24
    assert len(categories) >= 5
    assert min(categories.values()) >= 3


def test_no_two_products_share_an_id_or_a_name() -> None:
    assert len({product.id for product in PRODUCTS}) == len(PRODUCTS)
    assert len({product.name for product in PRODUCTS}) == len(PRODUCTS)


def test_one_product_is_nearly_gone_and_one_is_sold_out() -> None:
    stocks = [product.stock for product in PRODUCTS]
    assert 3 in stocks
    assert stocks.count(0) == 1


@EACH
def test_a_product_can_be_sold(product: Product) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", product.id)
    assert product.name
    assert 40 <= len(product.description) <= 400
    assert "\n" not in product.description
    assert product.price > 0
    assert product.currency == "SGD"
    assert product.stock >= 0


@EACH
def test_a_product_has_an_image_that_is_one(product: Product) -> None:
    content = product.image.read_bytes()
    assert content[:4] == b"RIFF"
    assert content[8:12] == b"WEBP"
    assert len(content) < 50_000


def test_every_image_belongs_to_a_product_and_the_licence_is_with_them() -> None:
    folder = PRODUCTS[0].image.parent
    assert {file.name for file in folder.iterdir()} == {product.image.name for product in PRODUCTS} | {"LICENSE"}
