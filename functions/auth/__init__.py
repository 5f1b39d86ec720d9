"""Accounts and sessions: registration, sign-in and the way back to a forgotten password, on Amazon Cognito."""
