"""Texts about playlists and tracks, queries and grades: written by a language model or by plainly named stand-ins."""
