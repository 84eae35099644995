// One row of a list: what a track is, what can be said of it, and on demand why it is there.

import { button, el, fill, icon, set } from "./dom.js";
import { artistOf, because, clock, line, nameOf, safeLink, siteOf, trackInWords } from "./words.js";

const MARKS = [
  ["keep", "Keep", "Keep: it stays when the list changes"],
  ["more", "More like this", "More like this"],
  ["never", "Never again", "Never again"],
];

/**
 * A row; its parts are changed by `drawRow`.
 * @param {Object} act what the row can do: mark(row, mark), toggle, remove, move(row, by), add, similar; what is missing
 *   is not offered. @param {function(PointerEvent, Object)|null} grab begins a drag.
 */
export function makeRow(key, act, grab) {
  const row = { key, at: -1, track: null, parts: {} };
  const { parts } = row;
  const name = () => trackInWords(row.track);
  parts.place = act.move
    ? el("button", { type: "button", class: "place handle", data: { part: "place" }, on: { pointerdown: (event) => grab(event, row) } })
    : el("span", { class: "place" });
  parts.name = el("span", { class: "name", dir: "auto" });
  parts.artist = el("span", { class: "artist", dir: "auto" });
  parts.small = el("span", { class: "brief" });
  parts.year = el("span", { class: "year" });
  parts.time = el("span", { class: "time" });
  parts.marks = {};
  const buttons = el("div", { class: "row-buttons" });
  if (act.mark) {
    for (const [mark, label, title] of MARKS) {
      const made = button(label, mark, () => act.mark(row, mark), { quiet: true, class: `icon-button mark ${mark}`, title, "aria-pressed": "false", data: { part: mark } });
      parts.marks[mark] = [made];
      buttons.append(made);
    }
  }
  if (act.add) buttons.append(button("Add to the list in Make", "add", () => act.add(row.track), { quiet: true, data: { part: "add" } }));
  if (act.similar) buttons.append(button("Similar songs", "similar", () => act.similar(row.track), { quiet: true, data: { part: "similar" } }));
  parts.open = button("Why, and more", "down", () => act.toggle(row), { quiet: true, class: "icon-button disclose", "aria-expanded": "false", data: { part: "open" } });
  buttons.append(parts.open);
  parts.details = el("div", { class: "details", hidden: true, id: `why-${(made += 1)}` });
  parts.open.setAttribute("aria-controls", parts.details.id);
  row.act = act;
  row.name = name;
  row.node = el("li", { class: "row", data: { key } },
    el("div", { class: "row-line" }, parts.place,
      el("div", { class: "what" }, parts.name, el("span", { class: "by" }, parts.artist, parts.small)),
      parts.year, parts.time, buttons),
    parts.details);
  return row;
}

let made = 0;

/** Bring a row up to date. */
export function drawRow(row, track, at, { mark, open, pinned, movable, last }) {
  const { parts } = row;
  const other = row.track !== track;
  row.track = track;
  if (other) {
    set(parts.name, "text", nameOf(track));
    set(parts.artist, "text", artistOf(track));
    set(parts.small, "text", track.duration_ms ? `\u00a0· ${clock(track.duration_ms)}` : "");
    set(parts.year, "text", track.year ? String(track.year) : "");
    set(parts.time, "text", clock(track.duration_ms));
  }
  const moved = row.at !== at;
  row.at = at;
  if (moved || other) {
    if (parts.place.tagName === "BUTTON") {
      fill(parts.place, el("span", { class: "number", "aria-hidden": "true", text: String(at + 1) }), el("span", { class: "grip", "aria-hidden": "true" }));
      set(parts.place, "aria-label", `${at + 1}. ${row.name()}: drag, or press Alt and an arrow, to move it`);
    } else {
      set(parts.place, "text", String(at + 1));
    }
    for (const node of row.node.querySelectorAll(".row-line > .row-buttons > button")) {
      const what = node.querySelector(".hidden").textContent;
      set(node, "aria-label", `${what}: ${row.name()}`);
    }
  }
  set(row.node, "class", ["row", mark && `is-${mark}`, pinned && "is-pinned", open && "is-open"].filter(Boolean).join(" "));
  for (const [name, nodes] of Object.entries(parts.marks)) for (const node of nodes) set(node, "aria-pressed", String(mark === name));
  set(parts.open, "hidden", !tellsMore(row));
  set(parts.open, "aria-expanded", String(open));
  if (open && (other || moved || row.open !== open || row.mark !== mark)) fill(parts.details, details(row, movable, last, mark));
  set(parts.details, "hidden", !open);
  row.open = open;
  row.mark = mark;
}

/** Whether there is anything behind the arrow. */
function tellsMore({ track, act }) {
  return Boolean(act.move || act.start || track.because?.length || track.album || track.explicit || safeLink(track.link));
}

function details(row, movable, last, mark) {
  const { track, act } = row;
  const reasons = (track.because ?? []).map((reason) =>
    el("li", {}, meter(reason.share), el("span", { text: because(reason), dir: "auto" })));
  const link = safeLink(track.link);
  const album = line(track.album);
  return [
    reasons.length ? [el("p", { class: "why-head", text: "Why it is here" }), el("ul", { class: "why" }, reasons)] : null,
    el("p", { class: album || track.explicit ? "facts" : "facts only-narrow", dir: "auto" }, el("span", { text: [album && `From “${album}”`, track.explicit && "explicit"].filter(Boolean).join(" · ") }), track.year && el("span", { class: "only-narrow", text: `${album || track.explicit ? "\u00a0· " : ""}${track.year}` })),
    el("div", { class: "row-actions" },
      link && el("a", { class: "button", href: link, target: "_blank", rel: "noopener noreferrer", "aria-label": `Open ${row.name()} at ${siteOf(link)}, in a new window` }, icon("out"), el("span", { text: siteOf(link) })),
      act.mark && button("More like this", "more", () => act.mark(row, "more"), { class: "button mark more only-narrow", "aria-pressed": String(mark === "more") }),
      act.move && button("Up", "up", () => act.move(row, -1), { disabled: !movable || row.at === 0, "aria-label": `Move up: ${row.name()}` }),
      act.move && button("Down", "lower", () => act.move(row, 1), { disabled: !movable || last, "aria-label": `Move down: ${row.name()}` }),
      act.start && button("Start from this", "similar", () => act.start(track), { "aria-label": `Start from this: ${row.name()}` }),
      act.remove && button("Remove", "close", () => act.remove(row), { "aria-label": `Remove from the list: ${row.name()}` })),
  ].flat();
}

/** How much of the score a reason is, as a bar; said in words beside it for those who do not see it. */
function meter(share) {
  const percent = Math.round(Math.max(0, Math.min(1, Number(share) || 0)) * 100);
  const bar = el("span", { class: "bar" });
  bar.style.setProperty("--share", `${percent}%`);
  return el("span", { class: "meter", title: `${percent} % of what speaks for it` }, bar, el("span", { class: "hidden", text: `${percent} %: ` }));
}
