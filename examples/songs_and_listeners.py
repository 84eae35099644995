"""Songs and listeners: similar tracks by sound, words and company; tracks for a listener, also brand-new ones.

    python examples/songs_and_listeners.py

Recordings are real; features, verses, playlists and listeners are synthetic, so the figures say nothing.
"""

from __future__ import annotations

from segue.encode.autoencoder import AutoencoderSpec
from segue.encode.ngrams import NgramEncoder
from segue.library import Query
from segue.protocols.users import run_users
from segue.recommend.artist_backoff import ArtistBackoff
from segue.recommend.user_scores import popularity_among
from segue.sources.demo import songs_library
from segue.split.users import split_users
from segue.systems.track_neighbours import TrackSettings
from segue.systems.track_neighbours import learn as learn_tracks
from segue.systems.two_tower import learn as learn_towers
from segue.train.autoencoder import AutoencoderSettings
from segue.train.track_vectors import TrackVectorSettings
from segue.train.two_tower_settings import TowerSettings
from segue.views.specs import view_of


def main() -> None:
    library = songs_library(120, 100)
    names = view_of("name_artist").texts(library)
    texts = NgramEncoder.fitted(names, dimension=64)

    # twelve audio features -> four numbers; verses -> ten; who shares playlists -> track vectors; then the nearest
    quick = AutoencoderSettings(epochs=5, patience=None)
    settings = TrackSettings(
        audio=AutoencoderSpec.of(4, (8,)),
        lyrics=AutoencoderSpec.of(10, (50,)),
        autoencoder=quick,
        vectors=TrackVectorSettings(epochs=1),
        clusters=0,
    )
    tracks = learn_tracks(library, texts, settings)
    given = 0
    print(f"near {names[given]!r}:")
    for row in tracks.neighbours.recommend(Query(seed_tracks=(given,)), 5).rows:
        print(f"  {names[row]}")

    # listeners x tracks in two towers; a tenth of the tracks has no listener in training, and is known by its words
    split = split_users(library)
    towers = learn_towers(split, view_of("name+lyrics"), texts, TowerSettings(epochs=3))
    popularity = popularity_among(split.train, split.library.tracks["track_id"].to_list())
    artists = ArtistBackoff.fitted(split.library.artist_rows, popularity)
    run_users(split, {"artist_backoff": artists, "two_tower": towers.model.recommender}).print()


if __name__ == "__main__":
    main()
