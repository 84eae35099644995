// When a list is asked for, and what becomes of the answer.

import { api, debounced, latest } from "./api.js";
import { announce } from "./dom.js";
import { filled, isFull, merged } from "./draft.js";
import { person } from "./person.js";
import { bodyOf, isBlank, lengthOf } from "./wishes.js";
import { counted } from "./words.js";

const TYPING_MS = 250;

/**
 * Asks whenever the wishes are others than those that were answered.
 * @returns {{now: function(string=): void, drop: function(): void}} now asks at once: "merge" (what is pinned stays) or
 *   "fill" (everything stays, holes are filled).
 */
export function startAsking(store) {
  const newest = latest();
  let wanted = null;
  const later = debounced(() => now("merge"), TYPING_MS);

  store.subscribe((state) => {
    if (state.wishes === state.asked) {
      if (wanted) drop();
    } else if (state.wishes !== wanted) {
      wanted = state.wishes;
      later();
    }
  });

  function drop() {
    later.cancel();
    newest.drop();
    wanted = null;
  }

  async function now(how = "merge") {
    later.cancel();
    const { wishes, draft } = store.get();
    wanted = wishes;
    if (isBlank(wishes)) return blank(wishes);
    store.update((state) => ({ answer: { ...state.answer, status: "loading", waiting: 0, problem: null } }));
    const waiting = (seconds) => store.update((state) => ({ answer: { ...state.answer, waiting: seconds } }));
    const { found, problem, stale } = await newest.run((signal) => api.recommend(bodyOf(wishes, draft, person()), { signal, waiting }));
    if (stale) return undefined;
    if (problem) {
      store.update((state) => ({ answer: { ...state.answer, status: "error", waiting: 0, problem } }));
      return announce(problem.message);
    }
    return store.update((state) => answered(state, wishes, found, how));
  }

  function answered(state, wishes, found, how) {
    const length = lengthOf(wishes);
    const draft = (how === "fill" ? filled : merged)(state.draft, found.tracks, length);
    const short = !isFull(draft.tracks, length);
    announce(draft.tracks.length ? `${counted(draft.tracks.length, "song")} in the list` : "No song fits");
    const answer = { status: "ready", waiting: 0, ignored: found.ignored, listId: found.listId, problem: null, short };
    return { draft, answer, asked: state.wishes === wishes ? state.wishes : wishes };
  }

  function blank(wishes) {
    newest.drop();
    store.update((state) => {
      const tracks = state.draft.tracks.filter((track) => state.draft.pinned.includes(track.track_id));
      const answer = { status: tracks.length ? "ready" : "empty", waiting: 0, ignored: [], listId: "", problem: null, short: false };
      return { asked: wishes, draft: { ...state.draft, tracks }, answer };
    });
  }

  return { now, drop };
}
