"""Notifications: mails to shoppers about what happens to their orders, each mail once."""
