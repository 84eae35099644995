"""Playlists from words."""
