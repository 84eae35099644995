// The map: all titles that may be shown, near where they sound alike. A click fills the box.

import { api, latest } from "../api.js";
import { announce, button, byId, el, fill, set } from "../dom.js";
import { createMapCanvas } from "../mapcanvas.js";
import { failed, off, skeleton } from "../states.js";
import { counted, line } from "../words.js";

export function mountMap({ store, editing }) {
  const panel = byId("panel-map");
  const newest = latest();
  const body = el("div", {});
  fill(panel, el("div", { class: "tab-head" }, el("h1", { text: "Map" }), el("p", { class: "lead", text: "Titles that people give their playlists. Near is alike. Choose one to hear it." })), body);
  const patch = (parts) => store.update((state) => ({ map: { ...state.map, ...parts } }));

  async function load() {
    patch({ status: "loading" });
    const { found, problem, stale } = await newest.run((signal) => api.map({ signal }));
    if (!stale) patch(problem ? { status: "error", problem } : { status: "ready", data: found, problem: null });
  }

  const choose = (title) => editing.begin({ title: line(title) });

  function build(data) {
    const said = el("p", { class: "map-said", role: "status", text: "Drag to move, scroll or pinch to come nearer." });
    const canvas = createMapCanvas(data, {
      choose: (point) => choose(point.title),
      hover: (point) => set(said, "text", point ? `“${line(point.title)}” · ${counted(point.n, "playlist")}` : "Drag to move, scroll or pinch to come nearer."),
    });
    const finder = el("input", { type: "search", class: "text-input", placeholder: "Find a title on the map", "aria-label": "Find a title on the map", maxlength: 100, autocomplete: "off", spellcheck: "false" });
    finder.addEventListener("input", () => {
      const point = canvas.find(finder.value);
      if (finder.value.trim()) announce(point ? line(point.title) : "Not on the map");
    });
    finder.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const point = canvas.find(finder.value);
      if (point) choose(point.title);
    });
    const themes = [...data.themes].sort((a, b) => b.n - a.n);
    return [
      el("div", { class: "map-tools" }, finder,
        el("div", { class: "tools end" }, button("Nearer", "add", () => canvas.zoom(1.6), { quiet: true }), button("Farther", "minus", () => canvas.zoom(1 / 1.6), { quiet: true }), button("All of it", "fit", () => canvas.home(), { quiet: true }))),
      canvas.node, said,
      el("h2", { class: "themes-head", text: "Themes" }),
      el("ul", { class: "themes", "aria-label": "Themes" }, themes.map((theme) =>
        el("li", {}, el("button", { type: "button", class: "example", on: { click: () => choose(theme.name), focus: () => canvas.show(theme), pointerenter: () => canvas.glow(theme), pointerleave: () => canvas.glow(null) } }, line(theme.name))))),
    ];
  }

  function draw({ map, model }) {
    if (model && !model.abilities.map) return [off("There is no map yet", "It is drawn once from a model:", "segue map MODEL -o map.json   then   segue serve --map map.json")];
    if (map.status === "error") return [failed(map.problem, load)];
    if (map.data) return build(map.data);
    return [skeleton(6)];
  }

  store.subscribe((state, old) => {
    if (state.tab !== "map") return;
    if (state.model?.abilities.map && state.map.status === "empty") queueMicrotask(load);
    const redraw = state.map !== old.map || state.model !== old.model || !body.childNodes.length;
    if (redraw) fill(body, draw(state));
  });
}
