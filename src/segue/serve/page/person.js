// Who gives feedback: a random pseudonym that this browser made up, and nothing else.

import { api, Trouble } from "./api.js";

const NAME = "segue.person";
let inMemory = "";

/** The pseudonym, or "" as long as nothing was said. */
export function person() {
  try {
    return localStorage.getItem(NAME) ?? inMemory;
  } catch {
    return inMemory;
  }
}

/** The pseudonym; one is made where there is none. */
export function somebody() {
  const known = person();
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  inMemory = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    localStorage.setItem(NAME, inMemory);
  } catch {
    // storage is refused: the name lives as long as the page
  }
  return inMemory;
}

/** Delete what the server knows of this person, then the name. */
export async function forgotten() {
  const known = person();
  if (known) await api.forget(known);
  inMemory = "";
  try {
    localStorage.removeItem(NAME);
  } catch {
    // nothing was stored
  }
}

let queue = Promise.resolve();

/**
 * Tell the server what was said of tracks, in the order in which it was said.
 * @param {string|function(): Promise<string>} list that was shown: its id, or what finds it out
 * @param {Array<{action: string, track_id: string, position: number}>} events
 * @param {function(Trouble): void} failed
 */
export function tell(list, events, failed) {
  if (!events.length) return;
  const who = somebody();
  const send = async () => {
    const listId = typeof list === "function" ? await list() : list;
    await api.feedback({ person: who, list_id: listId, events });
  };
  queue = queue.then(send).catch((error) => failed(error instanceof Trouble ? error : new Trouble(-1, String(error))));
}
