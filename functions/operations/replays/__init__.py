"""Replaying dead letters to their consumers, dropping them, trying what a replay would do, and the record of it all."""
