"""The storefront's addresses are said in three places, which agree."""

import re

import pytest

from retail_ops.stack.addresses import BY_THE_CATALOGUE, PAGES, is_known, pattern, text_at
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.texts import names
from tests.unit.test_template import SHOP

ROUTES = (PROJECT / "frontend" / "src" / "app" / "app.routes.ts").read_text()


def test_the_addresses_are_those_of_the_routes() -> None:
    # Routes below another one are deeper in the file.
    routes = set(re.findall(r"^(?:  \{ |    )path: '([\w-]+)", ROUTES, re.MULTILINE))
    texts = re.search(r"TEXTS = \{(.*?)\}", ROUTES, re.DOTALL)

    assert routes == set(PAGES)
    assert texts
    assert re.findall(r"^  (\w+): ", texts[1], re.MULTILINE) == names()


def test_the_distribution_knows_the_same_ones() -> None:
    code = SHOP.body["Resources"]["HistoryFallback"]["Properties"]["FunctionCode"]

    assert f"/^\\/({pattern(names())})$/" in code
    others = [page for page in PAGES if page != BY_THE_CATALOGUE]
    assert f"/^\\/(|({pattern(others)})(\\/.*)?)$/" in code
    assert f"/^\\/{BY_THE_CATALOGUE}(\\/|$)/" in code


@pytest.mark.parametrize(
    "path", ["/", "/products", "/products/canvas-backpack", "/orders/ord_1/pay", "/admin", "/ops/queues"]
)
def test_a_page_of_the_shop_is_known(path: str) -> None:
    assert is_known(path)
    assert text_at(path) is None


@pytest.mark.parametrize("path", ["/nothing", "/productsx", "/product", "/terms/x", "//", "/Terms"])
def test_what_is_no_page_is_not_known(path: str) -> None:
    assert not is_known(path)
    assert text_at(path) is None


def test_a_text_has_an_address() -> None:
    assert text_at("/terms") == "terms"
