"""What becomes of the shop's mails.

No code of the shop's publishes this. SES says it on the account's default bus, and the rule MailFeedbackRule of the
template makes an event of it.
"""

from cloudretail.event import EventType
from contract.values import MailFeedback, OrderEvent


class MailFeedbackReceived(OrderEvent):
    """A mail about an order bounced, or its recipient complained. `mail` is the name of the event that it was about."""

    event_type = EventType("notifications", "MailFeedbackReceived")

    mail: str
    feedback: MailFeedback
