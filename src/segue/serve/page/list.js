// A list of tracks: rows that keep their identity, so that what moves is seen to move.

import { announce, calm, el, set } from "./dom.js";
import { keyed } from "./draft.js";
import { dragging } from "./drag.js";
import { drawRow, makeRow } from "./row.js";

const SLIDES = 80; // rows; longer lists change at once

/**
 * @param {Object} act see `makeRow`; move(from, to) and remove(at) take places.
 * @returns {{node: HTMLElement, draw: function(Array, Object): void}}
 */
export function createList(label, act) {
  const node = el("ol", { class: "list", "aria-label": label });
  const rows = new Map();
  let order = [];
  let current = null; // the row that the Tab key reaches
  const move = act.move && ((from, to) => {
    const row = order[from];
    if (to < 0 || to >= order.length || to === from) return;
    const part = node.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    const inside = row.node.contains(document.activeElement) ? document.activeElement : null;
    act.move(from, to);
    if (inside?.isConnected && !inside.disabled) inside.focus();
    else focus(row, part ?? "place");
    announce(`${row.name()}: now ${row.at + 1} of ${order.length}`);
  });
  const own = {
    ...act,
    move: move && ((row, by) => move(row.at, row.at + by)),
    remove: act.remove && ((row) => leave(row, () => act.remove(row.at))),
    mark: act.mark && ((row, mark) => (mark === "never" ? leave(row, () => act.mark(row.track, mark)) : act.mark(row.track, mark))),
    toggle: (row) => act.toggle(row.key),
  };
  const grab = act.move && dragging(node, () => order, (from, to) => move(from, to));

  /** The row goes: the next one has the focus. */
  function leave(row, go) {
    const held = row.node.contains(document.activeElement);
    const at = row.at;
    go();
    const next = order[Math.min(at, order.length - 1)];
    if (held && next) focus(next, "place");
  }

  function focus(row, part) {
    const found = row.node.querySelector(`[data-part="${part}"]`) ?? row.node.querySelector("button");
    reach(row);
    found?.focus();
  }

  /** One row at a time is reached by Tab, so that nobody has to walk through all of them. */
  function reach(row) {
    if (!row) return;
    current = row.key;
    for (const other of order) {
      const index = other === row ? "0" : "-1";
      for (const control of other.node.querySelectorAll("button, a")) set(control, "tabindex", index);
    }
  }

  node.addEventListener("focusin", (event) => {
    const key = event.target.closest(".row")?.dataset.key;
    if (key !== undefined && key !== current) reach(rows.get(key));
  });

  node.addEventListener("keydown", (event) => {
    const row = rows.get(event.target.closest(".row")?.dataset.key);
    if (!row || event.ctrlKey || event.metaKey) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by && event.altKey && move) {
      event.preventDefault();
      move(row.at, row.at + by);
    } else if (by && !event.altKey) {
      event.preventDefault();
      const next = order[row.at + by];
      if (next) focus(next, event.target.dataset.part ?? "place");
    } else if ((event.key === "Delete" || event.key === "Backspace") && own.remove) {
      event.preventDefault();
      own.remove(row);
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      focus(order[event.key === "Home" ? 0 : order.length - 1], event.target.dataset.part ?? "place");
    }
  });

  /** @param {{marks?: Object, pinned?: Array, open?: string|null}} more */
  function draw(tracks, { marks = {}, pinned = [], open = null } = {}) {
    const before = order.length && order.length <= SLIDES && !calm() ? places() : null;
    const held = new Set(pinned);
    const wanted = keyed(tracks).map(([key, track], at) => {
      const row = rows.get(key) ?? makeRow(key, own, grab);
      rows.set(key, row);
      drawRow(row, track, at, {
        mark: marks[track.track_id], open: open === key, pinned: held.has(track.track_id), movable: tracks.length > 1, last: at === tracks.length - 1,
      });
      return row;
    });
    const staying = new Set(wanted);
    for (const row of order) {
      if (!staying.has(row)) {
        row.node.remove();
        rows.delete(row.key);
      }
    }
    // from the end, and only what stands wrong: a moved node loses its focus
    let behind = null;
    for (let i = wanted.length - 1; i >= 0; i -= 1) {
      const child = wanted[i].node;
      if (child.parentNode !== node || child.nextSibling !== behind) node.insertBefore(child, behind);
      behind = child;
    }
    order = wanted;
    reach(rows.get(current) ?? order[0]);
    if (before) slide(before);
  }

  const places = () => new Map(order.map((row) => [row, row.node.offsetTop]));

  function slide(before) {
    if (node.classList.contains("is-dragging")) return;
    const timing = { duration: 220, easing: "cubic-bezier(.2, .7, .2, 1)" };
    for (const row of order) {
      const old = before.get(row);
      if (old === undefined) row.node.animate([{ opacity: 0 }, { opacity: 1 }], timing);
      else if (old !== row.node.offsetTop) row.node.animate([{ transform: `translateY(${old - row.node.offsetTop}px)` }, { transform: "none" }], timing);
    }
  }

  return { node, draw };
}
