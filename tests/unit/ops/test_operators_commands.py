"""What operators' commands take and say: times, time spans, queues; and that each explains itself."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from retail_ops.cli import app
from retail_ops.commands.dlq import _selection, ago, duration, moment
from retail_ops.console import rows, visible
from retail_ops.errors import OpsError

COMMANDS = [
    "queues", "queues pause", "queues resume", "dlq list", "dlq show", "dlq replay", "dlq drop", "dlq history",
    "dlq edit", "dlq cancel", "dlq resume", "verify", "orders trace", "orders stuck", "orders nudge", "events replay",
    "reconcile", "shipments list", "shipments show", "shipments ship", "shipments deliver", "shipments came-back",
    "shipments lost", "returns list", "returns receive", "returns refuse", "refunds list", "refunds paid",
    "rates show", "rates put", "stock list", "stock receive", "stock count", "stock damaged", "stock watch",
    "stock history", "users export", "users import",
]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert "--stack" in shown.stdout


@pytest.mark.parametrize("name", ["dlq replay", "dlq drop", "orders nudge", "events replay", "queues pause"])
def test_what_changes_something_asks_unless_told_not_to_and_asks_why(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"}).stdout
    assert "--yes" in shown
    assert "--reason" in shown


@pytest.mark.parametrize("name", ["dlq show orders", "dlq replay orders --dry-run", "orders trace ord_1", "reconcile"])
def test_without_a_shop_a_command_says_so(name: str, tmp_path: object) -> None:
    ended = CliRunner().invoke(app, name.split(), env={"CLOUDRETAIL_STATE_DIR": str(tmp_path)})
    assert isinstance(ended.exception, OpsError)
    assert "No shop runs here" in ended.exception.message


def test_a_time_is_a_date_or_a_span_ago() -> None:
    assert moment("2026-01-31T12:00+00:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert datetime.now(UTC) - moment("2h") - timedelta(hours=2) < timedelta(minutes=1)
    assert duration("90s") == timedelta(seconds=90)


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "-5m", "15", "1w"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(OpsError, match="is no time"):
        duration(text)
    with pytest.raises(OpsError, match="is no time"):
        moment(text if text != "15" else "fifteen")


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "5 s"), (119, "119 s"), (3 * 60, "3 min"), (3 * 3600, "3 h"), (3 * 86400, "3 d")]
)
def test_times_are_said_as_people_say_them(seconds: int, words: str) -> None:
    now = datetime.now(UTC)
    assert ago(now - timedelta(seconds=seconds, microseconds=1)).startswith(words)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": "x" * 65}, "--order: should have at most 64 characters"),
        ({"cause": ""}, "--cause: should have at least 1 character"),
        ({"cause": "x" * 201}, "--cause: should have at most 200 characters"),
        ({"account": ""}, "--account: should have at least 1 character"),
        ({"event": ""}, "--event: should have at least 1 character"),
        ({"since": "9999999999d"}, "too long"),
        ({"since": "99999999d"}, "no time"),
        ({"until": "0001-01-01T00:00"}, "no time"),
        ({"messages": ["m"] * 1001}, "at most 1000"),
    ],
)
def test_a_filter_that_is_none_is_a_sentence_that_names_it(options: dict[str, Any], said: str) -> None:
    known: dict[str, Any] = dict.fromkeys(("order", "account", "event", "cause", "since", "until")) | {"messages": ()}
    with pytest.raises(OpsError) as refused:
        _selection("OrdersDlq", **(known | options))
    assert said in refused.value.message


@pytest.mark.parametrize("width", [40, 80, 400])
@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_of_a_table_is_cut_however_narrow_it_is_shown(
    width: int, terminal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "payments:pay_abcdefghijklmnopqrst:12:0"
    console = Console(width=width, force_terminal=terminal, no_color=True, highlight=False, file=sys.stdout)
    cells = [(message, "[red]replayed[/red]", "ord_abcdefghijklmnopqrst", "to the consumer that had given it up")] * 2
    rows(("Message", "Outcome", "Order", ""), cells, console=console)
    shown = capsys.readouterr().out.replace("\n", "" if width == 40 else "\n")
    for part in (message, "replayed", "ord_abcdefghijklmnopqrst", "to the consumer that had given it up"):
        assert shown.count(part) == 2
    assert "\u2026" not in shown


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x9b2J", "\x07", "\r", "a\u202eb", "\u2028"])
def test_a_text_that_a_terminal_would_obey_is_shown_and_not_obeyed(text: str) -> None:
    assert all(each.isprintable() for each in visible(text))
    assert visible("two\n\tlines, \u00e9 and \U0001f600") == "two\n\tlines, \u00e9 and \U0001f600"
