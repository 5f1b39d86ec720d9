"""What a function prints, in which nothing about a person may stand."""

from io import StringIO

import pytest

from cloudretail.telemetry import logger


def captured_logs(patch: pytest.MonkeyPatch) -> StringIO:
    """From here on the shop's log lines, as CloudWatch would get them, go into the answer."""
    lines = StringIO()
    patch.setattr(logger.registered_handler, "stream", lines)
    return lines
