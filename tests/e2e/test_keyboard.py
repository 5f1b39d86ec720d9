"""A whole purchase without a mouse."""

from playwright.sync_api import Locator, expect

from retail_ops.stack.catalogue import Product
from tests.e2e.visitor import Visitor
from tests.support.shoppers import ADDRESS, PASSWORD, Shopper

FAR = 150
"""So many stops of the Tab key are no way to anything."""


class Keyboard:
    """What somebody does who has no mouse: Tab, and then a key or a text."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._keys = visitor.page.keyboard

    def to(self, target: Locator, key: str = "Tab") -> None:
        """Go to something, and see that one is there."""
        for _ in range(FAR):
            self._keys.press(key)
            if target.evaluate("each => each === document.activeElement"):
                assert target.evaluate(
                    "each => [each, each.closest('label')].some("
                    "some => some && (getComputedStyle(some).outlineStyle !== 'none'"
                    " || getComputedStyle(some, '::after').outlineStyle !== 'none'))"
                ), f"the focus shows nowhere on {target}"
                return
        raise AssertionError(f"the Tab key does not lead to {target}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.to(target)
        self._keys.press(key)

    def write(self, label: str, text: str) -> None:
        self.to(self._visitor.field(label))
        self._keys.press("ControlOrMeta+A")
        self._keys.type(text)

    def arrives(self, heading: str) -> None:
        """A new page: the focus is at its heading."""
        expect(self._visitor.page.get_by_role("heading", level=1, name=heading)).to_be_focused()


def test_a_purchase_with_the_keyboard_alone(visitor: Visitor, shopper: Shopper, catalogue: list[Product]) -> None:
    page, keyboard, thing = visitor.page, Keyboard(visitor), catalogue[1]
    main = page.get_by_role("main")
    visitor.open("/", "Well-made things")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(main).to_be_focused()

    page.reload()
    visitor.sees("Well-made things")
    keyboard.write("Search for products", thing.name)
    page.keyboard.press("Enter")
    keyboard.arrives(f"“{thing.name}”")
    keyboard.press(main.get_by_role("link", name=thing.name, exact=True).first)
    keyboard.arrives(thing.name)
    keyboard.press(page.get_by_role("article").get_by_role("button", name="Add to cart"), "Space")
    keyboard.press(page.get_by_role("link", name="View cart"))
    keyboard.arrives("Your cart")
    keyboard.press(visitor.button("One more"), "Space")
    expect(page.get_by_role("complementary")).to_contain_text("2 items")
    keyboard.press(visitor.link("Check out"))
    keyboard.arrives("Log in")
    keyboard.write("E-mail address", shopper.email)
    keyboard.write("Password", PASSWORD)
    page.keyboard.press("Enter")
    keyboard.arrives("Checkout")
    visitor.reads(thing.name)

    keyboard.write("Full name", ADDRESS["name"])
    keyboard.write("Street and number", ADDRESS["line1"])
    keyboard.write("Postal code", ADDRESS["postalCode"])
    keyboard.write("City", ADDRESS["city"])
    keyboard.write("Phone (optional)", ADDRESS["phone"])
    keyboard.to(page.get_by_role("radio", name="Card"))
    keyboard.press(visitor.button("Place order"))
    keyboard.arrives("Payment")
    visitor.button("Pay SGD").wait_for()
    keyboard.press(visitor.button("Use 4000 0000 0000 0002"))
    keyboard.to(visitor.button("Pay SGD"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="2 attempts left")).to_be_focused()
    keyboard.to(page.get_by_role("radio", name="Card"))
    page.keyboard.press("ArrowDown")
    keyboard.press(visitor.button("Pay SGD"))
    keyboard.arrives("Thank you, your order is confirmed")

    keyboard.press(visitor.link("View order"))
    keyboard.arrives("Your order")
    keyboard.press(visitor.button("Cancel order"))
    expect(visitor.button("Keep order")).to_be_focused()
    page.keyboard.press("Escape")
    expect(visitor.button("Cancel order")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Order updates")).to_be_focused()
    visitor.reads("Your parcel had not left yet.")


def test_the_cart_beside_the_page_keeps_the_focus_and_gives_it_back(visitor: Visitor, shopper: Shopper) -> None:
    page, keyboard = visitor.page, Keyboard(visitor)
    visitor.log_in(shopper, "/orders")
    opener = page.get_by_role("banner").get_by_role("button", name="Cart")
    keyboard.press(opener)
    drawer = page.get_by_role("dialog", name="Your cart")
    expect(drawer).to_be_visible()
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()
