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
        # A cold start builds validators only for the models that its first message needs.
        defer_build=True,
        # Errors go to logs and to the table of failures. The input may be personal data, so they do not contain it.
        hide_input_in_errors=True,
    )


class RequestModel(Model):
    """The body of a request. An unknown field is refused, since it is most likely a misspelt one."""

    model_config = ConfigDict(extra="forbid")


def asks(sentence: str) -> WrapValidator:
    """The message beside a field that is blank or filled in wrongly: "Enter your postal code."

    Two kinds of errors keep their general message. One is a text that is too long or not one line: that message says
    what is allowed. The other is an error inside of the field, such as in the quantity of one of several lines.
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
