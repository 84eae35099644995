// What the page says: reasons, lengths, and which control a remark belongs to.

const LONGEST = 300;

/** One line of a text that strangers wrote: no control characters, no direction marks, not endless. */
export function line(text) {
  const clean = String(text ?? "").replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/gu, " ").replace(/\s+/g, " ").trim();
  return clean.length > LONGEST ? `${[...clean.slice(0, LONGEST)].slice(0, -1).join("")}…` : clean;
}

export const nameOf = (track) => line(track.name) || "untitled";
export const artistOf = (track) => line(track.artist);
export const trackInWords = (track) => (artistOf(track) ? `${nameOf(track)}, ${artistOf(track)}` : nameOf(track));

export const counted = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** 3:05 */
export function clock(ms) {
  if (ms === null || ms === undefined) return "";
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** "1 h 32 min"; "about" where some durations are not known. */
export function lasting(tracks) {
  const known = tracks.filter((track) => track.duration_ms);
  if (!known.length) return "";
  const mean = known.reduce((sum, track) => sum + track.duration_ms, 0) / known.length;
  const minutes = Math.round((mean * tracks.length) / 60_000);
  const said = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return known.length < tracks.length ? `about ${said}` : said;
}

/** Why a track is in a list: one sentence of one reason. */
export function because({ kind, text, count }) {
  const what = line(text);
  const playlists = counted(count, "playlist");
  switch (kind) {
    case "playlists":
      return `${count ? `In ${playlists}` : "Goes with playlists"} ${what ? `titled “${what}”` : "with a similar title"}`;
    case "artist":
      return `The title names ${what}`;
    case "track":
      return `The title names “${what}”`;
    case "given":
      return what ? `Goes with “${what}”` : "Goes with the songs you gave";
    case "words":
      return what ? `The words “${what}” are in its name` : "Words of the title are in its name";
    case "popularity":
      return "Many playlists have it; nothing more particular is known";
    case "sound":
      return "Sounds alike";
    case "lyrics":
      return "Its words are alike";
    case "company":
      return count ? `In ${playlists} with a song you gave` : "Goes into the same kind of playlist";
    case "same_artist":
      return what ? `Also by ${what}` : "By the same artist";
    default:
      return what || "It fits";
  }
}

/** Why a playlist was found. */
export function whyFound({ kind, text }) {
  const what = line(text);
  if (kind === "words") return what ? `Has the words ${what}` : "Shares words with what its maker wrote";
  if (kind === "artist") return `Has ${what}`;
  return what ? `Its ${what} ${/ and |,/.test(what) ? "are" : what === "tracks" || what === "artists" || what === "themes" ? "are" : "is"} close in meaning` : "Close in meaning";
}

const PLACES = [
  ["length", /^only \d+ of \d+|minutes? satisfy|durations?|is as short as/],
  ["given", /catalogue has no track|given track/],
  ["years", /year/],
  ["clean", /explicit/],
  ["order", /energy|order|arc|smooth|ranked/],
  ["adventure", /adventur|popular/],
  ["cap", /artists? to keep|artist cap|spacing/],
];

/** The control beside which a remark of the server is shown. */
export const placeOf = (remark) => PLACES.find(([, pattern]) => pattern.test(remark))?.[0] ?? "title";

/** A remark as a sentence. */
export function sentence(text) {
  const said = line(text);
  return said ? said[0].toUpperCase() + said.slice(1) + (/[.!?…]$/.test(said) ? "" : ".") : "";
}

/** The list as a text to paste. */
export const asText = (title, tracks) =>
  [...(line(title) ? [line(title), ""] : []), ...tracks.map((track, i) => `${i + 1}. ${nameOf(track)}${artistOf(track) ? ` – ${artistOf(track)}` : ""}`), ""].join("\n");

/** A link that may be followed, or null. */
export function safeLink(link) {
  try {
    const url = new URL(link);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Where a link leads, as a word. */
export function siteOf(link) {
  const host = new URL(link).hostname.replace(/^(www|open)\./, "");
  return { "spotify.com": "Spotify", "musicbrainz.org": "MusicBrainz" }[host] ?? host;
}
