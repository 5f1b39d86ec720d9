"""The diagram of publishers and subscribers, made from the events and the template's rules."""

from collections.abc import Iterator, Sequence

from cloudretail.event import EventData
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import Template

CHOREOGRAPHY = PROJECT / "docs" / "choreography.svg"

LEFT, TOP, LANE, ROW = 220, 86, 138, 30
"""Pixels: width of the events' names, height of the queues' names, distance of lanes, distance of rows."""

STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #1f2328 }
    .queue { font-size: 11px; fill: #656d76 }
    .lane { stroke: #d0d7de; stroke-dasharray: 3 4 }
    .published { stroke: #0969da; stroke-width: 2; fill: none }
    .producer { fill: #0969da }
    .unsubscribed { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 }
        .queue { fill: #8d96a0 }
        .lane { stroke: #30363d }
        .published { stroke: #4493f8 }
        .producer { fill: #4493f8 }
    }
"""


def choreography(template: Template, events: Sequence[type[EventData]]) -> str:
    """An SVG with a lane for each queue and a row for each event. A dot marks the publisher, arrows lead to the
    subscribers, and a ring marks a service that subscribes to its own event.

    Args:
        template: whose rules say which queue an event is sent to.
        events: all that may be published, in the order of the rows.
    """
    lanes = {rule.queue: LEFT + LANE * index + LANE // 2 for index, rule in enumerate(template.rules)}
    home = {_service(template, queue): x for queue, x in reversed(lanes.items())}
    width, height = LEFT + LANE * len(lanes), TOP + ROW * len(events) - 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<title>Which queue subscribes to which event</title>",
        f"<style>{STYLE}</style>",
        '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5"'
        ' orient="auto-start-reverse"><path class="producer" d="M0 0 8 4 0 8z"/></marker>',
    ]
    for queue, x in lanes.items():
        service, note = _service(template, queue), _note(template, queue)
        parts += [
            f'<text x="{x}" y="24" text-anchor="middle">{service}</text>',
            f'<text class="queue" x="{x}" y="42" text-anchor="middle">{queue}</text>',
            f'<text class="queue" x="{x}" y="58" text-anchor="middle">{note}</text>',
            f'<line class="lane" x1="{x}" x2="{x}" y1="{TOP - 20}" y2="{height}"/>',
        ]
    for row, event in enumerate(events):
        subscribers = [lanes[rule.queue] for rule in template.rules if event.event_type.type in rule.types]
        parts += _row(event.event_type.name, home[event.event_type.service], subscribers, TOP + ROW * row)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(name: str, producer: int, subscribers: Sequence[int], y: int) -> Iterator[str]:
    yield f'<text x="{LEFT - 10}" y="{y + 5}" text-anchor="end">{name}</text>'
    # On either side the line goes from subscriber to subscriber, and each of them has an arrow.
    for side in (
        sorted(x for x in subscribers if x > producer),
        sorted((x for x in subscribers if x < producer), reverse=True),
    ):
        for start, end in zip([producer, *side], side, strict=False):
            yield f'<path class="published" marker-end="url(#arrow)" d="M{start} {y}H{end}"/>'
    if producer in subscribers:
        yield f'<circle class="published" cx="{producer}" cy="{y}" r="9"/>'
    yield f'<circle class="{"producer" if subscribers else "unsubscribed"}" cx="{producer}" cy="{y}" r="5"/>'


def _service(template: Template, queue: str) -> str:
    """The service of a queue: the package of the function that it invokes."""
    handler: str = template.functions[template.consumers[queue]]["Handler"]
    return handler.partition(".")[0]


def _note(template: Template, queue: str) -> str:
    return "delayed" if "DelaySeconds" in template.properties("AWS::SQS::Queue")[queue] else ""
