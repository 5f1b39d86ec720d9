"""What every event has, whatever it is about: its name outside, and what it is about."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from cloudretail.model import Model


@dataclass(frozen=True)
class EventType:
    """The name under which an event is known outside.

    Attributes:
        service: the producer.
        name: EventBridge's detail-type.
        version: of the data's schema.
    """

    service: str
    name: str
    version: int = 1

    @property
    def source(self) -> str:
        return f"cloudretail.{self.service}"

    @property
    def type(self) -> str:
        return f"cloudretail.{self.service}.{self.name}.v{self.version}"

    @property
    def dataschema(self) -> str:
        return f"urn:cloudretail:schema:{self.service}:{self.name}:v{self.version}"

    @classmethod
    def parse(cls, type_: str) -> Self:
        """The name in a CloudEvents type, `cloudretail.<service>.<Name>.v<version>`.

        Raises:
            ValueError: it is none of this shop's form.
        """
        match type_.split("."):
            case ["cloudretail", service, name, version] if version[:1] == "v" and version[1:].isdecimal():
                return cls(service, name, int(version[1:]))
            case _:
                raise ValueError(f"{type_!r} is no event type of the shop")


class EventData(Model):
    """The data of an event."""

    event_type: ClassVar[EventType]

    @property
    @abstractmethod
    def subject(self) -> str:
        """Id of what the event is about: an order, an account, a product."""

    @property
    def keys(self) -> Mapping[str, str]:
        """By which an operator finds its log lines and failures, such as `{"order_id": ...}`."""
        return {}
