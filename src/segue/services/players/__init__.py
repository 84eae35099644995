"""Players and services that hold a person's own music: playlists pushed to them, libraries pulled from them."""
