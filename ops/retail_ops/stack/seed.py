"""Fill a shop with the catalogue through its own API, as staff do. What exists stays as it is."""

import mimetypes
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import httpx

from retail_ops.errors import Refused
from retail_ops.progress import Note
from retail_ops.stack.api import Api
from retail_ops.stack.catalogue import Product
from retail_ops.stack.shop import Shop


@dataclass(frozen=True)
class Account:
    """An account of a local shop.

    Args:
        email: also the user name.
        name: the storefront greets with it.
        password: everybody who reads this file knows it, so only local shops have the account.
        groups: of the user pool.
    """

    email: str
    name: str
    password: str
    groups: tuple[str, ...] = ()


SHOPPER = Account("shopper@cloudretail.example", "Shopper", "Shopper-2026")
OPERATOR = Account("operator@cloudretail.example", "Operator", "Operator-2026", ("operators",))
STAFF = Account("staff@cloudretail.example", "Staff", "Staff-2026", ("staff",))
ACCOUNTS = (SHOPPER, STAFF, OPERATOR)
"""The accounts of a local shop."""


def create_accounts(shop: Shop, accounts: Sequence[Account] = ACCOUNTS) -> None:
    """Create the accounts to try a local shop with.

    Args:
        shop: a local one.
        accounts: which ones; those that exist are only added to their groups again.

    Raises:
        ValueError: the shop is on AWS, where accounts with known passwords must not exist.
    """
    if shop.endpoint is None:
        raise ValueError("accounts with known passwords are for local shops only")
    pool = shop.output("UserPoolId")
    for account in accounts:
        try:
            shop.cognito.admin_create_user(
                UserPoolId=pool,
                Username=account.email,
                MessageAction="SUPPRESS",
                UserAttributes=[
                    {"Name": "email", "Value": account.email},
                    {"Name": "email_verified", "Value": "true"},
                    {"Name": "name", "Value": account.name},
                ],
            )
        except shop.cognito.exceptions.UsernameExistsException:
            pass
        else:
            shop.cognito.admin_set_user_password(
                UserPoolId=pool, Username=account.email, Password=account.password, Permanent=True
            )
        for group in account.groups:
            shop.cognito.admin_add_user_to_group(UserPoolId=pool, Username=account.email, GroupName=group)


def seed_rates(api: Api, zones: Sequence[Mapping[str, Any]], tax_rates: Sequence[Mapping[str, Any]]) -> bool:
    """Put shipping and tax rates into a shop that has none.

    Args:
        api: signed in as a member of staff.
        zones: in the API's form.
        tax_rates: in the API's form.

    Returns:
        Whether the shop had none.
    """
    version = api.call("GET", "/admin/shipping-rates").json()["version"]
    if version:
        return False
    api.call("PUT", "/admin/shipping-rates", {"version": version, "zones": zones})
    api.call("PUT", "/admin/tax-rates", {"version": version + 1, "rates": tax_rates})
    return True


def seed(api: Api, products: Sequence[Product], note: Note, *, uploads: httpx.Client) -> Counter[str]:
    """Put products with their images into a shop.

    A product that exists keeps the changes of staff. If it has no images, it gets its image.

    Args:
        api: signed in as a member of staff.
        products: what to sell.
        note: called with how many are done.
        uploads: client for the images, which go straight to their bucket.

    Returns:
        How many were "created" and how many were "there already".

    Raises:
        Refused: the first refusal of the shop. The other products are in the shop then.
    """
    counts: Counter[str] = Counter()
    failures: list[Refused] = []
    with ThreadPoolExecutor(max_workers=4) as pool:
        running = [pool.submit(_put, api, product, uploads) for product in products]
        for finished in as_completed(running):
            try:
                counts["created" if finished.result() else "there already"] += 1
            except Refused as failure:
                failures.append(failure)
            note(f"{counts.total()} of {len(products)} products")
    if failures:
        raise failures[0]
    note("images arriving")
    _wait_for_images(api, {product.id for product in products})
    return counts


def seed_stock(api: Api, products: Sequence[Product]) -> None:
    """Receive the stock of products. Repeating this receives nothing again.

    Args:
        api: signed in as a member of staff.
        products: that the shop has.
    """

    def receive(product: Product) -> None:
        path = f"/admin/stock/{product.id}/receipts"
        api.call("POST", path, {"quantity": product.stock}, idempotency_key=f"seed-{product.id}")

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(receive, [product for product in products if product.stock]))


def _wait_for_images(api: Api, products: set[str], seconds: float = 60) -> None:
    """Wait until the sizes of all images are made, so that the shop's pages show them.

    Args:
        api: signed in as a member of staff.
        products: ids of the products with an image.
        seconds: after which it waits no longer.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        waiting: set[str] = set()
        cursor: str | None = ""
        while cursor is not None:
            page = api.call("GET", f"/admin/products?limit=100{f'&cursor={cursor}' if cursor else ''}").json()
            waiting |= {item["productId"] for item in page["items"] if "WAITING" in _states(item)}
            cursor = page.get("nextCursor")
        if not products & waiting:
            return
        time.sleep(0.3)


def _states(product: Mapping[str, Any]) -> set[str]:
    return {image["state"] for image in product["images"]}


def _put(api: Api, product: Product, uploads: httpx.Client) -> bool:
    created = api.call(
        "POST",
        "/admin/products",
        {
            "productId": product.id,
            "name": product.name,
            "description": product.description,
            "category": product.category,
            "price": {"amount": product.price, "currency": product.currency},
            "variant": product.variant,
        },
        accept=(409,),
    ).is_success
    # If the seeding was interrupted between the request for an upload and the upload, the image never becomes READY.
    if created or not {"READY", "FAILED"} & _states(api.call("GET", f"/admin/products/{product.id}").json()):
        _upload(api, product, uploads)
    return created


def _upload(api: Api, product: Product, uploads: httpx.Client) -> None:
    image = product.image.read_bytes()
    kind = mimetypes.guess_type(product.image.name)[0] or "application/octet-stream"
    new = {"contentType": kind, "alt": product.variant["group"] if product.variant else product.name}
    target = api.call("POST", f"/admin/products/{product.id}/images", new).json()
    # The file comes last in the form: S3 ignores fields that follow it.
    answer = uploads.post(target["url"], data=target["fields"], files={"file": (product.image.name, image, kind)})
    if not answer.is_success:
        raise Refused(f"Image of {product.id}: {answer.status_code} {answer.text[:200]}")
