// One immutable state, drawn by functions. Whatever changes it goes through `update`.

import { NO_DRAFT } from "./draft.js";
import { NO_WISHES } from "./wishes.js";

const DEEPEST = 100;

/** What there is before anything was asked. */
export const START = Object.freeze({
  tab: "make",
  model: null, // what GET /v1/model says
  wishes: NO_WISHES, // what is asked for
  asked: NO_WISHES, // the wishes that the draft answers; as long as they differ, an answer is on its way
  draft: NO_DRAFT, // the list, as edited
  answer: Object.freeze({ status: "empty", ignored: [], listId: "", problem: null, short: false }),
  past: Object.freeze([]),
  future: Object.freeze([]),
  open: null, // the row whose reasons are shown
  find: Object.freeze({ query: "", filters: {}, status: "empty", answer: null, problem: null, open: null }),
  similar: Object.freeze({ given: [], status: "empty", answer: null, problem: null }),
  listener: Object.freeze({ given: [], user: "", country: "", status: "empty", answer: null, problem: null }),
  saved: Object.freeze({ status: "empty", playlists: [], problem: null, open: null }),
  map: Object.freeze({ status: "empty", data: null, problem: null }),
});

/** Holds the state and tells those who draw it. */
export function createStore(initial = START) {
  let state = initial;
  const drawers = new Set();
  let drawing = false;
  let again = false;

  function draw(before) {
    if (drawing) {
      again = true;
      return;
    }
    drawing = true;
    let old = before;
    do {
      again = false;
      const now = state;
      for (const drawer of drawers) drawer(now, old);
      old = now;
    } while (again);
    drawing = false;
  }

  return {
    get: () => state,
    /** @param {function(Object): Object} change gives the parts that change */
    update(change) {
      const parts = change(state);
      if (!parts) return;
      const before = state;
      state = Object.freeze({ ...state, ...parts });
      draw(before);
    },
    subscribe(drawer) {
      drawers.add(drawer);
      drawer(state, state);
    },
  };
}

/** What undo brings back. An answer that was on its way for the same wishes counts as there: nobody will bring it. */
function snapshot({ wishes, asked, draft, answer }) {
  const idle = wishes === asked && answer.status === "loading" ? { ...answer, status: draft.tracks.length ? "ready" : "empty" } : answer;
  return Object.freeze({ wishes, asked, draft, answer: idle });
}

/** The parts of a change that can be undone. */
export function undoable(state, parts) {
  return { ...parts, past: [...state.past, snapshot(state)].slice(-DEEPEST), future: [] };
}

/** One step back, or null where there is none. */
export function undone(state) {
  if (!state.past.length) return null;
  const before = state.past[state.past.length - 1];
  return { ...before, past: state.past.slice(0, -1), future: [snapshot(state), ...state.future], open: null };
}

/** One step forth, or null where there is none. */
export function redone(state) {
  if (!state.future.length) return null;
  const [next, ...rest] = state.future;
  return { ...next, past: [...state.past, snapshot(state)], future: rest, open: null };
}
