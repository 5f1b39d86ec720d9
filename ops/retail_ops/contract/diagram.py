"""Who tells whom what: a picture of the choreography, made of the events and of the template's rules."""

from collections.abc import Iterator, Sequence

from cloudretail.event import EventData
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import Template

CHOREOGRAPHY = PROJECT / "docs" / "choreography.svg"

LEFT, TOP, LANE, ROW = 220, 86, 138, 30
"""Pixels: the events' names, the queues' names, from queue to queue, from event to event."""

STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #1f2328 }
    .queue { font-size: 11px; fill: #656d76 }
    .lane { stroke: #d0d7de; stroke-dasharray: 3 4 }
    .told { stroke: #0969da; stroke-width: 2; fill: none }
    .teller { fill: #0969da }
    .unheard { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 }
        .queue { fill: #8d96a0 }
        .lane { stroke: #30363d }
        .told { stroke: #4493f8 }
        .teller { fill: #4493f8 }
    }
"""


def choreography(template: Template, events: Sequence[type[EventData]]) -> str:
    """An SVG with a lane for each queue and a row for each event: a dot where it is told, arrows where it is heard
    (a ring where a service hears itself).

    Args:
        template: whose rules say which queue hears an event.
        events: all that may be told, in the order of the rows.
    """
    lanes = {rule.queue: LEFT + LANE * index + LANE // 2 for index, rule in enumerate(template.rules)}
    home = {_service(template, queue): x for queue, x in reversed(lanes.items())}
    width, height = LEFT + LANE * len(lanes), TOP + ROW * len(events) - 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<title>Which queue hears which event</title>",
        f"<style>{STYLE}</style>",
        '<marker id="heard" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5"'
        ' orient="auto-start-reverse"><path class="teller" d="M0 0 8 4 0 8z"/></marker>',
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
        hearers = [lanes[rule.queue] for rule in template.rules if event.event_type.type in rule.types]
        parts += _row(event.event_type.name, home[event.event_type.service], hearers, TOP + ROW * row)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(name: str, teller: int, hearers: Sequence[int], y: int) -> Iterator[str]:
    yield f'<text x="{LEFT - 10}" y="{y + 5}" text-anchor="end">{name}</text>'
    # From hearer to hearer on either side, so that a line ends in the farthest of them and each has its arrow.
    for side in (sorted(x for x in hearers if x > teller), sorted((x for x in hearers if x < teller), reverse=True)):
        for start, end in zip([teller, *side], side, strict=False):
            yield f'<path class="told" marker-end="url(#heard)" d="M{start} {y}H{end}"/>'
    if teller in hearers:
        yield f'<circle class="told" cx="{teller}" cy="{y}" r="9"/>'
    yield f'<circle class="{"teller" if hearers else "unheard"}" cx="{teller}" cy="{y}" r="5"/>'


def _service(template: Template, queue: str) -> str:
    """Whose queue it is: the package of the function that it invokes."""
    handler: str = template.functions[template.consumers[queue]]["Handler"]
    return handler.partition(".")[0]


def _note(template: Template, queue: str) -> str:
    return "delayed" if "DelaySeconds" in template.properties("AWS::SQS::Queue")[queue] else ""
