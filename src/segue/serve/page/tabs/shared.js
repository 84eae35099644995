// A playlist that somebody shared: it stands alone, at an address of its own.

import { api, latest } from "../api.js";
import { button, byId, el, fill, set } from "../dom.js";
import { menu } from "../dialogs.js";
import { copyList, download, FORMATS } from "../files.js";
import { createList } from "../list.js";
import { failed, skeleton } from "../states.js";
import { toQuery, NO_WISHES } from "../wishes.js";
import { counted, lasting, line } from "../words.js";

/** The token in the address, or null where this is the page itself. */
export const sharedToken = () => /^\/p\/([A-Za-z0-9_-]+)\/?$/.exec(location.pathname)?.[1] ?? null;

export function mountShared({ store }) {
  const panel = byId("panel-shared");
  const newest = latest();
  const list = createList("Songs of the playlist", { toggle: (key) => store.update((state) => ({ open: state.open === key ? null : key })) });
  set(panel, "hidden", false);

  async function load() {
    fill(panel, skeleton(8));
    const { found, problem } = await newest.run((signal) => api.playlists.shared(sharedToken(), { signal }));
    if (problem) {
      const gone = problem.status === 404;
      return fill(panel, gone ? el("div", { class: "state" }, el("h1", { text: "This link leads nowhere" }), el("p", { text: "Whoever shared the playlist has taken it back." }), el("a", { class: "button primary", href: "/", text: "Make one of your own" })) : failed(problem, load));
    }
    const title = line(found.title) || "A playlist";
    document.title = `${title.slice(0, 60)} · Segue`;
    const start = toQuery({ ...NO_WISHES, title: found.title.slice(0, 200), given: found.tracks.slice(0, 5) });
    fill(panel,
      el("div", { class: "tab-head" }, el("p", { class: "lead", text: "Somebody shared a playlist with you" }), el("h1", { text: title, dir: "auto" }),
        el("p", { class: "facts", text: [counted(found.tracks.length, "song"), lasting(found.tracks)].filter(Boolean).join(" · ") }),
        el("div", { class: "row-actions" },
          menu("Download", "download", FORMATS.map(([format, text]) => [text, () => download(format, title, found.tracks)])).node,
          button("Copy", "copy", () => copyList(title, found.tracks)),
          el("a", { class: "button", href: `/#make?${start}`, text: "Make one like it" }))),
      list.node);
    store.subscribe((state) => list.draw(found.tracks, { open: state.open }));
    return undefined;
  }

  load();
}
