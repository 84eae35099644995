// The one way to the server: the same /v1 that everybody else uses.

const PATIENCE = 5; // times that a busy server is asked again
const LONGEST_WAIT = 20;
const KEY = "segue.key";

/** What went wrong. status 0: the server was not reached. */
export class Trouble extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The bearer key; kept until the browser's tab is closed. */
export const key = {
  get: () => read(() => sessionStorage.getItem(KEY)) ?? "",
  set: (text) => read(() => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY))),
};

function read(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

/**
 * Ask, and ask again where the server is busy.
 * @param {{method?: string, body?: *, signal?: AbortSignal, waiting?: function(number): void}} how waiting is told the
 *   seconds until the next try.
 * @returns {Promise<Response>} one that is ok
 * @throws {Trouble}
 */
export async function ask(path, { method = "GET", body, signal, waiting } = {}) {
  for (let tries = 1; ; tries += 1) {
    const headers = { Accept: "application/json" };
    if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), credentials: "omit", redirect: "error" });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Trouble(0, navigator.onLine ? "The server does not answer." : "You are offline.");
    }
    if (answer.ok) return answer;
    const again = answer.status === 503 || answer.status === 429;
    if (!again || tries > PATIENCE || !answer.headers.has("Retry-After")) throw new Trouble(answer.status, await detailOf(answer));
    const seconds = Math.min(Math.max(Number(answer.headers.get("Retry-After")) || 1, 0.2), LONGEST_WAIT);
    waiting?.(seconds);
    await pause(seconds, signal);
  }
}

async function detailOf(answer) {
  try {
    const problem = await answer.json();
    if (typeof problem.detail === "string") return problem.detail;
  } catch {
    // not a problem of ours: a proxy's page, say
  }
  return `The server answered ${answer.status}.`;
}

const post = async (path, body, how = {}) => (await ask(path, { method: "POST", body, ...how })).json();
const get = async (path, how = {}) => (await ask(path, how)).json();
const part = encodeURIComponent;

export const api = {
  model: (how) => get("/v1/model", how),
  tracks: async (text, n, how) => (await get(`/v1/tracks?query=${part(text)}&n=${n}`, how)).tracks,
  /** A list, with the name under which feedback on it goes. */
  async recommend(body, how) {
    const answer = await ask(body.playlist_id ? "/v1/continue" : "/v1/recommend", { method: "POST", body, ...how });
    return { ...(await answer.json()), listId: answer.headers.get("Segue-List-Id") ?? "" };
  },
  search: (body, how) => post("/v1/search", body, how),
  corpus: (id, how) => get(`/v1/corpus/${part(id)}`, how),
  similar: (body, how) => post("/v1/similar", body, how),
  listener: (user, body, how) => post(`/v1/listeners/${part(user || "-")}/recommend`, body, how),
  map: (how) => get("/v1/map", how),
  feedback: (body) => ask("/v1/feedback", { method: "POST", body }),
  said: (person) => get(`/v1/feedback/${part(person)}`),
  forget: (person) => ask(`/v1/feedback/${part(person)}`, { method: "DELETE" }),
  async file(body) {
    const answer = await ask("/v1/export", { method: "POST", body });
    return { blob: await answer.blob(), name: fileName(answer.headers.get("Content-Disposition")) ?? `playlist.${body.format}` };
  },
  playlists: {
    list: (person, how) => get(`/v1/playlists?person=${part(person)}`, how),
    create: (person, body) => post(`/v1/playlists?person=${part(person)}`, body),
    get: (person, id, how) => get(`/v1/playlists/${part(id)}?person=${part(person)}`, how),
    replace: async (person, id, body) => (await ask(`/v1/playlists/${part(id)}?person=${part(person)}`, { method: "PUT", body })).json(),
    remove: (person, id) => ask(`/v1/playlists/${part(id)}?person=${part(person)}`, { method: "DELETE" }),
    share: (person, id) => post(`/v1/playlists/${part(id)}/share?person=${part(person)}`),
    unshare: (person, id) => ask(`/v1/playlists/${part(id)}/share?person=${part(person)}`, { method: "DELETE" }),
    shared: (token, how) => get(`/v1/shared/${part(token)}`, how),
  },
};

/** The name in a Content-Disposition, or null. */
export function fileName(header) {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header ?? "");
  if (encoded) return read(() => decodeURIComponent(encoded[1]));
  return /filename="([^"]*)"/i.exec(header ?? "")?.[1] ?? null;
}

/** Of several questions only the newest counts: an earlier one is given up. */
export function latest() {
  let running = null;
  return {
    async run(work) {
      running?.abort();
      const own = (running = new AbortController());
      try {
        const found = await work(own.signal);
        return own.signal.aborted ? { stale: true } : { found };
      } catch (error) {
        if (own.signal.aborted) return { stale: true };
        return { problem: error instanceof Trouble ? error : new Trouble(-1, `The page made a mistake (${error}).`) };
      }
    },
    drop: () => running?.abort(),
  };
}

/** A function that runs once nothing was typed for a while. */
export function debounced(act, ms) {
  let timer;
  const later = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), ms);
  };
  later.now = (...given) => {
    clearTimeout(timer);
    act(...given);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
