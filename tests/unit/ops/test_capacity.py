"""DynamoDB's request units, by the rules of its developer guide."""

import pytest

from retail_ops.local.capacity import Index, Table, read, size, written

ORDERS = Table(
    "Orders",
    ["orderId"],
    [Index("status", ["status"], frozenset({"orderId", "status"})), Index("open", ["openAs"], None)],
)


def order(status: str = "PENDING", text: str = "", **more: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in {"orderId": "ord_1", "status": status, "text": text, **more}.items()}


def units(before: object, after: object, **how: object) -> dict[str, int]:
    return dict(ORDERS.units(before, after, **how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value, bytes_",
    [
        ({"S": "é"}, 2),
        ({"N": "1"}, 2),
        ({"N": "1234"}, 3),
        ({"N": "-12.5"}, 4),
        ({"N": "1000000"}, 2),
        ({"B": "AAAA"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "2"]}, 4),
        ({"BS": ["AAAA"]}, 3),
        ({"L": [{"S": "ab"}]}, 3 + 1 + 2),
        ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 2 + 1),
    ],
)
def test_a_value_has_the_size_that_is_documented_for_its_type(value: dict[str, object], bytes_: int) -> None:
    assert size({"name": value}) == len("name") + bytes_


@pytest.mark.parametrize("bytes_, writes, reads", [(0, 1, 1), (1024, 1, 1), (1025, 2, 1), (4096, 4, 1), (4097, 5, 2)])
def test_a_write_takes_a_unit_for_each_kb_and_a_read_one_for_each_four(bytes_: int, writes: int, reads: int) -> None:
    item = {"x": {"S": "." * (bytes_ - 1)}} if bytes_ else {}
    assert written(item) == writes
    assert read(item, consistent=True) == reads
    assert read(item, consistent=False) == reads / 2


def test_a_write_counts_as_the_larger_of_the_item_before_and_after() -> None:
    small, large = order(), order(text="." * 1500)
    assert units(small, large)["Orders"] == 2
    assert units(large, small)["Orders"] == 2
    assert units(large, None)["Orders"] == 2


def test_a_put_that_was_refused_counts_as_what_was_to_be_put() -> None:
    assert units(order(), order(), attempted=order(text="." * 1500)) == {"Orders": 2}


def test_a_transaction_counts_twice_and_its_indexes_once() -> None:
    assert units(None, order(), in_transaction=True) == {"Orders": 2, "Orders/status": 1}


@pytest.mark.parametrize(
    "before, after, count",
    [
        (order(), order(text="new"), 0),
        (order(), order("RESERVED"), 2),
        (order(), None, 1),
        (None, order(), 1),
    ],
    ids=["nothing that it holds changes", "a key changes", "the entry goes", "the entry comes"],
)
def test_an_index_takes_a_write_for_each_entry_that_it_loses_or_gets(before: object, after: object, count: int) -> None:
    assert units(before, after).get("Orders/status", 0) == count


def test_an_index_of_all_attributes_is_written_with_each_change_of_what_is_in_it() -> None:
    assert units(order(openAs="STEP"), order(openAs="STEP", text="." * 1500))["Orders/open"] == 2
    assert "Orders/open" not in units(order(), order(text="new"))
