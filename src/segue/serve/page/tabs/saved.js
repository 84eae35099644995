// Saved: the playlists of this browser's person.

import { api, latest } from "../api.js";
import { button, byId, el, fill } from "../dom.js";
import { menu } from "../dialogs.js";
import { copyList, download, FORMATS, tellTrouble } from "../files.js";
import { person } from "../person.js";
import { empty, failed, off, skeleton } from "../states.js";
import { artistOf, counted, line } from "../words.js";

export function mountSaved({ store, editing, saving, show }) {
  const panel = byId("panel-saved");
  const newest = latest();
  const body = el("div", {});
  fill(panel, el("div", { class: "tab-head" }, el("h1", { text: "Saved" }), el("p", { class: "lead", text: "Your playlists. They belong to this browser; whoever has a link can see one." })), body);
  const patch = (parts) => store.update((state) => ({ saved: { ...state.saved, ...parts } }));

  async function load() {
    if (!person()) return patch({ status: "ready", playlists: [] });
    patch({ status: "loading" });
    const { found, problem, stale } = await newest.run((signal) => api.playlists.list(person(), { signal }));
    if (stale) return undefined;
    return patch(problem ? { status: "error", problem } : { status: "ready", playlists: [...(found.playlists ?? found)].sort((a, b) => b.changed - a.changed), problem: null });
  }

  /** With a playlist's tracks; they are not all in the overview. */
  async function withTracks(playlist, act) {
    try {
      act(await api.playlists.get(person(), playlist.playlist_id));
    } catch (error) {
      tellTrouble(error);
    }
  }

  const edit = (playlist) => withTracks(playlist, (whole) => editing.take(whole.title, whole.tracks, { id: whole.playlist_id, version: whole.version, title: whole.title }));

  function card(playlist) {
    const title = line(playlist.title) || "untitled";
    const many = playlist.n_tracks ?? playlist.tracks?.length ?? 0;
    const artists = [...new Set((playlist.tracks ?? []).map(artistOf).filter(Boolean))].slice(0, 4).join(", ");
    const when = new Date(playlist.changed * 1000).toLocaleDateString("en", { day: "numeric", month: "long", year: "numeric" });
    return el("li", { class: "card" },
      el("h2", { dir: "auto" }, el("button", { type: "button", class: "card-title", text: title, on: { click: () => edit(playlist) } })),
      el("p", { class: "facts", text: [counted(many, "song"), when, playlist.shared && "shared by link"].filter(Boolean).join(" · ") }),
      artists ? el("p", { class: "card-tracks", dir: "auto", text: artists }) : null,
      el("div", { class: "row-actions" },
        button("Edit", "pen", () => edit(playlist), { "aria-label": `Edit ${title}` }),
        menu("Download", "download", FORMATS.map(([format, text]) => [text, () => withTracks(playlist, (whole) => download(format, whole.title, whole.tracks))])).node,
        button("Copy", "copy", () => withTracks(playlist, (whole) => copyList(whole.title, whole.tracks)), { "aria-label": `Copy ${title} as text` }),
        button("Share", "share", () => saving.share(playlist), { "aria-label": `Share ${title}` }),
        playlist.shared && button("Stop sharing", "never", () => saving.unshare(playlist), { "aria-label": `Stop sharing ${title}` }),
        button("Rename", "make", () => saving.rename(playlist), { "aria-label": `Rename ${title}` }),
        button("Delete", "bin", () => saving.remove(playlist), { class: "button danger-quiet", "aria-label": `Delete ${title}` })));
  }

  function draw({ saved, model }) {
    if (model && model.abilities.playlists === false) return off("Saving is not turned on", "This server keeps no playlists.", "segue serve --data FOLDER");
    if (saved.status === "error") return failed(saved.problem, load);
    if (saved.playlists.length) return el("ol", { class: "cards", "aria-label": "Saved playlists" }, saved.playlists.map(card));
    if (saved.status === "loading" || saved.status === "stale") return skeleton(4);
    return empty("Nothing saved yet", "Make a list that you like and press Save. It waits for you here.", [button("Make one", "make", () => show.tab("make"), { class: "button primary" })]);
  }

  store.subscribe((state, old) => {
    if (state.tab !== "saved") return;
    const { saved } = state;
    const came = old.tab !== "saved" || state === old;
    if (state.model && (saved.status === "stale" || saved.status === "empty" || came) && saved.status !== "loading") queueMicrotask(load);
    if (saved !== old.saved || came || state.model !== old.model) fill(body, draw(state));
  });
}
