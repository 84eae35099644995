// Keeping a list: saved, renamed, shared, deleted. The server keeps it; this browser knows whose it is.

import { api } from "./api.js";
import { asked, confirmed } from "./dialogs.js";
import { showLink, tellTrouble } from "./files.js";
import { somebody, tell } from "./person.js";
import { titleOf } from "./tabs/make.js";
import { toast } from "./toast.js";
import { line } from "./words.js";

const MOST = 2000;

/** A list as it is sent. */
const bodyOf = (title, tracks) => ({ title: title.slice(0, MOST), track_ids: tracks.slice(0, MOST).map((track) => track.track_id) });

export function createSaving(store, editing) {
  /** The list of Make is saved: again where it is saved already, else under a name that is asked for. */
  async function save() {
    const state = store.get();
    const { saved, tracks } = state.draft;
    const title = saved ? saved.title : await asked("Save this playlist", "Its name", titleOf(state), "Save");
    if (title === undefined) return null;
    try {
      const kept = saved ? await again(saved, title, tracks) : await api.playlists.create(somebody(), bodyOf(title, tracks));
      editing.savedAs({ id: kept.playlist_id, version: kept.version, title: kept.title });
      if (!saved) tell(state.answer.listId, tracks.slice(0, 200).map((track, at) => ({ action: "save", track_id: track.track_id, position: at + 1 })), () => null);
      store.update((now) => ({ saved: { ...now.saved, status: "stale" } }));
      toast(`Saved as “${line(kept.title) || "untitled"}”`);
      return kept;
    } catch (error) {
      tellTrouble(error);
      return null;
    }
  }

  async function again(saved, title, tracks) {
    const person = somebody();
    try {
      return await api.playlists.replace(person, saved.id, { ...bodyOf(title, tracks), version: saved.version });
    } catch (error) {
      if (error.status === 404) return api.playlists.create(person, bodyOf(title, tracks));
      if (error.status !== 409) throw error;
      const yes = await confirmed("It was changed elsewhere", "This playlist was saved in another window since. Save yours beside it?", "Save beside it");
      if (!yes) throw error;
      return api.playlists.create(person, bodyOf(`${title} (2)`, tracks));
    }
  }

  /** A link for others; an unsaved list is saved first. */
  async function share(playlist = null) {
    const draft = store.get().draft;
    const one = playlist ?? (draft.saved ? { playlist_id: draft.saved.id } : await save());
    if (!one) return;
    try {
      const { token } = await api.playlists.share(somebody(), one.playlist_id);
      store.update((now) => ({ saved: { ...now.saved, status: "stale" } }));
      showLink(`${location.origin}/p/${token}`, () => unshare(one));
    } catch (error) {
      tellTrouble(error);
    }
  }

  async function unshare({ playlist_id: id }) {
    await change(() => api.playlists.unshare(somebody(), id), "The links do not work any more");
  }

  async function rename(playlist) {
    const title = await asked("Rename", "Its name", playlist.title, "Rename");
    if (title === undefined || title === playlist.title) return;
    await change(async () => {
      const whole = await api.playlists.get(somebody(), playlist.playlist_id);
      const kept = await api.playlists.replace(somebody(), playlist.playlist_id, { ...bodyOf(title, whole.tracks), version: whole.version });
      if (store.get().draft.saved?.id === kept.playlist_id) editing.savedAs({ id: kept.playlist_id, version: kept.version, title: kept.title });
    }, "Renamed");
  }

  async function remove(playlist) {
    const yes = await confirmed("Delete this playlist?", `“${line(playlist.title) || "untitled"}” will be gone, and links to it end.`, "Delete");
    if (!yes) return;
    await change(async () => {
      await api.playlists.remove(somebody(), playlist.playlist_id);
      if (store.get().draft.saved?.id === playlist.playlist_id) editing.savedAs(null);
    }, "Deleted");
  }

  async function change(act, said) {
    try {
      await act();
      toast(said);
    } catch (error) {
      tellTrouble(error);
    }
    store.update((now) => ({ saved: { ...now.saved, status: "stale" } }));
  }

  return { save, share, unshare, rename, remove };
}
