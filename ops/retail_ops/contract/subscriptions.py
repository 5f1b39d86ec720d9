"""Writes the consumers and their subscriptions into the template and samconfig.toml, from the consumers' declarations.

A consumer's declaration in Python has the events that it subscribes to. The rule that fills its queue needs them in the
template. They are replaced in the template's text, so that everything else in it stays as it is.
"""

import re
from collections.abc import Mapping, Sequence

from contract import EVENTS
from operations.consumers import CONSUMERS
from operations.queues import ConsumerQueue
from retail_ops.errors import OpsError

LIST = re.compile(r"(?<=^  Consumers:\n)(    Type: CommaDelimitedList\n    Default: )(.*)$", re.MULTILINE)

KNOWN = re.compile(r"(?<=^  Contract:\n    Events:\n)      Types:.*\n(?:        - .*\n)*", re.MULTILINE)

PUBLISHED = tuple(event.event_type.type for event in EVENTS)


def declared() -> Mapping[str, Sequence[str]]:
    """The types of the events that each consumer subscribes to, by the consumer's name in the template.

    A consumer that is not fed by the bus has no subscriptions, and is left out.
    """
    return {
        ConsumerQueue.of(consumer.name).template_name: [event.event_type.type for event in consumer.subscribes_to]
        for consumer in CONSUMERS
        if consumer.subscribes_to
    }


def template_with(text: str, consumers: Mapping[str, Sequence[str]], events: Sequence[str] = PUBLISHED) -> str:
    """The template's text with these consumers and their subscriptions.

    Args:
        text: of the template.
        consumers: as `declared` returns them.
        events: types of all events of the contract. The rule for unmatched events matches all other types.

    Raises:
        OpsError: a consumer has no entry in the mapping `Consumers`.
    """
    for name, types in consumers.items():
        entry = re.search(rf"^    {name}:\n((?:      .*\n)+)", text, re.MULTILINE)
        if entry is None:
            raise OpsError(
                f"{name} has no entry in the mapping Consumers of template.yaml. Write one, with Description, "
                "MaximumConcurrency, BatchingWindow, Delay and OldAfter; the events that it subscribes to are then "
                "written for you."
            )
        others = re.sub(r"^      SubscribesTo:\n(?:        - .*\n)*", "", entry[1], flags=re.MULTILINE)
        description, _, settings = others.partition("\n")
        lines = [description, "      SubscribesTo:", *(f"        - {type_}" for type_ in types)]
        text = text[: entry.start(1)] + "\n".join(lines) + "\n" + settings + text[entry.end(1) :]
    text = KNOWN.sub("".join(["      Types:\n", *(f"        - {type_}\n" for type_ in events)]), text)
    return LIST.sub(lambda found: found[1] + ",".join(consumers), text)


def samconfig_with(text: str, consumers: Mapping[str, Sequence[str]]) -> str:
    """The text of samconfig.toml with these consumers in its deployments' parameters."""
    return re.sub(
        r'^(    "Consumers=).*(",)$', lambda found: f"{found[1]}{','.join(consumers)}{found[2]}", text, flags=re.M
    )
