"""A user pool's users as a file, and back into another pool."""

# ruff: noqa: N803 boto3's own names

import json
import stat
import threading
import uuid
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from cloudretail.identity import USER_ID
from retail_ops.errors import OpsError
from retail_ops.stack import users
from retail_ops.stack.shop import Shop
from retail_ops.stack.users import Outcome, User


class Pool:
    """A user pool, as Cognito answers for it."""

    class UsernameExistsException(Exception):
        """Somebody has this address."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, Any]] = {}
        self._groups: dict[str, list[str]] = {group: [] for group in users.GROUPS}

    @property
    def exceptions(self) -> SimpleNamespace:
        # Botocore makes them when they are first asked for. Of two threads, one would wait for the other's in vain.
        assert threading.current_thread() is threading.main_thread()
        return SimpleNamespace(UsernameExistsException=self.UsernameExistsException)

    def admin_create_user(
        self, *, UserPoolId: str, Username: str, MessageAction: str, UserAttributes: list[dict[str, str]]
    ) -> None:
        if Username in self._users:
            raise self.UsernameExistsException
        assert MessageAction == "SUPPRESS", "nobody is to be mailed a password"
        user_id = str(uuid.uuid4())
        self._users[Username] = {
            "Username": user_id,
            "Enabled": True,
            "UserStatus": "FORCE_CHANGE_PASSWORD",
            "Attributes": [{"Name": "sub", "Value": user_id}, *UserAttributes],
        }

    def admin_set_user_password(self, *, UserPoolId: str, Username: str, Password: str, Permanent: bool) -> None:
        assert Permanent
        self._users[Username]["UserStatus"] = "CONFIRMED"

    def admin_get_user(self, *, UserPoolId: str, Username: str) -> dict[str, Any]:
        user = self._users[Username]
        return {**user, "UserAttributes": user["Attributes"]}

    def admin_disable_user(self, *, UserPoolId: str, Username: str) -> None:
        self._users[Username]["Enabled"] = False

    def get_paginator(self, name: str) -> Any:
        def paginate(*, UserPoolId: str, GroupName: str = "") -> Iterator[dict[str, Any]]:
            found = [self._users[each] for each in (self._groups[GroupName] if GroupName else self._users)]
            yield from ({"Users": list(page)} for page in batched(found, 2, strict=False))

        return SimpleNamespace(paginate=paginate)

    def register(self, email: str, *groups: str, status: str = "CONFIRMED", verified: str = "true") -> User:
        """Somebody who has chosen a password, or has not come that far."""
        attributes = {"email": email, "email_verified": verified, "name": "Ada"}
        self.admin_create_user(
            UserPoolId="", Username=email, MessageAction="SUPPRESS", UserAttributes=as_list(attributes)
        )
        self._users[email]["UserStatus"] = status
        for group in groups:
            self._groups[group].append(email)
        return User(user_id=self._users[email]["Username"], email=email, name="Ada", groups=groups)


def as_list(attributes: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def shop(pool: Pool) -> Shop:
    found = Shop("shop", "eu-central-1", None, {"UserPoolId": "pool"}, {}, boto3.Session())
    found.__dict__["cognito"] = pool
    return found


@pytest.fixture
def old() -> Pool:
    return Pool()


@pytest.fixture
def new() -> Pool:
    return Pool()


def exported(pool: Pool) -> list[User]:
    return list(users.users(shop(pool)))


def bring_back(pool: Pool, *found: User) -> dict[Outcome, list[User]]:
    outcomes = users.bring_back(shop(pool), found, lambda _: None)
    return {outcome: each for outcome, each in outcomes.items() if each}


def test_whoever_has_a_confirmed_address_is_written_down_with_the_groups_and_in_full_over_many_pages(old: Pool) -> None:
    there = [old.register(f"{number}@shop.example", *users.GROUPS) for number in range(5)]
    old.register("new@shop.example", status="UNCONFIRMED")
    old.register("nobody@shop.example", verified="false")
    assert exported(old) == there


def test_a_file_of_users_is_read_as_it_was_written_and_by_its_owner_alone(tmp_path: Path) -> None:
    found = [
        User(user_id="1", email="a@shop.example", name="Ada", groups=("staff",)),
        User(user_id="2", email="b@shop.example", enabled=False),
    ]
    file = tmp_path / "users.jsonl"
    assert users.write(found, file) == 2
    assert users.read(file) == found
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(OpsError, match="is there already"):
        users.write([], file)


def test_a_file_that_was_cut_off_is_none(tmp_path: Path) -> None:
    def until_the_line_breaks() -> Iterator[User]:
        yield User(user_id="1", email="a@shop.example")
        raise TimeoutError

    file = tmp_path / "users.jsonl"
    with pytest.raises(TimeoutError):
        users.write(until_the_line_breaks(), file)
    assert not file.exists()
    assert users.write([User(user_id="1", email="a@shop.example")], file) == 1


@pytest.mark.parametrize("line", ["", "{", "[]", '{"email": "a@shop.example"}', '{"userId": "1", "e-mail": "a"}'])
def test_a_line_that_is_no_user_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text(f"{json.dumps({'userId': '1', 'email': 'a@shop.example'})}\n{line}\n")
    with pytest.raises(OpsError, match="Line 2"):
        users.read(file)


def test_a_user_comes_back_as_who_they_were_in_no_group_and_with_a_password_that_nobody_knows(
    old: Pool, new: Pool
) -> None:
    user = old.register("ada@shop.example", "operators")
    assert bring_back(new, user) == {Outcome.MADE: [user]}
    there = new.admin_get_user(UserPoolId="", Username=user.email)
    has = {each["Name"]: each["Value"] for each in there["UserAttributes"]}
    assert has["sub"] != user.user_id == has[USER_ID]
    # Cognito mails a code to who has forgotten the password in this state, and to nobody whom an administrator made.
    assert there["UserStatus"] == "CONFIRMED"
    assert exported(new) == [user.model_copy(update={"groups": ()})]


def test_the_same_file_again_changes_nothing_and_goes_on_where_it_was_cut_off(old: Pool, new: Pool) -> None:
    user = old.register("ada@shop.example")
    attributes = {"email": user.email, "email_verified": "true", "name": user.name, USER_ID: user.user_id}
    new.admin_create_user(
        UserPoolId="", Username=user.email, MessageAction="SUPPRESS", UserAttributes=as_list(attributes)
    )
    assert bring_back(new, user) == {Outcome.MADE: [user]}
    assert bring_back(new, user) == {Outcome.THERE: [user]}
    assert exported(new) == [user]


def test_nobody_gets_the_orders_of_another_by_having_registered_with_the_address_meanwhile(
    old: Pool, new: Pool
) -> None:
    user = old.register("ada@shop.example")
    meanwhile = new.register("ada@shop.example")
    assert bring_back(new, user) == {Outcome.ELSEWHERE: [user]}
    assert exported(new) == [meanwhile]


def test_who_was_never_gone_stays_as_they_are(old: Pool) -> None:
    user = old.register("ada@shop.example", "staff")
    assert bring_back(old, user) == {Outcome.THERE: [user]}
    assert exported(old) == [user]


def test_who_was_shut_out_stays_so(old: Pool, new: Pool) -> None:
    user = old.register("ada@shop.example").model_copy(update={"enabled": False})
    bring_back(new, user)
    assert exported(new) == [user]


def test_who_has_been_in_three_pools_is_known_by_the_first(old: Pool, new: Pool) -> None:
    user = old.register("ada@shop.example")
    bring_back(new, user)
    third = Pool()
    bring_back(third, *exported(new))
    assert exported(third) == [user]
