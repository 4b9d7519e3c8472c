"""Weights that other projects trained and stored in formats of their own."""
