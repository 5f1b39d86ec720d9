"""The recipes of docs/development.md, each a script that carries its table out on a copy of the project."""

RECIPES = {
    "event": ("Adding an event", 3),
    "consumer": ("Adding a consumer", 4),
    "route": ("Adding a route", 3),
    "provider": ("Adding a payment provider", 3),
}
"""By the name of its module, the heading in docs/development.md, and how many existing files it may touch."""
