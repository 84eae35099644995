// Dragging a row by its handle: with mouse, pen or finger.

import { calm } from "./dom.js";

const EDGE = 70; // px from the window's edge within which it scrolls
const SPEED = 14;
const STARTS = 4; // px; less is a click

/**
 * @param {HTMLElement} list whose rows are dragged. @param {function(): Array} rows in order.
 * @param {function(number, number): void} drop
 * @returns {function(PointerEvent, Object): void} begins a drag
 */
export function dragging(list, rows, drop) {
  return (event, row) => {
    if (event.button !== 0 || rows().length < 2) return;
    const handle = event.currentTarget;
    const nodes = rows().map((other) => other.node);
    const from = row.at;
    const tops = nodes.map((node) => node.offsetTop);
    const height = row.node.offsetHeight + parseFloat(getComputedStyle(list).rowGap || "0");
    const started = event.clientY + window.scrollY;
    let y = event.clientY;
    let to = from;
    let moving = false;
    let frame = 0;
    handle.setPointerCapture(event.pointerId);

    function place() {
      const by = y + window.scrollY - started;
      if (!moving && Math.abs(by) < STARTS) return;
      if (!moving) {
        moving = true;
        list.classList.add("is-dragging");
        row.node.classList.add("is-dragged");
      }
      row.node.style.transform = `translateY(${by}px)`;
      const middle = tops[from] + by + row.node.offsetHeight / 2;
      to = nodes.filter((node, i) => i !== from && middle > tops[i] + node.offsetHeight / 2).length;
      nodes.forEach((node, i) => {
        if (i === from) return;
        const shift = i > from && i <= to ? -height : i < from && i >= to ? height : 0;
        node.style.transform = shift ? `translateY(${shift}px)` : "";
      });
    }

    function scroll() {
      const by = y < EDGE ? -SPEED : y > window.innerHeight - EDGE ? SPEED : 0;
      if (moving && by) {
        window.scrollBy(0, by);
        place();
      }
      frame = requestAnimationFrame(scroll);
    }

    function onMove(moved) {
      y = moved.clientY;
      place();
    }

    function end(dropped) {
      cancelAnimationFrame(frame);
      for (const [name, act] of Object.entries(listeners)) handle.removeEventListener(name, act);
      window.removeEventListener("keydown", onKey, true);
      for (const node of nodes) node.style.transform = "";
      row.node.classList.remove("is-dragged");
      if (moving && dropped && to !== from) drop(from, to);
      list.classList.remove("is-dragging");
      if (moving && dropped && !calm()) row.node.animate([{ opacity: 0.6 }, { opacity: 1 }], { duration: 200 });
    }

    function onKey(pressed) {
      if (pressed.key !== "Escape") return;
      pressed.stopPropagation();
      end(false);
    }

    const listeners = { pointermove: onMove, pointerup: () => end(true), pointercancel: () => end(false) };
    for (const [name, act] of Object.entries(listeners)) handle.addEventListener(name, act);
    window.addEventListener("keydown", onKey, true);
    frame = requestAnimationFrame(scroll);
  };
}
