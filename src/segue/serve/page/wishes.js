// What is asked for: a value, its place in the address bar, and the body of the request.

/**
 * given: tracks to start from. after: {id, title} of a playlist to go on from. n or minutes: the length; minutes is 0
 * where tracks count. from, to: years, null for any. cap: tracks of one artist, 0 for any number.
 */
export const NO_WISHES = Object.freeze({
  title: "", given: Object.freeze([]), after: null, n: 25, minutes: 0, from: null, to: null,
  clean: false, cap: 0, adventure: 0, order: "ranked", fresh: false,
});

export const MOST = 200; // tracks that can be given or kept
const MOST_NEVER = 2000;
const ORDERS = ["ranked", "smooth", "arc"];

/** Whether there is anything to answer. */
export const isBlank = (wishes) => !wishes.title.trim() && !wishes.given.length && !wishes.after;

/** The length that is wanted, as `draft.js` takes it. */
export const lengthOf = ({ n, minutes }) => (minutes ? { minutes } : { n });

/**
 * The body of a request. It asks for more than is shown where a person holds tracks or took some out, since those
 * places have to be filled.
 */
export function bodyOf(wishes, draft, person) {
  const marks = Object.entries(draft.marks);
  const ids = (mark, most = MOST) => marks.filter(([, said]) => said === mark).map(([id]) => id).slice(-most);
  const spare = Math.min(draft.pinned.length + draft.removed.length, 200);
  const body = {
    title: wishes.title, track_ids: wishes.given.map((track) => track.track_id).slice(0, MOST),
    adventure: wishes.adventure, order: wishes.order, no_explicit: wishes.clean, new_artists: wishes.fresh,
    kept: ids("keep"), more: ids("more"), never: ids("never", MOST_NEVER),
  };
  if (wishes.minutes) body.minutes = Math.min(wishes.minutes + 4 * spare, 10_000);
  else body.n = Math.min(wishes.n + spare, 500);
  if (wishes.from !== null) body.year_from = wishes.from;
  if (wishes.to !== null) body.year_to = wishes.to;
  if (wishes.cap) body.artist_cap = wishes.cap;
  if (person) body.person = person;
  if (wishes.after) body.playlist_id = wishes.after.id;
  return body;
}

/** Wishes as the part of the address behind the #; what is not wished for is left out. */
export function toQuery(wishes) {
  const query = new URLSearchParams();
  if (wishes.title) query.set("title", wishes.title);
  for (const track of wishes.given) query.append("with", trackToText(track));
  if (wishes.after) query.set("after", JSON.stringify([wishes.after.id, wishes.after.title]));
  if (wishes.minutes) query.set("minutes", wishes.minutes);
  else if (wishes.n !== NO_WISHES.n) query.set("n", wishes.n);
  if (wishes.from !== null) query.set("from", wishes.from);
  if (wishes.to !== null) query.set("to", wishes.to);
  if (wishes.clean) query.set("clean", 1);
  if (wishes.fresh) query.set("fresh", 1);
  if (wishes.cap) query.set("cap", wishes.cap);
  if (wishes.adventure) query.set("adventure", wishes.adventure);
  if (wishes.order !== "ranked") query.set("order", wishes.order);
  return query;
}

/** The wishes of an address; whatever is no wish is ignored. */
export function fromQuery(query) {
  const number = (name, least, most, other) => {
    const value = Number(query.get(name) ?? NaN);
    return Number.isFinite(value) && value >= least && value <= most ? value : other;
  };
  const order = query.get("order");
  return Object.freeze({
    title: (query.get("title") ?? "").slice(0, 2000),
    given: query.getAll("with").slice(0, MOST).map(textToTrack).filter(Boolean),
    after: afterOf(query.get("after")),
    n: Math.round(number("n", 1, 500, NO_WISHES.n)),
    minutes: Math.round(number("minutes", 1, 1440, 0)),
    from: number("from", 0, 9999, null),
    to: number("to", 0, 9999, null),
    clean: query.has("clean"),
    fresh: query.has("fresh"),
    cap: Math.round(number("cap", 1, 50, 0)),
    adventure: number("adventure", -1, 1, 0),
    order: ORDERS.includes(order) ? order : "ranked",
  });
}

/** A track as one word of an address: id, name, artist. */
export const trackToText = (track) => JSON.stringify([track.track_id, cut(track.name), cut(track.artist)]);

/** The other way round; null where it is none. */
export function textToTrack(text) {
  const [track_id, name, artist] = listOf(text);
  if (typeof track_id !== "string" || !track_id || track_id.length > 500) return null;
  return { track_id, name: String(name ?? track_id), artist: String(artist ?? "") };
}

function afterOf(text) {
  const [id, title] = listOf(text);
  return typeof id === "string" && id && id.length <= 500 ? { id, title: String(title ?? "").slice(0, 200) } : null;
}

function listOf(text) {
  try {
    const read = JSON.parse(text ?? "null");
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

const cut = (text) => String(text ?? "").slice(0, 120);

/** Whether two wishes ask for the same. */
export const sameWishes = (a, b) => toQuery(a).toString() === toQuery(b).toString();

/** What differs from the usual, in a few words. */
export function inWords(wishes) {
  const parts = [wishes.minutes ? `${wishes.minutes} minutes` : wishes.n === 1 ? "1 song" : `${wishes.n} songs`];
  if (wishes.from !== null || wishes.to !== null) parts.push(years(wishes.from, wishes.to));
  if (wishes.adventure) parts.push(wishes.adventure < 0 ? "hits" : "deep cuts");
  if (wishes.clean) parts.push("no explicit");
  if (wishes.cap) parts.push(`${wishes.cap} per artist`);
  if (wishes.fresh) parts.push("new artists");
  if (wishes.order !== "ranked") parts.push(wishes.order === "smooth" ? "smooth" : "energy arc");
  return parts.join(" · ");
}

const years = (from, to) => (from === null ? `to ${to}` : to === null ? `since ${from}` : from === to ? `${from}` : `${from}–${to}`);
