// Settings and help: theme, key, what is remembered, which keys do what.

import { api, key } from "./api.js";
import { confirmed, dialog } from "./dialogs.js";
import { segmented } from "./controls.js";
import { button, byId, el, fill, icon, set } from "./dom.js";
import { tellTrouble } from "./files.js";
import { forgotten, person, tell } from "./person.js";
import { START } from "./state.js";
import { allowed, NO_DRAFT } from "./draft.js";
import { toast } from "./toast.js";
import { counted, trackInWords } from "./words.js";

const THEMES = [["auto", "As the system"], ["light", "Light"], ["dark", "Dark"]];
const DRAWN = { auto: "auto", light: "sun", dark: "moon" };
const KEYS = [
  ["/", "to the box"], ["↑ ↓", "from song to song"], ["Alt + ↑ ↓", "move a song"], ["Del", "take a song out"],
  ["Ctrl + Z", "undo"], ["Ctrl + Shift + Z", "do again"], ["← →", "between the tabs"],
];

const MOST_SHOWN = 100;

const theme = () => document.documentElement.dataset.theme ?? "auto";

function setTheme(chosen) {
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem("segue.theme", chosen);
  } catch {
    // the choice lives as long as the page
  }
  drawTheme();
}

function drawTheme() {
  const now = THEMES.find(([value]) => value === theme());
  fill(byId("theme"), icon(DRAWN[now[0]]));
  set(byId("theme"), "aria-label", `Theme: ${now[1].toLowerCase()}`);
  set(byId("theme"), "title", `Theme: ${now[1].toLowerCase()}`);
}

export function startTheme() {
  drawTheme();
  byId("theme").addEventListener("click", () => {
    const at = THEMES.findIndex(([value]) => value === theme());
    setTheme(THEMES[(at + 1) % THEMES.length][0]);
  });
}

export function mountSettings({ store }, loadModel) {
  byId("settings").append(icon("help"));
  byId("settings").addEventListener("click", () => open());

  function open() {
    const themes = segmented("theme", THEMES, setTheme);
    themes.draw(theme());
    const { node, close } = dialog("Settings and help", [
      section("Theme", themes.node),
      section("Key", ...keyField()),
      section("What is remembered", ...memory(() => close())),
      section("Keyboard", el("dl", { class: "keys-list" }, KEYS.flatMap(([keys, text]) => [el("dt", {}, el("kbd", { text: keys })), el("dd", { text })]))),
      section("This server", ...about()),
    ]);
    node.classList.add("wide");
  }

  const section = (title, ...children) => el("section", { class: "setting" }, el("h3", { text: title }), children);

  function keyField() {
    const input = el("input", { type: "password", class: "text-input", id: "key", autocomplete: "off", spellcheck: "false", maxlength: 500, "aria-label": "Key of this server", placeholder: "only where the server wants one" });
    input.value = key.get();
    const said = el("p", { class: "hint", role: "status", text: "It is kept until this tab is closed." });
    const form = el("form", { class: "pair grow" }, input, el("button", { type: "submit", class: "button", text: "Use it" }));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      key.set(input.value.trim());
      const problem = await loadModel(true);
      set(said, "text", problem ? problem.message : "The server takes it.");
      if (!problem) store.update((state) => ({ saved: { ...state.saved, status: "stale" } }));
    });
    return [form, said];
  }

  function memory(close) {
    const known = person();
    if (!known) return [el("p", { class: "hint", text: "Nothing. Once you keep, reject or save something, this browser makes up a random name for you; the server knows no other." })];
    const forget = button("Forget me", "bin", async () => {
      close();
      const yes = await confirmed("Forget me?", "What you said of songs and the playlists that you saved are deleted on the server and here. This cannot be undone.", "Forget everything");
      if (!yes) return;
      try {
        await forgotten();
        store.update((state) => ({ past: [], future: [], saved: START.saved, draft: { ...NO_DRAFT, tracks: state.draft.tracks }, answer: { ...state.answer, listId: "" } }));
        toast("Forgotten");
      } catch (error) {
        tellTrouble(error);
      }
    }, { class: "button danger-quiet" });
    const never = el("div", { class: "rejected" });
    api.said(known).then((told) => drawNever(never, told.never), () => null); // an older server, or none: the rest stands without it
    return [el("p", { class: "hint" }, "You are ", el("code", { text: `${known.slice(0, 8)}…` }), " here: a random name. What you keep, reject and save is stored under it."), never, forget];
  }

  /** What is never shown again, each of which can be allowed again. */
  function drawNever(node, tracks) {
    if (!tracks.length) return;
    const shown = [...tracks].reverse().slice(0, MOST_SHOWN);
    fill(node, el("details", {}, el("summary", { text: `${counted(tracks.length, "song")} never again` }), el("ul", {}, shown.map((track) => {
      const item = el("li", {}, el("span", { dir: "auto", text: trackInWords(track) }), button("Allow again", "undo", () => {
        tell("", [{ action: "undo", track_id: track.track_id, position: 0 }], tellTrouble);
        store.update((state) => ({ draft: allowed(state.draft, track.track_id) }));
        item.remove();
      }, { "aria-label": `Allow again: ${trackInWords(track)}` }));
      return item;
    }))));
  }

  function about() {
    const { model } = store.get();
    if (!model) return [el("p", { class: "hint", text: "It does not answer." })];
    const { tracks, playlists } = model.counts;
    return [el("p", { class: "hint" }, `It has learnt from ${counted(playlists, "playlist")} with ${counted(tracks, "song")}. Model `, el("code", { text: String(model.fingerprint).slice(0, 12) }), ".")];
  }
}
