"""What the law and trust want: who sells, on which terms, and a receipt."""

import re

import httpx
from playwright.sync_api import expect

from retail_ops.stack.catalogue import Product
from retail_ops.stack.shop import Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Shopper


def test_every_text_is_a_click_away_and_leads_on(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/", "Well-made things")
    for link, sentence in (
        ("Contact", "A person answers"),
        ("Imprint", "This shop is run by"),
        ("Privacy", "Card numbers never reach us"),
        ("Shipping and returns", "You have 30 days from delivery"),
        ("Terms of sale", "You buy from CloudRetail"),
    ):
        page.get_by_role("contentinfo").get_by_role("link", name=link).click()
        visitor.sees(link)
        expect(page.get_by_role("heading", level=1, name=link)).to_be_focused()
        visitor.reads(sentence)
    visitor.link("shipping and returns").click()
    visitor.sees("Shipping and returns")
    # Each page says whom one buys from, and how one can pay.
    footer = page.get_by_role("contentinfo")
    expect(footer).to_contain_text("Sold by CloudRetail, sent from Singapore 018956")
    ways = footer.get_by_role("list", name="Ways to pay").get_by_role("listitem")
    expect(ways).to_have_text(["Visa", "Mastercard", "American Express", "Cash on delivery"])


def test_a_receipt_has_the_seller_the_tax_and_nothing_else_on_paper(
    visitor: Visitor, shop: Shop, shopper: Shopper, catalogue: list[Product]
) -> None:
    page = visitor.page
    order_id = shopper.order(catalogue[0].id, 2, method="COD")
    shopper.sees(order_id, "CONFIRMED")
    visitor.log_in(shopper, f"/orders/{order_id}")
    visitor.link("Receipt, to print").click()
    visitor.sees("Receipt")
    visitor.reads("1 Example Road")
    row = page.get_by_role("row").filter(has_text=catalogue[0].name)
    expect(row.get_by_role("cell")).to_have_text(["2", "SGD\u00a089.00", "SGD\u00a0178.00"])
    visitor.reads("To be paid in cash on delivery.")

    page.emulate_media(media="print")
    for gone in (
        page.get_by_role("banner"),
        page.get_by_role("contentinfo"),
        page.get_by_role("navigation"),
        page.get_by_role("search"),
        page.get_by_role("button"),
    ):
        expect(gone).to_have_count(0)
    printed = page.locator("body")
    expect(page.get_by_role("heading", level=1)).to_have_text("Receipt")
    number = order_id.removeprefix("ord_")[:10].upper()
    # The shop of these tests has no tax rates.
    tax = "No tax is included."
    for said in (f"Order {number}", "Sold by", "CloudRetail", "1 Example Road", tax, "Total"):
        expect(printed).to_contain_text(said, use_inner_text=True)
    # Its heading says it already.
    expect(printed).not_to_contain_text("This shop is run by", use_inner_text=True)
    # A sheet of paper is enough.
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1


def test_an_address_that_there_is_not_is_a_404_and_a_product_is_read_without_javascript(
    shop: Shop, catalogue: list[Product]
) -> None:
    with httpx.Client(base_url=shop.storefront_url, trust_env=False, timeout=60) as client:
        assert [client.get(path).status_code for path in ("/no/such/page", "/products/unobtainium")] == [404, 404]
        page = client.get(f"/products/{catalogue[0].id}")
        assert page.status_code == 200
        for part in (
            f"<h1>{catalogue[0].name}</h1>",
            "SGD 89.00",
            '"@type": "BreadcrumbList"',
            "og:title",
            "canonical",
            '<meta name="seller" content="CloudRetail">',
        ):
            assert part in page.text
        assert f"{shop.storefront_url}/products/{catalogue[0].id}" in client.get("/sitemap.xml").text
        for path in ("/", "/products", f"/products/{catalogue[0].id}", "/products/unobtainium", "/sitemap.xml"):
            asked = client.head(path)
            assert (asked.status_code, asked.content) == (client.get(path).status_code, b"")
