"""A function's environment: parsed into types, or the first call says what is missing."""

import pytest

from cloudretail.settings import MissingSetting, Settings, load


class ShopSettings(Settings):
    orders_table: str
    payment_window_seconds: int


def test_a_field_is_read_from_the_variable_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_TABLE", "orders")
    monkeypatch.setenv("PAYMENT_WINDOW_SECONDS", "900")
    assert load(ShopSettings) == ShopSettings(orders_table="orders", payment_window_seconds=900)


def test_each_missing_or_invalid_variable_is_named_and_its_value_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERS_TABLE", raising=False)
    monkeypatch.setenv("PAYMENT_WINDOW_SECONDS", "a secret")
    with pytest.raises(MissingSetting, match=r"ORDERS_TABLE \(field required\), PAYMENT_WINDOW_SECONDS") as missing:
        load(ShopSettings)
    assert "secret" not in str(missing.value)
