"""Semantic clusters of playlists: vectors, K-Means and density, coherence, the choice of k."""
