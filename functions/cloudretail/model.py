"""The base of every model that crosses a boundary: camelCase outside, snake_case inside, immutable."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """A value that is stored, published or answered. Unknown fields are ignored, so that a producer may add some."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
        # A cold start builds the validators of the models that its first message needs, and no others.
        defer_build=True,
        # An error goes to the log and to the table of failures, and its input is a shopper's: places and reasons only.
        hide_input_in_errors=True,
    )


class RequestModel(Model):
    """A body that a client sends. An unknown field is most likely a misspelt one, so it is refused."""

    model_config = ConfigDict(extra="forbid")


def asks(sentence: str) -> WrapValidator:
    """What a shopper reads beside a field that they left blank or filled in wrongly: "Enter your postal code."

    A text that is only too long, or no line of text, keeps the general message, which says what it may be. So does
    what is wrong inside of the field, such as the quantity of one line of several.
    """

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            found = error.errors(include_input=False)
            if any(each["loc"] or each["type"] in ("string_too_long", "line") for each in found):
                raise
            raise PydanticCustomError("asked", "{sentence}", {"sentence": sentence}) from error

    return WrapValidator(validate)
