// Find playlists: words in, playlists out; one can be opened, gone on from, or taken as a pattern.

import { api, debounced, latest } from "../api.js";
import { announce, button, byId, el, fill, icon, set } from "../dom.js";
import { menu } from "../dialogs.js";
import { copyList, download, FORMATS } from "../files.js";
import { highlighted } from "../highlight.js";
import { createList } from "../list.js";
import { empty, failed, nothing, off, skeleton } from "../states.js";
import { counted, lasting, line, sentence, trackInWords, whyFound } from "../words.js";

const EXAMPLES = ["songs for a long drive", "sad but beautiful", "dinner with friends"];
const SHOWN = 20;
const LANGUAGES = [["", "Any language"], ["en", "English"], ["es", "Spanish"], ["fr", "French"], ["de", "German"], ["pt", "Portuguese"], ["it", "Italian"], ["ko", "Korean"], ["ja", "Japanese"]];
const LENGTHS = [["", "Any length"], ["0-25", "Up to 25 songs"], ["25-100", "25 to 100 songs"], ["100-", "100 songs or more"]];
const HIDDEN_TITLE = "A playlist whose title is private";

export const foundTitle = (playlist) => line(playlist.title) || (playlist.withheld ? HIDDEN_TITLE : "Untitled");

export function mountFind({ store, editing, show }) {
  const panel = byId("panel-find");
  const newest = latest();
  const opening = latest();
  const input = el("input", { type: "search", id: "find-query", class: "big-input", placeholder: "Words, an artist, a feeling", maxlength: 2000, autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  const length = select("Length", LENGTHS);
  const language = select("Language", LANGUAGES);
  const from = year("From year");
  const to = year("To year");
  const artist = el("input", { type: "text", class: "text-input", "aria-label": "Artist in it", placeholder: "with this artist", maxlength: 200 });
  const filters = el("div", { class: "filters", role: "group", "aria-label": "Which playlists" }, length, language, el("div", { class: "pair" }, from, el("span", { "aria-hidden": "true", text: "–" }), to), artist);
  const remark = el("p", { class: "said", hidden: true });
  const body = el("div", { class: "find-body" });
  const form = el("form", { class: "tab-head", role: "search", autocomplete: "off" },
    el("h1", { text: "Find playlists" }), el("p", { class: "lead", text: "What other people put together. Open one, go on from it, or make one like it." }),
    el("label", { class: "hidden", for: "find-query", text: "Search for playlists" }), input, filters, remark);
  const list = createList("Songs of the playlist", { add: editing.add, similar: show.similar, toggle: (key) => store.update((state) => ({ open: state.open === key ? null : key })) });
  fill(panel, form, body);

  const later = debounced(search, 300);
  const query = (text) => store.update((state) => ({ find: { ...state.find, query: text, openId: null } }));
  input.addEventListener("input", () => query(input.value));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    later.now();
  });
  for (const control of [length, language, from, to, artist]) {
    control.addEventListener("change", () => store.update((state) => ({ find: { ...state.find, filters: filtersNow(), openId: null } })));
  }

  function filtersNow() {
    const [least, most] = length.value.split("-");
    const number = (text) => (/^\d{1,6}$/.test(text ?? "") ? Number(text) : undefined);
    const found = { min_tracks: number(least) || undefined, max_tracks: number(most), year_from: number(from.value), year_to: number(to.value), artist: artist.value.trim() || undefined, languages: language.value ? [language.value] : undefined };
    if (found.year_from > found.year_to) [found.year_from, found.year_to] = [found.year_to, found.year_from];
    return found;
  }

  const patch = (parts) => store.update((state) => ({ find: { ...state.find, ...parts } }));

  async function search() {
    const { query: text, filters: wanted } = store.get().find;
    if (!text.trim()) {
      newest.drop();
      return patch({ status: "empty", answer: null, problem: null });
    }
    patch({ status: "loading" });
    const { found, problem, stale } = await newest.run((signal) => api.search({ query: text, n: SHOWN, ...wanted }, { signal }));
    if (stale) return undefined;
    if (problem) return patch({ status: "error", problem });
    announce(`${counted(found.playlists.length, "playlist")} found`);
    return patch({ status: "ready", answer: found, problem: null });
  }

  async function openOne(id) {
    patch({ opened: null, openProblem: null });
    const { found, problem, stale } = await opening.run((signal) => api.corpus(id, { signal }));
    if (!stale) patch({ opened: found ?? null, openProblem: problem ?? null });
    if (found) byId("panel-find").querySelector("h2")?.focus();
  }

  const go = (playlist) => editing.begin({ after: { id: playlist.playlist_id, title: playlist.title ?? "" } });
  const like = (playlist, tracks) => editing.begin({ title: line(playlist.title).slice(0, 200), given: tracks.slice(0, 5).map(({ track_id, name, artist: by }) => ({ track_id, name, artist: by })) });
  const doing = (playlist, tracks) => [
    button("Go on from it", "open", () => go(playlist), { "aria-label": `Go on from ${foundTitle(playlist)}` }),
    button("One like it", "more", () => like(playlist, tracks), { "aria-label": `Make one like ${foundTitle(playlist)}` }),
  ];

  function card(playlist) {
    const words = playlist.why.filter((why) => why.kind !== "meaning").flatMap((why) => why.text.split(", "));
    const facts = [counted(playlist.n_tracks, "song"), playlist.years && (playlist.years[0] === playlist.years[1] ? playlist.years[0] : playlist.years.join("–")), playlist.artists.slice(0, 3).map(line).join(", ")];
    const text = line(playlist.description ?? playlist.written);
    return el("li", { class: playlist.withheld ? "card is-withheld" : "card" },
      el("h2", { dir: "auto" }, el("button", { type: "button", class: "card-title", on: { click: () => patch({ openId: playlist.playlist_id }) } }, highlighted(foundTitle(playlist), words))),
      el("p", { class: "facts", dir: "auto" }, facts.filter(Boolean).flatMap((fact, i) => [i ? " · " : "", ...highlighted(String(fact), words)])),
      text ? el("p", { class: "card-text", dir: "auto" }, highlighted(text, words), playlist.description ? null : el("span", { class: "by-program", text: " written by a program" })) : null,
      el("p", { class: "card-tracks", dir: "auto" }, playlist.tracks.slice(0, 4).flatMap((track, i) => [i ? " · " : "", ...highlighted(trackInWords(track), words)])),
      el("p", { class: "card-why" }, icon("find"), el("span", { text: reasons(playlist.why) })),
      el("div", { class: "row-actions" }, button("Open", "down", () => patch({ openId: playlist.playlist_id }), { "aria-label": `Open ${foundTitle(playlist)}` }), ...doing(playlist, playlist.tracks)));
  }

  function detail(playlist) {
    const title = foundTitle(playlist);
    const named = playlist.withheld ? "Playlist" : title;
    return [
      back(),
      el("div", { class: "detail-head" },
        el("h2", { text: title, tabindex: "-1", dir: "auto" }),
        el("p", { class: "facts", text: [counted(playlist.n_tracks, "song"), lasting(playlist.tracks), playlist.years?.join("–")].filter(Boolean).join(" · ") }),
        el("div", { class: "row-actions" }, ...doing(playlist, playlist.tracks),
          menu("Download", "download", FORMATS.map(([format, text]) => [text, () => download(format, named, playlist.tracks)])).node,
          button("Copy", "copy", () => copyList(named, playlist.tracks)),
          button("Edit a copy", "pen", () => editing.take(playlist.title ?? "", playlist.tracks)))),
      list.node,
    ];
  }

  const back = () => button("All results", "undo", () => patch({ openId: null }), { class: "button back" });

  function drawBody(state) {
    const { find, model } = state;
    if (model && !model.abilities.search) return [off("Searching playlists is not turned on", "It needs an index of playlists, which is made once from a library:", "segue index LIBRARY -o search   then   segue serve --search search")];
    if (find.openId) {
      if (find.opened?.playlist_id === find.openId) return detail(find.opened);
      return find.openProblem ? [back(), failed(find.openProblem, () => openOne(find.openId))] : [back(), skeleton(8)];
    }
    if (find.status === "error") return [failed(find.problem, search)];
    if (find.answer && find.query.trim()) {
      if (find.answer.playlists.length) return [el("ol", { class: find.status === "loading" ? "cards is-loading" : "cards", "aria-label": "Playlists" }, find.answer.playlists.map(card))];
      return [nothing("No playlist fits", "Other words may do, or fewer filters.", Object.values(find.filters).some((value) => value !== undefined) && clear, "Without filters")];
    }
    if (find.query.trim()) return [skeleton(6)];
    return [empty("What are you looking for?", "Playlists are found by their words and by what they mean.", EXAMPLES.map((text) => el("button", { type: "button", class: "example", text, on: { click: () => query(text) } })))];
  }

  function clear() {
    for (const control of [length, language, from, to, artist]) control.value = "";
    patch({ filters: {} });
  }

  let opened = null;
  const asked = {};
  store.subscribe((state, old) => {
    if (state.tab !== "find") return;
    const { find } = state;
    if (document.activeElement !== input && input.value !== find.query) input.value = find.query;
    set(form, "class", find.openId ? "tab-head is-open" : "tab-head");
    if (find.openId && find.openId !== opened) queueMicrotask(() => openOne(find.openId));
    opened = find.openId;
    if (state.model?.abilities.search && (find.query !== asked.query || find.filters !== asked.filters)) {
      asked.query = find.query;
      asked.filters = find.filters;
      later();
    }
    const lines = (find.answer?.ignored ?? []).map(sentence).join(" ");
    set(remark, "text", lines);
    set(remark, "hidden", !lines);
    if (find !== old.find || state.model !== old.model || old.tab !== "find" || !body.childNodes.length) fill(body, drawBody(state));
    if (find.openId && find.opened) list.draw(find.opened.tracks, { open: state.open });
  });
}

/** At most two reasons, and of what is near in meaning the nearest alone. */
function reasons(why) {
  const plain = (one) => Number(one.kind === "meaning");
  const told = [...why].sort((a, b) => plain(a) - plain(b)).filter((one, i, all) => one.kind !== "meaning" || all.findIndex((other) => other.kind === "meaning") === i);
  return told.slice(0, 2).map(whyFound).join(". ") || "It fits";
}

const select = (label, choices) => el("select", { class: "select", "aria-label": label }, choices.map(([value, text]) => el("option", { value, text })));
const year = (label) => el("input", { type: "number", inputmode: "numeric", class: "number-input", min: 0, max: 9999, "aria-label": label, placeholder: label.split(" ")[0].toLowerCase() });
