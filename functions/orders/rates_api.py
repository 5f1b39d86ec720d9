"""What shipping costs: anybody asks, staff change it."""

from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.http import Api, answers
from cloudretail.identity import Group
from cloudretail.model import Model, RequestModel
from cloudretail.money import MAX_PRICE, MinorUnits, Money
from cloudretail.repository import DynamoDBRepository
from cloudretail.settings import load
from orders import commands
from orders.addresses import Form, form_of
from orders.rates import CountryCode, Quote, Rates, TaxRate, Zone, quotes
from orders.store import RATES, RatesSettings

api = Api()
