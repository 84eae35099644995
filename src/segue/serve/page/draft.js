// The list while it is edited: pure functions from a draft to a draft.

/**
 * tracks: in order. marks: track id -> "keep" | "more" | "never". pinned: ids that stay where they are when the list is
 * asked again, because a person kept or moved them. removed: ids that were taken out of this list and do not come back.
 * saved: {id, version, title} of the playlist that this one is kept as.
 */
export const NO_DRAFT = Object.freeze({ tracks: [], marks: {}, pinned: [], removed: [], saved: null });

const UNKNOWN_MS = 210_000; // as the rules count a track of unknown duration

export const milliseconds = (tracks) => tracks.reduce((sum, track) => sum + (track.duration_ms ?? UNKNOWN_MS), 0);

/** Keys of rows: the id, with a number where a playlist has a track several times. */
export function keyed(tracks) {
  const seen = new Map();
  return tracks.map((track) => {
    const times = (seen.get(track.track_id) ?? 0) + 1;
    seen.set(track.track_id, times);
    return [times === 1 ? track.track_id : `${track.track_id} ${times}`, track];
  });
}

const wanted = (draft, track) => draft.marks[track.track_id] !== "never" && !draft.removed.includes(track.track_id);

/** Whether tracks are as many, or as long, as they should be. */
export function isFull(tracks, { n, minutes }) {
  return minutes ? milliseconds(tracks) + UNKNOWN_MS > minutes * 60_000 : tracks.length >= n;
}

/** A new answer comes: what is pinned stays where it is, what is removed stays away, the rest is new. */
export function merged(draft, answered, length) {
  const pinned = new Set(draft.pinned);
  const fixed = new Map();
  draft.tracks.forEach((track, at) => pinned.has(track.track_id) && fixed.set(at, track));
  const fresh = answered.filter((track) => !pinned.has(track.track_id) && wanted(draft, track));
  return { ...draft, tracks: within([...fixed].sort(([a], [b]) => a - b), fresh, length) };
}

function within(fixed, fresh, { n, minutes }) {
  const tracks = [];
  let left = minutes ? minutes * 60_000 - milliseconds(fixed.map(([, track]) => track)) : Infinity;
  let room = minutes ? Infinity : Math.max(n - fixed.length, 0);
  const rest = [...fixed];
  for (const track of fresh) {
    const takes = track.duration_ms ?? UNKNOWN_MS;
    if (room < 1) break;
    if (takes > left) continue;
    while (rest.length && rest[0][0] <= tracks.length) tracks.push(rest.shift()[1]);
    tracks.push(track);
    room -= 1;
    left -= takes;
  }
  return [...tracks, ...rest.map(([, track]) => track)];
}

/** A hole is filled: all tracks stay, further ones come behind. */
export function filled(draft, answered, length) {
  const tracks = draft.tracks.filter((track) => draft.marks[track.track_id] !== "never");
  const there = new Set(tracks.map((track) => track.track_id));
  for (const track of answered) {
    if (isFull(tracks, length)) break;
    if (!there.has(track.track_id) && wanted(draft, track)) tracks.push(track);
  }
  return { ...draft, tracks };
}

/** The track at a place goes to another; from then on it stays there. */
export function moved(draft, from, to) {
  const at = Math.max(0, Math.min(draft.tracks.length - 1, to));
  if (at === from) return draft;
  const tracks = [...draft.tracks];
  const [track] = tracks.splice(from, 1);
  tracks.splice(at, 0, track);
  return { ...draft, tracks, pinned: union(draft.pinned, track.track_id) };
}

/** The track at a place is taken out. */
export function without(draft, at) {
  const { track_id: id } = draft.tracks[at];
  return {
    ...draft,
    tracks: draft.tracks.filter((_, i) => i !== at),
    pinned: draft.pinned.filter((other) => other !== id),
    removed: union(draft.removed, id),
  };
}

/** A track is put behind the others; from then on it stays. */
export function added(draft, track) {
  if (draft.tracks.some((other) => other.track_id === track.track_id)) return draft;
  return {
    ...draft,
    tracks: [...draft.tracks, track],
    pinned: union(draft.pinned, track.track_id),
    removed: draft.removed.filter((id) => id !== track.track_id),
  };
}

/** A person judges a track: the same mark again takes it back. "never" takes it out of the list, the others hold it. */
export function marked(draft, id, mark) {
  const { [id]: before, ...marks } = draft.marks;
  if (before === mark) return { ...draft, marks, pinned: draft.pinned.filter((other) => other !== id) };
  if (mark !== "never") return { ...draft, marks: { ...marks, [id]: mark }, pinned: union(draft.pinned, id) };
  return {
    ...draft,
    marks: { ...marks, [id]: mark },
    tracks: draft.tracks.filter((track) => track.track_id !== id),
    pinned: draft.pinned.filter((other) => other !== id),
  };
}

/** What was rejected may come again. */
export function allowed(draft, id) {
  const { [id]: mark, ...marks } = draft.marks;
  return mark === "never" ? { ...draft, marks } : draft;
}

/** Tracks are put before the others, those that are not there yet; from then on they stay. */
export function headed(draft, tracks) {
  const there = new Set(draft.tracks.map((track) => track.track_id));
  const fresh = tracks.filter((track) => !there.has(track.track_id));
  return fresh.reduce((made, track) => ({ ...made, pinned: union(made.pinned, track.track_id) }), { ...draft, tracks: [...fresh, ...draft.tracks] });
}

/** A finished list becomes a draft, as it is. */
export function draftOf(tracks, saved = null) {
  return { ...NO_DRAFT, tracks, pinned: [...new Set(tracks.map((track) => track.track_id))], saved };
}

/** What was said of tracks in one draft and not in the other: [id, action] with "undo" for what was taken back. */
export function said(before, after) {
  const ids = new Set([...Object.keys(before.marks), ...Object.keys(after.marks)]);
  return [...ids].filter((id) => before.marks[id] !== after.marks[id]).map((id) => [id, after.marks[id] ?? "undo"]);
}

const union = (ids, id) => (ids.includes(id) ? ids : [...ids, id]);
