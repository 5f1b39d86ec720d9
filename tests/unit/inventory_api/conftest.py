import time
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cloudretail import aws, dynamodb, identity
from inventory import api, commands
from tests.support.http import Answer, call
from tests.support.invocations import STAFF_CLAIMS
from tests.support.tables import REGION, empty, items_of, shop_tables
from tests.support.wire import Wire

ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/pool"
CLIENT = "client-1"
TABLES = ("InventoryTable", "ProductsTable", "MovementsTable")


class Pool:
    """Signs tokens as Cognito does, and hands out the public key as its JWKS does."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self, claims: Mapping[str, Any], **changes: Any) -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 3600}
        return jwt.encode({**usual, **claims, **changes}, self._key, algorithm="RS256", headers={"kid": "1"})

    def get_signing_key_from_jwt(self, token: str) -> jwt.PyJWK:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        jwt.get_unverified_header(token)
        return jwt.PyJWK({**public, "alg": "RS256", "kid": "1"})


class Shop:
    """The inventory's API over real tables."""

    def stock(self, product_id: str, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return call(api.handler, "GET", f"/api/inventory/{product_id}", headers=headers)

    def receive(
        self,
        product_id: str,
        quantity: object = 10,
        *,
        key: str | None = "delivery-1",
        raw_body: str | None = None,
        claims: Mapping[str, str] | None = STAFF_CLAIMS,
    ) -> Answer:
        body = {"quantity": quantity}
        return self.does("POST", f"/{product_id}/receipts", body, key=key, raw_body=raw_body, claims=claims)

    def adjust(
        self, product_id: str, delta: object, reason: str = "COUNT", *, key: str | None = "adjustment-1", **body: object
    ) -> Answer:
        return self.does("POST", f"/{product_id}/adjustments", {"delta": delta, "reason": reason, **body}, key=key)

    def watch(self, product_id: str, low_at: object) -> Answer:
        return self.does("PUT", f"/{product_id}/threshold", {"lowAt": low_at})

    def does(
        self,
        method: str,
        path: str = "",
        body: object = None,
        *,
        key: str | None = None,
        claims: Mapping[str, str] | None = STAFF_CLAIMS,
        **request: Any,
    ) -> Answer:
        """What staff do; `path` is the end of the route."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        return call(api.handler, method, f"/api/admin/stock{path}", body, claims=claims, headers=headers, **request)

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        aws.dynamodb().put_item(TableName=table, Item=dynamodb.to_item(item))

    def sells(self, product_id: str, *, reserved: int, sold: int) -> None:
        """As the reactions to orders do it."""
        aws.dynamodb().update_item(
            TableName="InventoryTable",
            Key={"productId": {"S": product_id}},
            UpdateExpression="SET availableQty = availableQty - :taken, reservedQty = :reserved, soldQty = :sold",
            ExpressionAttributeValues=dynamodb.to_item(
                {":taken": reserved + sold, ":reserved": reserved, ":sold": sold}
            ),
        )

    @property
    def counters(self) -> list[dict[str, Any]]:
        rows = [dynamodb.from_item(item) for item in items_of("InventoryTable")]
        return [{name: value for name, value in row.items() if name not in ("updatedAt", "kind")} for row in rows]

    @property
    def movements(self) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in items_of("MovementsTable")]


@pytest.fixture(scope="session")
def pool() -> Pool:
    return Pool()


@pytest.fixture(scope="module")
def account(pool: Pool) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("AWS_REGION", REGION)
        environment.setenv("USER_POOL_ID", "pool")
        environment.setenv("USER_POOL_CLIENT_ID", CLIENT)
        environment.setattr(identity, "_keys", lambda url: pool)
        api._warehouse.cache_clear()
        yield


@pytest.fixture
def shop(account: None) -> Shop:
    empty(*TABLES)
    for product in ("bag", "mug"):
        Shop().put("ProductsTable", {"productId": product, "name": product.title()})
    return Shop()


@pytest.fixture
def wire(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Wire:
    monkeypatch.setattr(commands, "pause_before_retry", lambda attempt: None)
    return Wire(monkeypatch)
