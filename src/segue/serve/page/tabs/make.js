// Make: the box, the songs to start from, the controls, and the list under them.

import { createControls } from "../controls.js";
import { createCombobox, drawChips } from "../combobox.js";
import { byId, button, el, fill, icon, set } from "../dom.js";
import { copyList, download, FORMATS } from "../files.js";
import { createList } from "../list.js";
import { menu } from "../dialogs.js";
import { empty, failed, nothing, skeleton } from "../states.js";
import { inWords, isBlank } from "../wishes.js";
import { counted, lasting, line, placeOf, sentence } from "../words.js";

const EXAMPLES = ["rainy sunday", "songs to cook to", "90s road trip", "morning run", "late night coding", "heartbreak, but not sad"];

/** The title that a list has outside of the page. */
export const titleOf = (state) =>
  line(state.draft.saved?.title || state.wishes.title) || (state.wishes.after ? line(state.wishes.after.title) : "") || (state.wishes.given.length ? `Like ${line(state.wishes.given[0].name)}` : "Playlist");

export function mountMake({ store, editing, asking, saving }) {
  const title = byId("title");
  const field = createCombobox({
    label: "Start from a song: type its name", placeholder: "Start from a song…", choose: editing.give,
    backspace: () => store.get().wishes.given.length && editing.ungive(store.get().wishes.given.length - 1),
  });
  byId("given").append(field.node);
  const heading = button("Put them first in the list", "up", editing.head, { class: "button slim", hidden: true });
  byId("given").after(heading);
  byId("clear").append(icon("close"));
  byId("clear").addEventListener("click", () => {
    editing.begin({});
    title.focus();
  });
  title.addEventListener("input", () => editing.wish({ title: title.value.replace(/[\r\n]+/g, " ") }, "title"));
  title.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    asking.now();
  });
  byId("ask").addEventListener("submit", (event) => event.preventDefault());
  const controls = createControls(byId("tune"), (wishes) => editing.wish(wishes, Object.keys(wishes).join(" ")));
  const toggle = byId("tune-toggle");
  toggle.addEventListener("click", () => set(toggle, "aria-expanded", String(toggle.getAttribute("aria-expanded") !== "true")));

  const list = createList("The playlist", {
    move: editing.move, remove: editing.remove, mark: editing.mark, start: editing.give,
    toggle: (key) => store.update((state) => ({ open: state.open === key ? null : key })),
  });
  const now = () => [titleOf(store.get()), store.get().draft.tracks];
  const undo = button("Undo", "undo", editing.undo, { quiet: true, "aria-keyshortcuts": "Control+Z" });
  const redo = button("Redo", "redo", editing.redo, { quiet: true, "aria-keyshortcuts": "Control+Shift+Z" });
  const again = button("Ask again; what you kept or moved stays", "again", () => asking.now(), { quiet: true });
  const many = el("p", { class: "many" });
  const remark = el("p", { class: "said", hidden: true });
  const save = button("Save", "save", () => saving.save(), { class: "button primary" });
  const share = button("Share", "share", () => saving.share());
  const head = el("div", { class: "list-head" }, many,
    el("div", { class: "tools" }, undo, redo, again),
    el("div", { class: "tools end" },
      save,
      menu("Download", "download", FORMATS.map(([format, text]) => [text, () => download(format, ...now())])).node,
      button("Copy", "copy", () => copyList(...now()), { "aria-label": "Copy the list as text" }),
      share));
  const hint = el("p", { class: "hint keys" }, "Arrow keys go from song to song; with Alt they move one. Del removes, Ctrl+Z undoes.");
  const ready = el("div", { class: "ready" }, head, remark, list.node, hint);
  const result = byId("result");
  let shown = null;

  function show(kind, make) {
    if (shown === kind) return;
    shown = kind;
    fill(result, make());
  }

  const examples = () =>
    empty("What should it sound like?", "A title, a mood, a place. Or start from songs you like.",
      EXAMPLES.map((text) => el("button", { type: "button", class: "example", text, on: { click: () => editing.wish({ title: text }) } })));

  function drawBox(state, old) {
    const { wishes, answer, model } = state;
    if (title.value.replace(/[\r\n]+/g, " ") !== wishes.title) title.value = wishes.title;
    if (wishes.title !== old.wishes.title || state === old || !title.dataset.sized) grow(title);
    set(byId("clear"), "hidden", isBlank(wishes) && !state.draft.tracks.length);
    const after = wishes.after && { text: `After “${line(wishes.after.title) || "an untitled playlist"}”`, remove: () => editing.wish({ after: null }) };
    if (wishes.given !== old.wishes.given || wishes.after !== old.wishes.after || state === old) {
      drawChips(byId("chips"), wishes.given, { remove: editing.ungive, field: field.input, extra: after });
      set(field.input, "placeholder", wishes.given.length ? "Another song…" : "Start from a song…");
    }
    const there = new Set(state.draft.tracks.map((track) => track.track_id));
    set(heading, "hidden", !there.size || wishes.given.every((track) => there.has(track.track_id)));
    set(byId("progress"), "hidden", answer.status !== "loading");
    const remarks = (place) => [...new Set(answer.ignored.filter((text) => placeOf(text) === place).map(sentence))].join(" ");
    for (const [id, place] of [["title-said", "title"], ["given-said", "given"]]) {
      set(byId(id), "text", remarks(place));
      set(byId(id), "hidden", !remarks(place));
    }
    fill(toggle, icon("tune"), el("span", { text: "Tune" }), el("span", { class: "tune-said", text: inWords(wishes) }));
    document.title = wishes.title && state.tab === "make" ? `${line(wishes.title).slice(0, 60)} · Segue` : "Segue";
    if (model) controls(state);
  }

  const panel = byId("panel-make");

  function drawResult(state) {
    const { answer, draft } = state;
    const { tracks } = draft;
    const blank = isBlank(state.wishes) && !tracks.length;
    set(panel, "class", blank ? "is-blank" : "");
    set(result, "aria-busy", String(answer.status === "loading"));
    if (answer.waiting) {
      set(remark, "text", "Many people are asking right now. Trying again in a moment…");
    } else if (answer.status === "error" && tracks.length) {
      fill(remark, `${sentence(answer.problem.message)} `, el("button", { type: "button", class: "text-button", text: "Try again", on: { click: () => asking.now() } }));
    }
    set(remark, "hidden", !(answer.waiting || (answer.status === "error" && tracks.length)));
    if (tracks.length) {
      show("list", () => ready);
      list.draw(tracks, { marks: draft.marks, pinned: draft.pinned, open: state.open });
      const length = lasting(tracks);
      set(many, "text", [counted(tracks.length, "song"), length].filter(Boolean).join(" · ") + (draft.saved ? ` · saved as “${line(draft.saved.title)}”` : ""));
      set(undo, "disabled", !state.past.length);
      set(redo, "disabled", !state.future.length);
      set(again, "disabled", isBlank(state.wishes));
      set(ready, "class", answer.status === "loading" ? "ready is-loading" : "ready");
    } else if (answer.status === "loading" && answer.waiting) {
      show("waiting", () => empty("Many people are asking right now", "Your list comes as soon as there is room. Nothing needs to be done.", [], "busy"));
    } else if (answer.status === "loading" || (answer.status === "empty" && !isBlank(state.wishes))) {
      show("loading", () => skeleton(8));
    } else if (answer.status === "error") {
      shown = null;
      show("error", () => failed(answer.problem, () => asking.now()));
    } else if (answer.status === "ready" && !isBlank(state.wishes)) {
      show("nothing", () => nothing("No song fits all of this", "Years, artists and length together leave nothing. Loosen one of them.",
        () => editing.wish({ from: null, to: null, clean: false, cap: 0, fresh: false }), "Loosen everything", editing.undo));
    } else {
      show("empty", examples);
    }
  }

  store.subscribe((state, old) => {
    if (state.tab !== "make") return;
    drawBox(state, old.tab === "make" ? old : state);
    if (state !== old || shown === null) drawResult(state);
  });
}

/** A textarea is as high as its text; styles cannot do that everywhere yet. */
function grow(area) {
  area.dataset.sized = "1";
  area.style.height = "auto";
  if (area.scrollHeight) area.style.height = `${Math.min(area.scrollHeight, 260)}px`;
}
