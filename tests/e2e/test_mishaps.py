"""What goes wrong on the way to an order: the storefront says so, helps on, and loses nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from retail_ops.stack.catalogue import Product
from retail_ops.stack.shop import Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import (
    PASSWORD,
    Person,
    Shopper,
    change_product,
    eventually,
    new_product,
    new_shopper,
    unique,
)

VISA = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
LONG_WORD = "Donaudampfschifffahrtskapit"


def reprice(operator: Person, product_id: str, amount: int, **changed: str) -> None:
    """Give a product another price, and perhaps another name or category."""
    change_product(operator.shop, product_id, price={"amount": amount, "currency": "SGD"}, **changed)


def add_from_its_page(visitor: Visitor, operator: Person, product_id: str) -> str:
    """Put a product into the cart; returns its name."""
    name: str = operator.ok("GET", f"/products/{product_id}")["name"]
    visitor.open(f"/products/{product_id}", name)
    visitor.page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    return name


def quantities(shopper: Shopper) -> dict[str, int]:
    """What is in the cart."""
    return {line["productId"]: line["quantity"] for line in shopper.ok("GET", "/cart")["items"]}


def too_wide(page: Page) -> int:
    """Pixels by which a page scrolls sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - Math.ceil(document.body.clientWidth)")
    return width


@pytest.fixture
def product(operator: Person) -> str:
    """The id of a product that only this test sells."""
    return new_product(operator, stock=5, price=3900)


class TestAnOrderThatEnded:
    def test_gives_its_things_back_to_the_cart(self, visitor: Visitor, shopper: Shopper, product: str) -> None:
        order_id = shopper.reserved(product, 2)
        shopper.ok("POST", f"/orders/{order_id}/cancel")
        visitor.log_in(shopper, f"/orders/{order_id}")
        visitor.button("Put these items back in your cart").click()

        visitor.sees("Your cart")
        expect(visitor.page.get_by_role("complementary")).to_contain_text("2 items")
        assert quantities(shopper) == {product: 2}

    def test_does_so_after_the_last_declined_card_too(
        self, visitor: Visitor, shopper: Shopper, product: str, operator: Person
    ) -> None:
        gone = new_product(operator, stock=1)
        shopper.put(gone)
        order_id = shopper.reserved(product)
        reprice(operator, product, 4900)
        visitor.log_in(shopper, f"/orders/{order_id}/pay")
        for left in ("2 attempts left", "one attempt left"):
            visitor.pay_by_card(DECLINED)
            visitor.reads(left)
        visitor.pay_by_card(DECLINED)
        visitor.reads("There were no attempts left")
        # Released by then, the other one is bought by somebody else.
        eventually(lambda: new_shopper(shopper.shop).call("PUT", f"/cart/items/{gone}", {"quantity": 1}).is_success)
        new_shopper(shopper.shop).reserved(gone)
        visitor.button("Put these items back in your cart").click()

        visitor.reads("is sold out.")
        visitor.reads("A price has changed since you last looked.")
        assert quantities(shopper) == {product: 1}

    def test_is_not_needed_to_order_again(self, visitor: Visitor, shopper: Shopper, product: str) -> None:
        order_id = shopper.order(product, method="COD")
        shopper.sees(order_id, "CONFIRMED")
        visitor.log_in(shopper, f"/orders/{order_id}")
        visitor.button("Order again").click()
        visitor.sees("Your cart")
        expect(visitor.page.get_by_role("complementary")).to_contain_text("1 item")

    def test_leads_to_its_products(self, visitor: Visitor, shopper: Shopper, product: str, operator: Person) -> None:
        name = operator.ok("GET", f"/products/{product}")["name"]
        visitor.log_in(shopper, f"/orders/{shopper.order(product)}")
        visitor.page.get_by_role("complementary").get_by_role("link", name=name).click()
        visitor.sees(name)


class TestWhatCouldNotBeLoaded:
    @pytest.mark.parametrize("then", ["online", "the next page", "try again"])
    def test_comes_back(self, visitor: Visitor, catalogue: list[Product], then: str) -> None:
        page = visitor.page
        visitor.gets_no_categories()
        visitor.open("/", "Well-made things")
        visitor.reads("We cannot reach the shop right now.")
        expect(page.locator(".tile .skeleton")).to_have_count(0)
        expect(page.locator("#categories")).to_contain_text("Load the categories again")
        page.unroute_all()
        if then == "online":
            page.evaluate("dispatchEvent(new Event('online'))")
        elif then == "the next page":
            page.get_by_role("contentinfo").get_by_role("link", name="All products").click()
        else:
            page.get_by_role("main").get_by_role("button", name="Try again").click()

        expect(page.locator("#categories")).to_contain_text(catalogue[0].category)
        expect(page.locator("#categories")).not_to_contain_text("again")

    def test_helps_on_where_there_is_nothing(self, visitor: Visitor, catalogue: list[Product]) -> None:
        page, wanted = visitor.page, catalogue[0]
        visitor.open("/no/such/page", "Page not found")
        main = page.get_by_role("main")
        main.get_by_label("Search the shop").fill(wanted.name)
        page.keyboard.press("Enter")
        visitor.sees(f"“{wanted.name}”")
        visitor.open("/products?q=unobtainium", "unobtainium")
        main.get_by_role("link", name=wanted.category).click()
        visitor.sees(wanted.category)


class TestTheCart:
    def test_is_brought_to_what_there_is_by_one_press(
        self, visitor: Visitor, shop: Shop, shopper: Shopper, product: str
    ) -> None:
        shopper.put(product, 5)
        new_shopper(shop).reserved(product, 2)
        visitor.log_in(shopper)
        visitor.reads("Only 3 left. Please reduce the quantity.")
        visitor.button("One less").click()
        expect(visitor.link("Check out")).to_be_visible()
        assert quantities(shopper) == {product: 3}

    def test_of_a_guest_calls_out_a_price_that_rose_before_the_log_in(
        self, visitor: Visitor, shopper: Shopper, product: str, operator: Person
    ) -> None:
        add_from_its_page(visitor, operator, product)
        visitor.reads("is in your cart")
        reprice(operator, product, 4900)
        visitor.log_in(shopper)
        notice = visitor.page.get_by_role("status").filter(has_text="A price has changed")
        expect(notice).to_contain_text("was SGD\u00a039.00")
        expect(notice).to_contain_text("is now SGD\u00a049.00")
        visitor.button("Accept new price").first.click()
        expect(notice).to_have_count(0)
        expect(visitor.page.get_by_role("complementary")).to_contain_text("SGD\u00a049.00")

    def test_offers_no_checkout_of_what_is_sold_out(
        self, visitor: Visitor, shop: Shop, shopper: Shopper, operator: Person
    ) -> None:
        last = new_product(operator, stock=1)
        shopper.put(last)
        visitor.log_in(shopper, "/orders")
        visitor.open("/checkout", "Checkout")
        new_shopper(shop).reserved(last)
        visitor.open("/orders", "Your orders")
        visitor.badge.click()
        drawer = visitor.page.get_by_role("dialog")
        expect(drawer).to_contain_text("Please remove it to check out.")
        expect(drawer.get_by_role("link", name="Check out")).to_have_count(0)

        visitor.open("/checkout", "Checkout")
        visitor.reads("is sold out.")
        expect(visitor.button("Place order")).to_have_count(0)
        visitor.link("Edit your cart").click()
        visitor.sees("Your cart")

    def test_says_that_a_line_is_full(self, visitor: Visitor, shopper: Shopper, operator: Person) -> None:
        plenty = new_product(operator, stock=500)
        shopper.put(plenty, 99)
        visitor.log_in(shopper)
        expect(visitor.badge).to_contain_text("99")
        add_from_its_page(visitor, operator, plenty)
        visitor.reads("You already have 99")
        expect(visitor.page.locator(".toast")).to_have_count(0)

    def test_takes_more_to_what_the_account_has_before_it_is_known_who_is_here(
        self, visitor: Visitor, shopper: Shopper, product: str, operator: Person
    ) -> None:
        shopper.put(product, 2)
        visitor.log_in(shopper)
        held = list[Route]()
        visitor.page.route("**/api/auth/refresh", lambda route: held.append(route), times=1)
        with visitor.page.expect_request("**/api/auth/refresh"):
            add_from_its_page(visitor, operator, product)
        held[0].continue_()
        expect(visitor.badge).to_contain_text("3")
        assert quantities(shopper) == {product: 3}

    def test_counts_in_every_tab(
        self, visitor: Visitor, context: BrowserContext, shopper: Shopper, product: str, operator: Person
    ) -> None:
        visitor.log_in(shopper)
        other = context.new_page()
        other.goto("/orders")
        badge = other.get_by_role("banner").get_by_role("button", name="Cart")
        expect(other.get_by_text("You have not ordered anything yet.")).to_be_visible()
        add_from_its_page(visitor, operator, product)
        expect(badge).to_contain_text("1")

    def test_keeps_the_focus_when_its_last_line_goes(self, visitor: Visitor, shopper: Shopper, product: str) -> None:
        shopper.put(product)
        visitor.log_in(shopper)
        visitor.page.get_by_role("main").get_by_role("button", name="Remove").press("Enter")
        visitor.reads("Your cart is empty.")
        expect(visitor.page.get_by_role("heading", level=1, name="Your cart")).to_be_focused()

    def test_stays_in_reach_on_a_phone(self, visitor: Visitor, catalogue: list[Product]) -> None:
        visitor.page.set_viewport_size({"width": 360, "height": 500})
        visitor.open("/products", "All products")
        visitor.page.locator(".card-link").nth(7).scroll_into_view_if_needed()
        expect(visitor.badge).to_be_in_viewport()
        assert visitor.page.evaluate("getComputedStyle(document.querySelector('.masthead')).borderBottomWidth") == "1px"


class TestACheckout:
    @pytest.mark.parametrize("then", ["presses again", "reloads"])
    def test_that_was_changed_after_a_lost_answer_says_which_order_stands_and_offers_to_cancel_it(
        self, visitor: Visitor, shopper: Shopper, product: str, then: str
    ) -> None:
        def lose(route: Route) -> None:
            route.fetch()
            route.abort()

        shopper.put(product)
        visitor.log_in(shopper)
        visitor.check_out()
        visitor.page.route("**/api/orders", lose, times=1)
        visitor.button("Place order").click()
        visitor.reads("we will not place the order twice")
        visitor.field("City").fill("Johor Bahru")
        visitor.page.get_by_label("Cash on delivery").check()
        if then == "reloads":
            visitor.page.reload()
        else:
            visitor.button("Place order").click()

        notice = visitor.page.locator(".notice").filter(has_text="Your first order went through")
        expect(notice).to_contain_text("Singapore 048941")
        expect(notice).to_contain_text("you pay by card")
        order_id = visitor.ordered()
        visitor.button("Cancel this order").click()
        visitor.button("Yes, cancel order").click()
        visitor.reads("You cancelled this order.")
        visitor.button("Put these items back in your cart").click()
        visitor.sees("Your cart")
        assert [order["orderId"] for order in shopper.ok("GET", "/orders")["items"]] == [order_id]

    def test_is_not_where_back_leads_from_the_confirmation(
        self, visitor: Visitor, shopper: Shopper, product: str, operator: Person
    ) -> None:
        add_from_its_page(visitor, operator, product)
        visitor.page.get_by_role("link", name="View cart").click()
        visitor.link("Check out").click()
        visitor.sees("Log in")
        visitor.enter(shopper.email)
        visitor.sees("Checkout")
        visitor.fill_address()
        visitor.page.get_by_label("Cash on delivery").check()
        visitor.place_order()
        visitor.sees("Thank you, your order is confirmed")
        visitor.page.go_back()
        visitor.sees("Your cart")
        visitor.page.wait_for_url("**/cart")


class TestTheTimeToPay:
    @pytest.mark.parametrize("minutes", [20, -20], ids=["fast", "slow"])
    def test_is_the_shops_and_not_the_devices(
        self, visitor: Visitor, shopper: Shopper, product: str, minutes: int
    ) -> None:
        visitor.page.add_init_script(f"const now = Date.now; Date.now = () => now() + {minutes} * 60000")
        order_id = shopper.reserved(product)
        visitor.log_in(shopper, f"/orders/{order_id}/pay")
        timer = visitor.page.get_by_role("timer")
        expect(timer).to_have_text(re.compile(r"^(15:00|14:\d\d)$"))

    def test_is_over_aloud_and_keeps_the_focus(self, visitor: Visitor, shopper: Shopper, product: str) -> None:
        order_id = shopper.reserved(product)
        ends = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()

        def shorten(route: Route) -> None:
            answer = route.fetch()
            order = answer.json()
            route.fulfill(response=answer, json=order | {"reservedUntil": order["reservedUntil"] and ends})

        visitor.page.route(f"**/api/orders/{order_id}", shorten)
        visitor.log_in(shopper, f"/orders/{order_id}/pay")
        visitor.field("Card number").focus()
        expect(visitor.page.locator("shop-countdown [aria-live=polite]")).to_have_text("The time is up.")
        shopper.ok("POST", f"/orders/{order_id}/cancel")
        over = visitor.page.get_by_role("alert").filter(has_text="You cancelled this order.")
        expect(over).to_be_focused()
        visitor.page.unroute_all()

    def test_that_is_over_is_said_in_a_shoppers_words(self, visitor: Visitor, shopper: Shopper, product: str) -> None:
        order_id = shopper.reserved(product)
        visitor.log_in(shopper, f"/orders/{order_id}/pay")
        visitor.button("Pay SGD").wait_for()
        # The page does not learn of it before the shopper pays.
        visitor.page.route(f"**/api/orders/{order_id}", lambda route: route.abort())
        shopper.ok("POST", f"/orders/{order_id}/cancel")
        visitor.pay_by_card(VISA)
        visitor.reads("This order was cancelled, so it can no longer be paid.")
        visitor.page.unroute_all()


@pytest.mark.parametrize("language", ["en-US@posix", "C", "de"])
def test_a_device_of_any_language_shows_prices_and_can_order(
    visitor: Visitor, shopper: Shopper, operator: Person, language: str
) -> None:
    visitor.page.add_init_script(f"Object.defineProperty(navigator, 'language', {{ get: () => '{language}' }})")
    violin = new_product(operator, stock=2, price=269900)
    shopper.put(violin)
    visitor.log_in(shopper)
    visitor.reads("SGD\u00a02,699.00 each")
    visitor.check_out(cash=True)
    order_id = visitor.place_order()
    visitor.sees("Thank you, your order is confirmed")
    mail = eventually(lambda: [mail for mail in shopper.mails() if order_id in mail.text])[0]
    assert "Total: SGD 2,699.00" in mail.text
    assert mail.subject.startswith(f"Order {visitor.page.locator('.order-number').inner_text()} ")


def test_a_long_word_makes_no_phone_scroll_sideways(
    visitor: Visitor, shopper: Shopper, operator: Person, product: str
) -> None:
    page, category = visitor.page, unique("Long")
    neighbour = new_product(operator, stock=5)
    reprice(operator, product, 3900, name=LONG_WORD, category=category, description=LONG_WORD * 2)
    reprice(operator, neighbour, 3900, category=category)
    shopper.put(product)
    visitor.log_in(shopper)
    page.set_viewport_size({"width": 320, "height": 640})
    for path, heading in {
        f"/products/{product}": LONG_WORD,
        f"/products/{neighbour}": "Thing",
        f"/products?category={category}": category,
        "/cart": "Your cart",
        "/checkout": "Checkout",
    }.items():
        visitor.open(path, heading)
        expect(page.get_by_role("main").get_by_text(LONG_WORD).first).to_be_visible()
        assert too_wide(page) <= 0, path
    visitor.fill_address()
    visitor.field("Street and number").fill(LONG_WORD * 3)
    page.get_by_label("Cash on delivery").check()
    order_id = visitor.place_order()
    visitor.sees("Thank you, your order is confirmed")
    assert too_wide(page) <= 0, "confirmation"
    visitor.open(f"/orders/{order_id}", "Your order")
    visitor.reads("Order confirmed")
    assert too_wide(page) <= 0, "order"


def test_a_new_password_is_said_to_be_set(visitor: Visitor, shopper: Shopper) -> None:
    visitor.open("/forgot-password", "Forgot your password?")
    visitor.field("E-mail address").fill(shopper.email)
    visitor.button("Send code").click()
    visitor.sees("Choose a new password")
    visitor.field("Code").fill(visitor.code_from_mail(shopper.email))
    visitor.field("New password").fill(f"{PASSWORD}a")
    visitor.button("Change password").click()
    visitor.reads("Your password is changed, and you are logged in.")


@pytest.fixture
def newcomer(visitor: Visitor) -> str:
    """The address of a visitor who is asked for the code."""
    email = f"{unique('newcomer')}@cloudretail.example"
    visitor.open("/register", "Create an account")
    visitor.field("E-mail address").fill(email)
    visitor.button("Send code").click()
    visitor.sees("Check your inbox")
    return email


def test_a_code_that_worked_while_its_answer_was_lost_leads_into_the_account(visitor: Visitor, newcomer: str) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    visitor.page.route("**/api/auth/confirm", lose, times=1)
    visitor.fill_registration(visitor.code_from_mail(newcomer))
    visitor.button("Create account").click()
    visitor.reads("We cannot reach the shop")
    visitor.button("Create account").click()
    visitor.reads("Your e-mail address is confirmed. Welcome!")
    visitor.sees("Well-made things")


def test_who_was_cut_off_in_the_middle_enters_the_newest_code(visitor: Visitor, shop: Shop, newcomer: str) -> None:
    # The function ended after the code was taken, before name and password were set.
    code = visitor.code_from_mail(newcomer)
    shop.cognito.admin_confirm_sign_up(UserPoolId=shop.output("UserPoolId"), Username=newcomer)
    visitor.fill_registration(code)
    visitor.button("Create account").click()
    visitor.reads("This code is wrong or has expired. Enter the newest one that we sent you.")
    newest = eventually(lambda: visitor.code_from_mail(newcomer), lambda found: found != code)
    visitor.field("Code").fill(newest)
    visitor.button("Create account").click()
    visitor.reads("Your e-mail address is confirmed. Welcome!")
    expect(visitor.button("your account")).to_contain_text("Vera Visitor")


def test_a_code_is_taken_as_it_was_pasted(visitor: Visitor, newcomer: str) -> None:
    code = visitor.code_from_mail(newcomer)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    visitor.fill_registration(f" {wide[:3]} {wide[3:]}")
    visitor.button("Create account").click()
    visitor.sees("Well-made things")


def test_who_forgot_the_password_before_the_address_was_confirmed_gets_in(visitor: Visitor, newcomer: str) -> None:
    visitor.open("/forgot-password", "Forgot your password?")
    visitor.field("E-mail address").fill(newcomer)
    visitor.button("Send code").click()
    visitor.sees("Choose a new password")
    visitor.field("Code").fill(visitor.code_from_mail(newcomer))
    visitor.field("New password").fill(PASSWORD)
    visitor.button("Change password").click()
    visitor.reads("Your password is changed, and you are logged in.")
