"""The kernel that every service stands on: events, outbox, consumer, HTTP. It knows no service."""
