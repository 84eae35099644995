// What a person does to wishes and list: every step can be undone, and what is said of tracks is told to the server.

import { api } from "./api.js";
import { announce } from "./dom.js";
import { added, draftOf, headed, marked, moved, NO_DRAFT, said, without } from "./draft.js";
import { somebody, tell } from "./person.js";
import { redone, START, undoable, undone } from "./state.js";
import { toast } from "./toast.js";
import { bodyOf, isBlank, MOST, NO_WISHES } from "./wishes.js";
import { nameOf, trackInWords } from "./words.js";

const FLOW_MS = 1500; // keystrokes within this time are one step of undo

/** @param {{now: function(string=): void, drop: function(): void}} asking */
export function createEditing(store, asking) {
  let last = { kind: null, time: 0 };

  /** @param {string|null} kind changes of one kind that follow each other closely are one step */
  function change(parts, kind = null) {
    const flows = kind !== null && kind === last.kind && Date.now() - last.time < FLOW_MS;
    last = { kind, time: Date.now() };
    store.update((state) => {
      const made = typeof parts === "function" ? parts(state) : parts;
      return made && (flows ? made : undoable(state, made));
    });
  }

  const wish = (wishes, kind = null) => change((state) => ({ wishes: Object.freeze({ ...state.wishes, ...wishes }) }), kind);
  const edit = (act) => change((state) => {
    const draft = act(state.draft);
    return draft === state.draft ? null : { draft };
  });

  /** The list was shown before there was anybody to show it to: it is asked for again, so that it has a name. */
  async function named({ wishes, draft }) {
    const { listId } = await api.recommend({ ...bodyOf(wishes, draft, somebody()), explain: false });
    store.update((state) => (state.answer.listId ? null : { answer: { ...state.answer, listId } }));
    return listId;
  }

  function report(before, after) {
    const place = (id) => {
      const at = before.draft.tracks.findIndex((track) => track.track_id === id);
      return (at >= 0 ? at : after.draft.tracks.findIndex((track) => track.track_id === id)) + 1;
    };
    if (before.model?.abilities?.feedback === false) return;
    const events = said(before.draft, after.draft).map(([id, action]) => ({ action, track_id: id, position: Math.max(place(id), 1) }));
    const listed = before.answer.listId || (events.length && !isBlank(before.wishes) ? () => named(before) : "");
    tell(listed, events, (problem) => toast(`That was not remembered. ${problem.message}`, { bad: true }));
  }

  function step(to, text) {
    const before = store.get();
    const after = to(before);
    if (!after) return announce(`There is nothing to ${text}`);
    asking.drop();
    last = { kind: null, time: 0 };
    store.update(() => after);
    report(before, store.get());
    return announce(text === "undo" ? "Undone" : "Done again");
  }

  const undo = () => step(undone, "undo");

  return {
    wish,
    undo,
    redo: () => step(redone, "redo"),
    move: (from, to) => edit((draft) => moved(draft, from, to)),
    remove(at) {
      const track = store.get().draft.tracks[at];
      edit((draft) => without(draft, at));
      toast(`Removed ${nameOf(track)}`, { label: "Undo", act: undo });
    },
    mark(track, mark) {
      const before = store.get();
      const taken = before.draft.marks[track.track_id] === mark;
      edit((draft) => marked(draft, track.track_id, mark));
      report(before, store.get());
      if (mark === "never" && !taken) toast(`Never again: ${nameOf(track)}`, { label: "Undo", act: undo });
      else announce(taken ? `No longer marked: ${nameOf(track)}` : { keep: `Kept: ${nameOf(track)}`, more: `More like ${nameOf(track)}` }[mark]);
      if (mark !== "keep") asking.now(mark === "never" ? "fill" : "merge");
    },
    add(track) {
      edit((draft) => added(draft, track));
      store.update((state) => (state.answer.status === "empty" ? { answer: { ...state.answer, status: "ready" } } : null));
      toast(`${trackInWords(track)} is in the list in Make`, { label: "Undo", act: undo });
    },
    give(track) {
      const { given } = store.get().wishes;
      if (given.length >= MOST || given.some((other) => other.track_id === track.track_id)) return;
      wish({ given: [...given, track] });
    },
    /** The given tracks go into the list, before the others. */
    head: () => edit((draft) => headed(draft, store.get().wishes.given)),
    ungive: (at) => wish({ given: store.get().wishes.given.filter((_, i) => i !== at) }),
    /** Other wishes and an empty list, in Make. */
    begin(wishes) {
      change(() => ({ tab: "make", open: null, draft: NO_DRAFT, answer: START.answer, wishes: Object.freeze({ ...NO_WISHES, ...wishes }) }));
    },
    /** A finished list, to be edited in Make; nothing is asked. */
    take(title, tracks, saved = null) {
      const wishes = Object.freeze({ ...NO_WISHES, title, n: Math.min(Math.max(tracks.length, 1), 500) });
      change(() => ({ tab: "make", open: null, wishes, asked: wishes, draft: draftOf(tracks, saved), answer: { ...START.answer, status: "ready" } }));
    },
    savedAs: (saved) => store.update((state) => ({ draft: { ...state.draft, saved } })),
  };
}
