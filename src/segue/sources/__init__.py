"""Raw files -> library: MPD JSON, CSV, Parquet, M3U, XSPF, JSPF.

One file becomes one :class:`~segue.sources.piece.Piece` by a pure function;
:func:`~segue.sources.ingest.ingest` finds the files, maps that function over them and merges the pieces.
Nothing here opens a network connection.
"""
