"""The groups of commands; `retail_ops.cli` puts them together."""
