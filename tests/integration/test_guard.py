"""Whose keys the emulator takes, wherever an id can stand, and that the shop's own way through it is open."""

import boto3
import httpx
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from retail_ops.cli import app
from retail_ops.local.local_shop import LocalShop, State
from retail_ops.stack.shop import LOCAL_REGION, PROJECT, Shop, developer_session, local_session
from tests.support.shoppers import eventually, staff_of

STRANGERS = ["test", "000000000000", "123456789012", "defaultkey", "AKIAIOSFODNN7EXAMPLE"]


def root_of(shop: Shop) -> str:
    credentials = shop.session.get_credentials()
    assert credentials
    return str(credentials.access_key)


@pytest.mark.parametrize("key", STRANGERS)
def test_another_key_is_told_where_the_right_one_is(shop: Shop, key: str) -> None:
    client = local_session(key, "test").client("dynamodb", endpoint_url=shop.endpoint)
    with pytest.raises(ClientError, match="cloudretail env"):
        client.list_tables()


@pytest.mark.parametrize("key", [*STRANGERS, "root"])
def test_no_address_is_signed_with_a_key_that_the_emulator_does_not_verify(shop: Shop, key: str) -> None:
    session = local_session(root_of(shop) if key == "root" else key, "test")
    s3 = session.client("s3", endpoint_url=shop.endpoint, config=Config(signature_version="s3v4"))
    bucket = shop.output("StorefrontBucket")
    address = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "evil.html"})
    assert httpx.put(address, content=b"evil", trust_env=False).status_code == 403


@pytest.mark.parametrize("key", STRANGERS)
def test_no_form_is_signed_with_a_key_that_the_emulator_would_believe(shop: Shop, key: str) -> None:
    s3 = local_session(key, "test").client("s3", endpoint_url=shop.endpoint, config=Config(signature_version="s3v4"))
    bucket = shop.output("StorefrontBucket")
    form = s3.generate_presigned_post(bucket, f"evil-{key}.html")
    answer = httpx.post(form["url"], data=form["fields"], files={"file": b"evil"}, trust_env=False)
    assert answer.status_code == 403
    assert "Contents" not in shop.s3.list_objects_v2(Bucket=bucket, Prefix="evil")


def test_a_session_whose_secret_is_not_known_opens_nothing(shop: Shop) -> None:
    credentials = developer_session(shop).get_credentials()
    assert credentials
    thief = local_session(credentials.access_key, "guessed", credentials.token)
    with pytest.raises(ClientError, match="signature"):
        thief.client("dynamodb", endpoint_url=shop.endpoint).list_tables()


def test_a_picture_is_uploaded_by_the_storefronts_page_alone_and_shown_by_the_storefront(
    shop: Shop,
) -> None:
    product = {"name": "Guarded lamp", "description": "It shines.", "category": "Home"}
    price = {"amount": 100, "currency": "SGD"}
    staff = staff_of(shop)
    product_id = staff.ok("POST", "/admin/products", {**product, "price": price})["productId"]
    ticket = staff.ok("POST", f"/admin/products/{product_id}/images", {"contentType": "image/webp"})
    assert ticket["fields"]["x-amz-credential"].startswith("ASIA")
    page = {"Origin": shop.storefront_url, "Sec-Fetch-Site": "cross-site"}
    picture = next((PROJECT / "ops" / "catalogue" / "images").glob("*.webp")).read_bytes()
    upload = {"data": ticket["fields"], "files": {"file": ("lamp.webp", picture, "image/webp")}, "trust_env": False}
    foreign = httpx.post(ticket["url"], headers={**page, "Origin": "http://localhost:3000"}, **upload)
    assert foreign.status_code == 403
    assert httpx.post(ticket["url"], headers=page, **upload).is_success
    (shown,) = eventually(lambda: staff.ok("GET", f"/products/{product_id}")["images"], lambda images: images != [])
    address = f"{shop.storefront_url}{shown['sizes'][-1]['url']}"
    answer = httpx.get(address, headers={"Sec-Fetch-Site": "same-origin"}, trust_env=False)
    assert (answer.headers["content-type"], answer.content[8:12]) == ("image/webp", b"WEBP")
    assert "immutable" in answer.headers["cache-control"]


def test_the_printed_environment_is_the_developers(
    shop: Shop, local_shop: LocalShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDRETAIL_STATE_DIR", str(local_shop.state_dir))
    printed = CliRunner().invoke(app, ["env"]).stdout
    assert root_of(shop) not in printed
    lines = [line.removeprefix("export ").split("=", 1) for line in printed.splitlines() if line.startswith("export")]
    given = {name: value.strip("'") for name, value in lines}
    session = boto3.Session(
        given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"], LOCAL_REGION
    )
    tables = session.client("dynamodb", endpoint_url=given["AWS_ENDPOINT_URL"]).list_tables()["TableNames"]
    assert set(shop.tables.values()) <= set(tables)


def test_no_function_knows_the_roots_key(shop: Shop, local_shop: LocalShop) -> None:
    """Nor does anything that another user of this machine can read."""
    file = local_shop.state_dir / "shop.json"
    assert file.stat().st_mode & 0o077 == 0
    state = State.read(file)
    assert state
    workers = psutil.Process(state.emulator.pid).children(recursive=True)
    assert workers
    key = root_of(shop)
    assert [worker.cmdline() for worker in workers if key in worker.environ().values()] == []
    readable = [
        path
        for folder in (local_shop.logs, local_shop.state_dir)
        for path in folder.iterdir()
        if path.is_file() and path.stat().st_mode & 0o044
    ]
    assert [path.name for path in readable if key in path.read_text(errors="replace")] == []
