"""What somebody does at the storefront, by the words on the page."""

import json
import re
from collections.abc import Mapping

from playwright.sync_api import ConsoleMessage, Locator, Page, Response, Route, expect

from retail_ops.local.mails import read_mails
from retail_ops.stack.shop import Shop
from tests.support.shoppers import ADDRESS, PASSWORD, Shopper, eventually

POSTAL_CODE = re.compile(r"^(Postal|ZIP) code")
PHONE = re.compile(r"^Phone")

SECRETS = {
    "a token": re.compile(r"eyJ[\w-]+\.[\w-]+"),
    "a password": re.compile(re.escape(PASSWORD)),
    # The last digits of a card are a word of their own; within a random id they stand by chance.
    "a card": re.compile(r"tok_|(?<![\w-])4242(?![\w-])|4242 ?4242|4000 ?0000"),
}


class Visitor:
    """Somebody with a browser.

    Args:
        page: the tab.
        shop: a running one.

    Attributes:
        complaints: what the browser's console said that is a mistake of the storefront.
    """

    def __init__(self, page: Page, shop: Shop) -> None:
        self.page = page
        self.shop = shop
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        # The browser itself notes each answer that is no success; those of the API are what a test is about.
        of_the_api = "/api/" in message.location["url"] and message.text.startswith("Failed to load resource")
        # A page that there is not is answered as that.
        missing = message.location["url"] == self.page.url and "status of 404" in message.text
        if message.type in ("error", "warning") and not of_the_api and not missing:
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def secrets(self) -> list[str]:
        """Kinds of secrets that the browser's storage holds."""
        if not self.page.url.startswith("http"):
            return []
        kept = json.dumps(self.page.evaluate("[{...localStorage}, {...sessionStorage}]"))
        return [kind for kind, pattern in SECRETS.items() if pattern.search(kept)]

    def gets_no_categories(self) -> None:
        """The home page brings no answers along, and those about categories are lost."""

        def bare(route: Route) -> None:
            page = route.fetch()
            route.fulfill(response=page, body=re.sub(r'<script type="application/json".*?</script>', "", page.text()))

        self.page.route(re.compile(r"^http://[^/]+/$"), bare)
        self.page.route("**/api/categories", lambda route: route.abort())

    # --- looking ------------------------------------------------------------------------------------------------

    def open(self, path: str, heading: str) -> None:
        """Load a page by its address."""
        self.page.goto(path)
        self.sees(heading)

    def sees(self, heading: str) -> None:
        """Wait for the page whose heading has these words; "Dead letters" has not those of "Dead letter"."""
        name = re.compile(rf"(?<!\w){re.escape(heading)}(?!\w)")
        expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()

    def reads(self, text: str) -> None:
        """Wait for a text."""
        expect(self.page.get_by_text(text).and_(self.page.locator(":not(.visually-hidden)")).first).to_be_visible()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("main").get_by_role("link", name=name)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    # --- accounts -----------------------------------------------------------------------------------------------

    def log_in(self, shopper: Shopper, path: str = "/cart") -> None:
        """Log in, and come to a page that only says something to those who have."""
        self.open(f"/login?next={path}", "Log in")
        self.enter(shopper.email)
        self.page.wait_for_url(f"**{path}")

    def enter(self, email: str, password: str = PASSWORD) -> None:
        """Fill in the log-in page."""
        self.field("E-mail address").fill(email)
        self.field("Password").fill(password)
        self.page.get_by_role("main").get_by_role("button", name="Log in").click()

    def fill_registration(self, code: str) -> None:
        """Fill in the page that asks for the code of a new address."""
        self.field("Code").fill(code)
        self.field("Name").fill("Vera Visitor")
        self.field("Password").fill(PASSWORD)

    def log_out(self) -> None:
        self.button("your account").click()
        self.button("Log out").click()
        self.sees("Well-made things")

    @property
    def badge(self) -> Locator:
        """The button with how many items are in the cart."""
        return self.page.get_by_role("banner").get_by_role("button", name="Cart")

    def code_from_mail(self, email: str) -> str:
        """The six digits that were mailed."""

        def codes() -> list[str]:
            return [code for mail in read_mails(self.shop, email) for code in re.findall(r"\b\d{6}\b", mail.text)]

        return eventually(codes)[-1]

    # --- ordering -----------------------------------------------------------------------------------------------

    def check_out(self, *, cash: bool = False) -> None:
        """From the cart to a filled checkout, up to the last button."""
        self.open("/cart", "Your cart")
        self.link("Check out").click()
        self.sees("Checkout")
        self.fill_address()
        if cash:
            self.page.get_by_label("Cash on delivery").check()

    def fill_address(self, address: Mapping[str, str] = ADDRESS) -> None:
        """Fill in what an address has, by the API's names; `state` by its code."""
        self.field("Country").select_option(address["country"])
        self.field("Full name").fill(address["name"])
        self.field("Street and number").fill(address["line1"])
        self.field("City").fill(address["city"])
        if "postalCode" in address:
            self.page.get_by_label(POSTAL_CODE).fill(address["postalCode"])
        if "state" in address:
            self.page.locator("select[name=state]").select_option(address["state"])
        self.page.get_by_label(PHONE).fill(address["phone"])

    def place_order(self) -> str:
        """Press the button; returns the order's id once its own page shows."""
        self.button("Place order").click()
        return self.ordered()

    def ordered(self) -> str:
        """The order's id, once its page shows."""
        self.page.wait_for_url(re.compile("/orders/ord_"))
        match = re.search(r"/orders/(ord_\w+)", self.page.url)
        assert match
        return match[1]

    def pay_by_card(self, number: str) -> None:
        """Pay with a test card, by its number as it is listed."""
        self.button(f"Use {number}").click()
        self.button("Pay SGD").click()

    def answers(self, path: str) -> list[Response]:
        """From now on, the answers to requests whose address ends like this."""
        seen: list[Response] = []
        self.page.on("response", lambda answer: seen.append(answer) if answer.url.endswith(path) else None)
        return seen
