"""The environment of a function, parsed once into a typed model."""

import os
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cloudretail.errors import ShopError


class Settings(BaseModel):
    """Base of a function's settings. The field `orders_table` is the variable `ORDERS_TABLE`."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=str.upper, populate_by_name=True)


type Absent[T] = Annotated[T | None, BeforeValidator(lambda value: value or None)]
"""A variable that may be empty or missing: on some stages there is no such thing."""


class MissingSetting(ShopError):
    """An environment variable of the function is missing or invalid. The text names it."""


def load[S: Settings](model: type[S]) -> S:
    """Parse the process environment.

    Args:
        model: the settings of the function.

    Returns:
        The parsed settings.

    Raises:
        MissingSetting: names each variable that is missing or invalid.
    """
    try:
        return model.model_validate(dict(os.environ))
    except ValidationError as error:
        problems = ", ".join(f"{'.'.join(map(str, e['loc'])).upper()} ({e['msg'].lower()})" for e in error.errors())
        raise MissingSetting(f"Environment of this function: {problems}") from None
