"""The sample invocations in events/, and recording them."""
