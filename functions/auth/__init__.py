"""Accounts and sessions: registration, login and password reset, on Amazon Cognito."""
