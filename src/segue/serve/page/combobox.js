// A field that finds tracks of the catalogue while one types: the combobox pattern of ARIA.

import { api, debounced, latest } from "./api.js";
import { announce, el, fill, icon, set } from "./dom.js";
import { artistOf, counted, nameOf, trackInWords } from "./words.js";

const FOUND = 8;
const WAIT_MS = 140;
let made = 0;

/**
 * @param {{label: string, placeholder: string, choose: function(Object): void, backspace?: function(): void}} how
 *   backspace is called where the field is empty already.
 */
export function createCombobox({ label, placeholder, choose, backspace }) {
  const id = `combo-${(made += 1)}`;
  const input = el("input", {
    type: "text", id, class: "combo-input", role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list",
    "aria-label": label, placeholder, autocomplete: "off", spellcheck: "false", maxlength: 200, enterkeyhint: "done",
  });
  const list = el("ul", { class: "combo-list", id: `${id}-list`, role: "listbox", "aria-label": "Songs of the catalogue", hidden: true });
  const said = el("p", { class: "combo-said", hidden: true });
  const newest = latest();
  let found = [];
  let at = -1;

  const find = debounced(async () => {
    const text = input.value.trim();
    if (!text) return close();
    const { found: tracks, problem, stale } = await newest.run((signal) => api.tracks(text, FOUND, { signal }));
    if (stale || input.value.trim() !== text) return undefined;
    if (problem) return nothing(problem.message);
    if (!tracks.length) return nothing("No such song in the catalogue.");
    return show(tracks);
  }, WAIT_MS);

  function show(tracks) {
    found = tracks;
    at = 0;
    fill(list, tracks.map((track, i) =>
      el("li", { role: "option", id: `${id}-${i}`, class: "option", "aria-selected": String(i === 0), on: { pointerdown: (event) => event.preventDefault(), click: () => take(i) } },
        el("span", { class: "option-name", dir: "auto", text: nameOf(track) }),
        el("span", { class: "option-by", dir: "auto", text: [artistOf(track), track.year].filter(Boolean).join(" · ") }))));
    set(said, "hidden", true);
    open(true);
    announce(`${counted(tracks.length, "song")} found`);
  }

  function nothing(text) {
    found = [];
    at = -1;
    open(false);
    set(said, "text", text);
    set(said, "hidden", false);
    announce(text);
  }

  function open(shown) {
    set(list, "hidden", !shown);
    set(input, "aria-expanded", String(shown));
    set(input, "aria-activedescendant", shown && at >= 0 ? `${id}-${at}` : null);
  }

  function close() {
    newest.drop();
    find.cancel();
    found = [];
    at = -1;
    set(said, "hidden", true);
    open(false);
  }

  function take(i) {
    const track = found[i];
    if (!track) return;
    input.value = "";
    close();
    choose(track);
    announce(`${trackInWords(track)} added`);
  }

  function walk(by) {
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    [...list.children].forEach((option, i) => set(option, "aria-selected", String(i === at)));
    list.children[at].scrollIntoView({ block: "nearest" });
    set(input, "aria-activedescendant", `${id}-${at}`);
  }

  input.addEventListener("input", () => find());
  input.addEventListener("blur", () => setTimeout(close, 120));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (found.length) walk(event.key === "ArrowDown" ? 1 : -1);
      else find.now();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (found.length) take(at);
      else find.now();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Backspace" && !input.value) {
      backspace?.();
    }
  });

  return { node: el("div", { class: "combo-field" }, icon("add"), input, list, said), input };
}

/** Tracks as chips that can be removed; the focus goes to the next chip, then to the field. */
export function drawChips(node, tracks, { remove, field, extra = null }) {
  const chip = (text, gone, at) =>
    el("span", { class: "chip" }, el("span", { class: "chip-text", dir: "auto", text }),
      el("button", {
        type: "button", class: "chip-x", text: "×", "aria-label": `Remove ${text}`,
        on: { click: () => {
          gone();
          announce(`${text} removed`);
          const rest = node.querySelectorAll(".chip-x");
          (rest[Math.min(at, rest.length - 1)] ?? field).focus();
        } },
      }));
  const before = extra ? [chip(extra.text, extra.remove, 0)] : [];
  fill(node, before, tracks.map((track, i) => chip(trackInWords(track), () => remove(i), i + before.length)));
  set(node, "hidden", !tracks.length && !extra);
}
