// The address bar: what is asked for stands behind the #, so that back, forward and links work.

import { debounced } from "./api.js";
import { fromQuery, NO_WISHES, sameWishes, textToTrack, toQuery, trackToText } from "./wishes.js";

export const TABS = ["make", "find", "similar", "listener", "map", "saved"];
const FLOW_MS = 1500; // changes within this time are one step of the browser's history
const WRITE_MS = 120; // browsers refuse more than some changes of the address a second

/** The parts of a state that an address says. */
export function read(hash, state) {
  const [name, rest = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const tab = TABS.includes(name) ? name : "make";
  const query = new URLSearchParams(rest);
  const given = () => query.getAll("with").slice(0, 50).map(textToTrack).filter(Boolean);
  const parts = { tab };
  if (tab === "make") {
    const wishes = fromQuery(query);
    parts.wishes = sameWishes(wishes, state.wishes) ? state.wishes : wishes;
  } else if (tab === "find") {
    parts.find = { ...state.find, query: (query.get("q") ?? "").slice(0, 2000), openId: query.get("open") };
  } else if (tab === "similar") {
    parts.similar = { ...state.similar, given: given() };
  } else if (tab === "listener") {
    parts.listener = { ...state.listener, given: given(), user: (query.get("user") ?? "").slice(0, 200), country: (query.get("country") ?? "").slice(0, 100) };
  }
  return parts;
}

/** The address of a state. */
export function write(state) {
  const query = new URLSearchParams();
  if (state.tab === "make") return address("make", toQuery(state.wishes));
  if (state.tab === "find") {
    if (state.find.query) query.set("q", state.find.query);
    if (state.find.openId) query.set("open", state.find.openId);
  } else if (state.tab === "similar" || state.tab === "listener") {
    for (const track of state[state.tab].given) query.append("with", trackToText(track));
    if (state.tab === "listener" && state.listener.user) query.set("user", state.listener.user);
    if (state.tab === "listener" && state.listener.country) query.set("country", state.listener.country);
  }
  return address(state.tab, query);
}

function address(tab, query) {
  const said = query.toString();
  return said ? `#${tab}?${said}` : tab === "make" ? "#" : `#${tab}`;
}

/** Keeps address and state together. */
export function startRouter(store) {
  let last = 0;
  let lastTab = null;
  let reading = false;
  store.update((state) => read(location.hash, { ...state, wishes: NO_WISHES }));

  function show() {
    const state = store.get();
    const wanted = write(state);
    if (wanted === (location.hash || "#")) return;
    const flows = state.tab === lastTab && Date.now() - last < FLOW_MS;
    history[flows ? "replaceState" : "pushState"](null, "", wanted === "#" ? location.pathname + location.search : wanted);
    last = Date.now();
    lastTab = state.tab;
  }

  const later = debounced(show, WRITE_MS);
  store.subscribe((state) => {
    if (reading) return;
    if (state.tab !== lastTab) later.now();
    else later();
  });
  window.addEventListener("popstate", () => {
    later.cancel();
    reading = true;
    store.update((state) => read(location.hash, state));
    reading = false;
    last = 0;
    lastTab = store.get().tab;
  });
}
