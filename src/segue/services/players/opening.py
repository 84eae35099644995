"""Opening a player by its name."""

from __future__ import annotations

from collections.abc import Callable

from segue.services.base import NotAllowed
from segue.services.client import Client
from segue.services.players.base import Player, PlayerName

__all__ = ["open_player"]


def open_player(
    name: PlayerName,
    client: Client,
    *,
    in_the_clear: bool = False,
    login: Callable[[str], None] | None = None,
) -> Player:
    """A player, with the address and the keys that the environment holds.

    Args:
        in_the_clear: whether keys may be sent unencrypted to a server of one's own over the open network.
        login: where given, Spotify is asked for leave anew, and this is handed the address to open in a browser.

    Raises:
        NotAllowed: an address or a key is missing.
    """
    if name == "subsonic":
        from segue.services.players.subsonic import Subsonic

        return Subsonic(client, in_the_clear=in_the_clear)
    if name == "jellyfin":
        from segue.services.players.jellyfin import Jellyfin

        return Jellyfin(client, in_the_clear=in_the_clear)
    if name == "listenbrainz":
        from segue.services.players.listenbrainz import ListenBrainz

        return ListenBrainz(client)
    from segue.services.players.secrets import setting
    from segue.services.players.spotify_login import log_in, token_file
    from segue.services.players.spotify_player import SpotifyPlayer, client_id

    if login is not None:
        port = setting("SEGUE_SPOTIFY_PORT") or "0"
        if not port.isdecimal() or int(port) > 65_535:
            raise NotAllowed("spotify", "cannot listen at what SEGUE_SPOTIFY_PORT says: it is no port")
        log_in(client, client_id(), token_file(), login, port=int(port))
    return SpotifyPlayer(client, token_file())
