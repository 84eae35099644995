"""Protocols: split, ask the recommenders, hand runs and truth to evaluation."""
