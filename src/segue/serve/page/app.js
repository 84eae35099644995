// The page begins here: one state, one way to change it, and the parts that draw it.

import { api, key, latest } from "./api.js";
import { startAsking } from "./asking.js";
import { byId, el, icon, set } from "./dom.js";
import { createEditing } from "./editing.js";
import { startKeys } from "./keys.js";
import { startRouter, TABS } from "./router.js";
import { createSaving } from "./saving.js";
import { mountSettings, startTheme } from "./settings.js";
import { createStore } from "./state.js";
import { mountFind } from "./tabs/find.js";
import { mountListener, mountSimilar } from "./tabs/like.js";
import { mountMake } from "./tabs/make.js";
import { mountMap } from "./tabs/map.js";
import { mountSaved } from "./tabs/saved.js";
import { mountShared, sharedToken } from "./tabs/shared.js";

const LABELS = { make: "Make", find: "Find", similar: "Similar", listener: "Listener", map: "Map", saved: "Saved" };
const ABILITIES = { find: "search", similar: "similar", listener: "listeners", map: "map", saved: "playlists" };

const store = createStore();
const asking = startAsking(store);
const editing = createEditing(store, asking);
const saving = createSaving(store, editing);
const show = {
  tab: (tab) => store.update(() => ({ tab, open: null })),
  similar: (track) => store.update((state) => ({ tab: "similar", open: null, similar: { ...state.similar, given: [{ track_id: track.track_id, name: track.name, artist: track.artist }] } })),
};
const loading = latest();
const app = { store, editing, asking, saving, show };

startTheme();
mountTabs();
mountSettings(app, loadModel);
startKeys(app);
byId("brand").addEventListener("click", () => {
  if (sharedToken()) location.assign("/");
  else editing.begin({});
});
for (const event of ["online", "offline"]) window.addEventListener(event, () => (event === "online" ? loadModel(true) : banner("You are offline. What is here stays; new lists come when you are back.")));

if (sharedToken()) {
  document.body.classList.add("is-shared");
  mountShared(app);
} else {
  startRouter(store);
  for (const mount of [mountMake, mountFind, mountSimilar, mountListener, mountMap, mountSaved]) mount(app);
  loadModel();
}

function mountTabs() {
  const tabs = TABS.map((tab) =>
    el("button", { type: "button", class: "tab", role: "tab", id: `tab-${tab}`, "aria-controls": `panel-${tab}`, on: { click: () => show.tab(tab) } }, icon(tab), el("span", { class: "tab-label", text: LABELS[tab] })));
  byId("tabs").append(...tabs);
  byId("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = event.key === "Home" ? 0 : event.key === "End" ? TABS.length - 1 : by ? (TABS.indexOf(store.get().tab) + by + TABS.length) % TABS.length : -1;
    if (at < 0) return;
    event.preventDefault();
    show.tab(TABS[at]);
    tabs[at].focus();
  });
  store.subscribe((state, old) => {
    TABS.forEach((tab, i) => {
      const on = state.tab === tab;
      const able = !state.model || !ABILITIES[tab] || state.model.abilities[ABILITIES[tab]] !== false;
      set(tabs[i], "aria-selected", String(on));
      set(tabs[i], "tabindex", on ? "0" : "-1");
      set(tabs[i], "class", able ? "tab" : "tab is-off");
      set(tabs[i], "title", able ? null : "Not turned on; it says how");
      set(byId(`panel-${tab}`), "hidden", !on || Boolean(sharedToken()));
    });
    if (state.tab !== old.tab) window.scrollTo(0, 0);
  });
}

function banner(text) {
  set(byId("banner"), "text", text);
  set(byId("banner"), "hidden", !text);
}

/** What the server can do; asked for again when it can be reached again, or with another key. */
async function loadModel(again = false) {
  const { found, problem, stale } = await loading.run((signal) => api.model({ signal, waiting: () => banner("The server is busy; waiting for it.") }));
  if (stale) return undefined;
  if (problem) {
    const text = problem.status === 401 ? (key.get() ? "The server does not take this key. Enter another one under Settings." : "This server wants a key. Enter it under Settings.") : `${problem.message} The page tries again by itself.`;
    banner(text);
    if (problem.status !== 401) setTimeout(() => loadModel(true), 4000);
    return problem;
  }
  banner("");
  store.update(() => ({ model: found }));
  const { answer } = store.get();
  if (again && answer.status === "error") asking.now();
  return null;
}
