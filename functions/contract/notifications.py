"""The events about bounces and complaints of the shop's mails.

No code of the shop publishes them. SES publishes on the account's default bus, and the rule MailFeedbackRule in the
template transforms that into an event of the shop.
"""

from cloudretail.event import EventType
from contract.values import MailFeedback, OrderEvent


class MailFeedbackReceived(OrderEvent):
    """A mail about an order bounced, or its recipient complained. `mail` is the name of the event that it was about."""

    event_type = EventType("notifications", "MailFeedbackReceived")

    mail: str
    feedback: MailFeedback
