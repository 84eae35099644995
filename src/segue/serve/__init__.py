"""The app: an HTTP service with its page, feedback and saved playlists, a client of it, and a server of tools."""
