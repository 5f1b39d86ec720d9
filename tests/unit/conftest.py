"""What the environment of every function says, before any of them is imported; and hypothesis without a stop-watch."""

import os

from hypothesis import HealthCheck, settings

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "CloudRetail"

# A machine that does something else at the same time is no failure.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
