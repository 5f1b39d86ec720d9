"""The users of a pool, as a file that outlives it.

Cognito has no backup, gives nobody's password away, and gives each user of a new pool a new id (`sub`). So a user who
comes back keeps the id from before in an attribute, by which their orders are found, and chooses a new password.
Source: Cognito developer guide, "Importing users into user pools from a CSV file": what it makes is the same.
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from cloudretail.identity import USER_ID
from cloudretail.model import Model
from retail_ops.errors import OpsError
from retail_ops.progress import Note
from retail_ops.stack.shop import Shop

GROUPS = ("operators", "staff")

AT_ONCE = 8
"""Users that are made side by side; Cognito makes 50 a second. Source: Cognito developer guide, "Quotas"."""


class User(Model):
    """Somebody with an account.

    Attributes:
        user_id: by which the shop's tables know them.
        email: verified address, with which they log in.
        name: as given at registration; empty where there is none.
        enabled: whether they may log in.
        groups: in which they were.
    """

    user_id: str
    email: str
    name: str = ""
    enabled: bool = True
    groups: tuple[str, ...] = ()


def users(shop: Shop) -> Iterator[User]:
    """All who have confirmed their address. Others register again."""
    pool = shop.output("UserPoolId")
    members = {
        group: {
            user["Username"]
            for page in shop.cognito.get_paginator("list_users_in_group").paginate(UserPoolId=pool, GroupName=group)
            for user in page["Users"]
        }
        for group in GROUPS
    }
    for page in shop.cognito.get_paginator("list_users").paginate(UserPoolId=pool):
        for user in page["Users"]:
            has = {each["Name"]: each.get("Value", "") for each in user["Attributes"]}
            # The emulator says of nobody who has registered that the address is verified.
            unverified = has.get("email_verified") != "true" and shop.endpoint is None
            if user["UserStatus"] == "UNCONFIRMED" or unverified:
                continue
            groups = tuple(group for group in GROUPS if user["Username"] in members[group])
            yield User(
                user_id=has.get(USER_ID) or has["sub"],
                email=has["email"],
                name=has.get("name", ""),
                enabled=user["Enabled"],
                groups=groups,
            )


def write(found: Iterable[User], file: Path) -> int:
    """Write users into a new file, one JSON object a line, which nobody else on this machine reads.

    Returns:
        How many they are.

    Raises:
        OpsError: there is such a file.
    """
    part = file.with_name(f"{file.name}.part")
    if file.exists():
        raise OpsError(f"{file} is there already.")
    part.unlink(missing_ok=True)
    count = 0
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as lines:
        for user in found:
            lines.write(f"{user.model_dump_json(by_alias=True)}\n")
            count += 1
    part.rename(file)
    return count


def read(file: Path) -> list[User]:
    """The users of a file.

    Raises:
        OpsError: a line is no user; it is named.
    """
    found = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            found.append(User.model_validate_json(line))
        except ValueError as error:
            raise OpsError(f"Line {number} of {file} is no user.", str(error)) from None
    return found


class Outcome(StrEnum):
    """What became of a user. ELSEWHERE: somebody has registered with the address in the pool meanwhile."""

    MADE = "made"
    THERE = "there already"
    ELSEWHERE = "registered again"


def bring_back(shop: Shop, found: Iterable[User], note: Note) -> dict[Outcome, list[User]]:
    """Make users in the shop's pool. Nobody knows their passwords: each chooses a new one by a code.

    Nobody is put into a group: whoever reads a mailbox could become an operator, as second factors are gone too.

    Args:
        shop: whose pool.
        found: those that there were.
        note: called with how many are done.

    Returns:
        Users by what became of them; the same again changes nothing.
    """
    outcomes: dict[Outcome, list[User]] = {outcome: [] for outcome in Outcome}
    counts: Counter[Outcome] = Counter()
    # Making a client, or its classes of exceptions, is not safe in threads; using them is.
    client = shop.cognito
    is_there = client.exceptions.UsernameExistsException
    pool = shop.output("UserPoolId")

    def make(user: User) -> tuple[User, Outcome]:
        attributes = {"email": user.email, "email_verified": "true", "name": user.name, USER_ID: user.user_id}
        outcome = Outcome.MADE
        with suppress(is_there):
            client.admin_create_user(
                UserPoolId=pool,
                Username=user.email,
                MessageAction="SUPPRESS",
                UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items() if value],
            )
        there = client.admin_get_user(UserPoolId=pool, Username=user.email)
        has = {each["Name"]: each.get("Value", "") for each in there["UserAttributes"]}
        if user.user_id not in (has.get(USER_ID), has["sub"]):
            return user, Outcome.ELSEWHERE
        # Not yet where the attempt before this one was cut off.
        if there["UserStatus"] == "FORCE_CHANGE_PASSWORD":
            client.admin_set_user_password(
                UserPoolId=pool, Username=user.email, Password=secrets.token_urlsafe(48), Permanent=True
            )
        else:
            outcome = Outcome.THERE
        if there["Enabled"] and not user.enabled:
            client.admin_disable_user(UserPoolId=pool, Username=user.email)
        return user, outcome

    with ThreadPoolExecutor(AT_ONCE) as workers:
        for user, outcome in workers.map(make, found):
            outcomes[outcome].append(user)
            counts[outcome] += 1
            note(f"{counts.total()} users")
    return outcomes
