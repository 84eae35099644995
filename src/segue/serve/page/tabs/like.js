// Similar songs, and songs for a listener: given songs in, a list out.

import { api, debounced, latest } from "../api.js";
import { createCombobox, drawChips } from "../combobox.js";
import { announce, button, byId, el, fill, set } from "../dom.js";
import { createList } from "../list.js";
import { empty, failed, nothing, off, skeleton } from "../states.js";
import { counted, lasting, nameOf, sentence } from "../words.js";

const SHOWN = 30;

/**
 * One such tab.
 * @param {{name: string, ability: string, title: string, lead: string, label: string, more?: Array<Node>,
 *   isBlank: function(Object): boolean, request: function(Object, Object): Promise, naming: function(Object): string,
 *   off: Array<string>, empty: Array<string>, draw?: function(Object): void}} how
 */
function mountLike({ store, editing, show }, how) {
  const { name } = how;
  const panel = byId(`panel-${name}`);
  const newest = latest();
  const patch = (parts) => store.update((state) => ({ [name]: { ...state[name], ...parts } }));
  const give = (track) => {
    const { given } = store.get()[name];
    if (!given.some((other) => other.track_id === track.track_id)) patch({ given: [...given, { track_id: track.track_id, name: track.name, artist: track.artist }].slice(0, 50) });
  };
  const ungive = (at) => patch({ given: store.get()[name].given.filter((_, i) => i !== at) });
  const field = createCombobox({ label: how.label, placeholder: "A song…", choose: give, backspace: () => store.get()[name].given.length && ungive(store.get()[name].given.length - 1) });
  const chips = el("div", { class: "chips", role: "group", "aria-label": "Songs you gave" });
  const remark = el("p", { class: "said", hidden: true });
  const body = el("div", {});
  const list = createList(how.title, { add: editing.add, similar: show.similar, toggle: (key) => store.update((state) => ({ open: state.open === key ? null : key })) });
  const many = el("p", { class: "many" });
  const ready = el("div", { class: "ready" },
    el("div", { class: "list-head" }, many, el("div", { class: "tools end" }, button("Edit as a playlist", "pen", () => editing.take(how.naming(store.get()[name]), store.get()[name].answer.tracks), { class: "button primary" }))),
    list.node);
  fill(panel, el("form", { class: "tab-head", autocomplete: "off", on: { submit: (event) => event.preventDefault() } },
    el("h1", { text: how.title }), el("p", { class: "lead", text: how.lead }),
    el("div", { class: "ask compact" }, el("div", { class: "chips-row" }, chips, el("div", { class: "combo" }, field.node)), ...(how.more ?? [])), remark), body);

  const later = debounced(find, 200);

  async function find() {
    const own = store.get()[name];
    if (how.isBlank(own)) {
      newest.drop();
      return patch({ status: "empty", answer: null });
    }
    patch({ status: "loading" });
    const { found, problem, stale } = await newest.run((signal) => how.request(own, { signal }));
    if (stale) return undefined;
    if (problem) return patch({ status: "error", problem });
    announce(`${counted(found.tracks.length, "song")} found`);
    return patch({ status: "ready", answer: found, problem: null });
  }

  let asked = null;
  let shown = null;
  store.subscribe((state, old) => {
    if (state.tab !== name) return;
    const own = state[name];
    how.draw?.(own);
    if (own.given !== old[name].given || !chips.dataset.drawn) {
      chips.dataset.drawn = "1";
      drawChips(chips, own.given, { remove: ungive, field: field.input });
      set(field.input, "placeholder", own.given.length ? "Another song…" : "A song…");
    }
    const question = JSON.stringify([own.given.map((track) => track.track_id), own.user, own.country]);
    if (state.model?.abilities[how.ability] && question !== asked) {
      asked = question;
      later();
    }
    const lines = (own.answer?.ignored ?? []).map(sentence).join(" ");
    set(remark, "text", lines);
    set(remark, "hidden", !lines);
    const kind = state.model && !state.model.abilities[how.ability] ? "off" : own.status === "error" ? own.problem : own.answer?.tracks.length && !how.isBlank(own) ? "list" : own.status;
    if (kind !== shown) {
      shown = kind;
      fill(body, { off: () => off(...how.off), list: () => ready, loading: () => skeleton(8), ready: () => nothing("Nothing is near to that", "Other songs may be better known here."), empty: () => empty(...how.empty) }[kind]?.() ?? failed(own.problem, find));
    }
    if (kind === "list") {
      set(ready, "class", own.status === "loading" ? "ready is-loading" : "ready");
      set(many, "text", [counted(own.answer.tracks.length, "song"), lasting(own.answer.tracks)].filter(Boolean).join(" · "));
      list.draw(own.answer.tracks, { open: state.open });
    }
  });
}

export function mountSimilar(app) {
  mountLike(app, {
    name: "similar", ability: "similar", title: "Similar songs", label: "Songs to find similar ones to",
    lead: "What goes with a song: by its sound, its words, and the company it keeps.",
    isBlank: (own) => !own.given.length,
    request: (own, when) => api.similar({ track_ids: own.given.map((track) => track.track_id), n: SHOWN }, when),
    naming: (own) => (own.given.length ? `Like ${nameOf(own.given[0])}` : "Similar songs"),
    off: ["Similar songs are not turned on", "They need a model of tracks, which is learnt once from a library:", "segue similar --train LIBRARY -m tracks.model   then   segue serve --tracks tracks.model"],
    empty: ["Which song?", "Give one, or several at once: what lies between them is found."],
  });
}

export function mountListener(app) {
  const { store } = app;
  const patch = (parts) => store.update((state) => ({ listener: { ...state.listener, ...parts } }));
  const text = (label, key, max) => el("input", { type: "text", class: "text-input", id: `listener-${key}`, maxlength: max, autocomplete: "off", spellcheck: "false", "aria-label": label, placeholder: label, on: { input: (event) => patch({ [key]: event.target.value }) } });
  const country = text("Country", "country", 100);
  const user = text("Or the id of a listener", "user", 200);
  mountLike(app, {
    name: "listener", ability: "listeners", title: "For a listener", label: "Songs that the listener loves",
    lead: "Songs for somebody: from what they love and where they live.",
    more: [el("div", { class: "filters" }, country, user)],
    isBlank: (own) => !own.given.length && !own.user.trim() && !own.country.trim(),
    request: (own, when) => api.listener(own.user.trim(), { n: SHOWN, ...(own.country.trim() && { country: own.country.trim() }), ...(!own.user.trim() && { track_ids: own.given.map((track) => track.track_id) }) }, when),
    naming: (own) => (own.user.trim() ? `For ${own.user.trim()}` : "For a listener"),
    off: ["Songs for listeners are not turned on", "They need towers, which are trained once on a library with listeners:", "segue towers train LIBRARY -o towers   then   segue serve --towers towers"],
    empty: ["For whom?", "Give songs that they love. A listener that the model knows needs nothing but an id."],
    draw(own) {
      for (const [input, value] of [[country, own.country], [user, own.user]]) if (document.activeElement !== input) set(input, "value", value);
    },
  });
}
