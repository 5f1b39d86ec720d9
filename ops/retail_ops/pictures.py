"""Who tells whom what: a picture of the choreography, made of the template's rules."""

from collections import defaultdict

from retail_ops.shop import PROJECT
from retail_ops.template import Template

README = PROJECT / "README.md"

BEGIN = "<!-- The choreography, generated from template.yaml by `make schemas`. -->"
END = "<!-- End of the choreography. -->"


def choreography(template: Template) -> str:
    """A Mermaid flow chart: services, their queues, and the events that go from one to the other.

    Args:
        template: each of its rules is an arrow to one queue from every service whose events it takes.
    """
    lines = ["flowchart LR"]
    for rule in template.rules:
        told: dict[str, list[str]] = defaultdict(list)
        for type_ in rule.types:
            _, producer, name, _ = type_.split(".")
            told[producer].append(name)
        lines += [f'    {producer} -->|"{"<br>".join(names)}"| {rule.queue}' for producer, names in told.items()]
        lines.append(f"    {_queue(template, rule.queue)} --> {_service(template, rule.queue)}")
    return "\n".join(lines)


def with_picture(page: str, template: Template) -> str:
    """`page` with the picture between its markers as the template has it now.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("README.md has lost the markers of the choreography")
    return f"{before}{BEGIN}\n\n```mermaid\n{choreography(template)}\n```\n\n{END}{after}"


def _service(template: Template, queue: str) -> str:
    """Whose queue it is: the package of the function that it invokes."""
    handler: str = template.functions[template.consumers[queue]]["Handler"]
    return handler.partition(".")[0]


def _queue(template: Template, queue: str) -> str:
    delayed = "DelaySeconds" in template.properties("AWS::SQS::Queue")[queue]
    return f"{queue}([{queue}{', delayed' if delayed else ''}])"
