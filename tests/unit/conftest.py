"""What the environment of every function says, before any of them is imported."""

import os

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "CloudRetail"
