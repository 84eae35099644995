"""The generation of models that answers now, and how the next one takes its place."""

from __future__ import annotations

import contextlib
import logging
import threading

from segue.errors import SegueError
from segue.serve.engine import Engine, States, states_of
from segue.serve.measures import Measures
from segue.serve.settings import ServeSettings

__all__ = ["Current"]

_LOG = logging.getLogger("segue.serve")
_EVERY = 1.0  # seconds between two looks at the folders
_PATIENCE = 3  # looks at which a folder may be missing before that is told


class Current:
    """Holds one :class:`Engine`; a request takes it once and keeps it to its end.

    An engine that cannot be opened or cannot answer never takes over: the old one goes on, and :attr:`problem` says
    why. A generation is let go when the last request that holds it has ended.

    Args:
        settings: which folders. measures: where attempts are counted.

    Raises:
        StoredDataError: a folder is missing, damaged or newer.
    """

    def __init__(self, settings: ServeSettings, measures: Measures) -> None:
        self.settings = settings
        self.problem = ""
        self.generation = 1
        self._measures = measures
        self._one_at_a_time = threading.Lock()
        self._wanted, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        engine = Engine.open(settings)
        engine.warm()
        self._engine = engine
        self._seen: States = engine.states

    @property
    def engine(self) -> Engine:
        """What answers now."""
        return self._engine

    def reload(self, *, everything: bool = False) -> bool:
        """Open the folders again and put the new generation in the old one's place; returns whether that worked.

        Args:
            everything: also what has not changed on disk.
        """
        with self._one_at_a_time:
            seen = states_of(self.settings)
            try:
                engine = Engine.open(self.settings, None if everything else self._engine)
                engine.warm()
            except SegueError as error:
                self.problem = str(error)
                _LOG.error("the old models go on answering, since the new ones cannot: %s", error)
            except Exception as error:  # whatever a folder holds, the old generation goes on
                self.problem = f"the new models cannot be opened ({type(error).__name__})"
                _LOG.exception("the old models go on answering, since the new ones cannot")
            else:
                self._engine, self.problem = engine, ""
                self.generation += 1
                _LOG.info("generation %d answers now: model %s", self.generation, engine.model.fingerprint)
            self._seen = seen
            self._measures.reloaded(not self.problem)
            return not self.problem

    def ask(self) -> None:
        """Have the watching thread reload soon; safe to call from a signal handler."""
        self._wanted.set()

    def watch(self, every: float = _EVERY) -> None:
        """Start looking at the folders; each change is followed by a reload."""
        if self._thread is None:
            self._over.clear()
            self._thread = threading.Thread(target=self._look, args=(every,), name="segue-watch", daemon=True)
            self._thread.start()

    def _look(self, every: float) -> None:
        looks_without = 0
        while not self._over.is_set():
            asked = self._wanted.wait(every)
            if self._over.is_set():
                return
            self._wanted.clear()
            states = states_of(self.settings)
            changed = states != self._seen
            # a folder that is being replaced is not there for a moment; one that stays away is a failure
            looks_without = looks_without + 1 if changed and not all(states.values()) else 0
            if asked or (changed and looks_without in (0, _PATIENCE)):
                self.reload(everything=asked)

    def stop(self) -> None:
        """End the watching thread."""
        self._over.set()
        self._wanted.set()
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):
                self._thread.join(timeout=5)
            self._thread = None
