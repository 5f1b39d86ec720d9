"""What all events have in common: a public name with a version, and the id of what they are about."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from cloudretail.model import Model


@dataclass(frozen=True)
class EventType:
    """The public name of an event.

    Attributes:
        service: the service that publishes it.
        name: EventBridge's detail-type.
        version: version of the data's schema.
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
        """Parse a CloudEvents type, `cloudretail.<service>.<Name>.v<version>`.

        Raises:
            ValueError: it does not have this form.
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
        """The keys by which an operator finds its log lines and failures, such as `{"order_id": ...}`."""
        return {}
