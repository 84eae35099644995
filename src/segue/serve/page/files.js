// What leaves the page: a file, a text in the clipboard, a link.

import { api, Trouble } from "./api.js";
import { el } from "./dom.js";
import { dialog } from "./dialogs.js";
import { toast } from "./toast.js";
import { asText } from "./words.js";

export const FORMATS = [
  ["m3u8", "M3U8, for players"],
  ["xspf", "XSPF, for VLC and others"],
  ["jspf", "JSPF, for ListenBrainz"],
  ["csv", "CSV, for spreadsheets"],
];

const MOST = 2000;

/** Load a list down as a file. */
export async function download(format, title, tracks) {
  try {
    const { blob, name } = await api.file({ format, title: title.slice(0, MOST), track_ids: tracks.slice(0, MOST).map((track) => track.track_id) });
    const url = URL.createObjectURL(blob);
    const link = el("a", { href: url, download: name, class: "hidden" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    toast(`${name} is on its way`);
  } catch (error) {
    tellTrouble(error);
  }
}

/** Copy a list as text. */
export async function copyList(title, tracks) {
  await copyText(asText(title, tracks), "The list is in the clipboard");
}

export async function copyText(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    // not allowed, or the page came over plain http: people copy it themselves
    const area = el("textarea", { class: "text-area", rows: 12, readonly: true, "aria-label": "Text to copy" });
    area.value = text;
    dialog("Copy this", [area]);
    area.select();
  }
}

/** A link is shown, to be copied or ended. */
export async function showLink(url, unshare) {
  const field = el("input", { type: "text", class: "text-input", readonly: true, "aria-label": "Link to the playlist" });
  field.value = url;
  const copy = el("button", { type: "button", class: "button primary", text: "Copy the link", on: { click: () => copyText(url, "The link is in the clipboard") } });
  const end = el("button", { type: "button", class: "button", text: "Stop sharing" });
  const shown = dialog("Share this playlist", [el("p", { text: "Whoever has this link can see the playlist, and nothing else of yours. It is shown only once." }), field], [end, copy]);
  end.addEventListener("click", () => {
    shown.close();
    unshare();
  });
  field.focus();
  field.select();
}

/** What went wrong, said at the foot of the page. */
export function tellTrouble(error) {
  toast(error instanceof Trouble ? error.message : `That did not work (${error}).`, { bad: true });
}
