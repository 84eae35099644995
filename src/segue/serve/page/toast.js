// Short messages at the foot of the page, with at most one thing to do.

import { announce, byId, el, fill } from "./dom.js";

const SHOWN_MS = 7000;

/** @param {string} text @param {{label?: string, act?: function(): void, bad?: boolean}} more */
export function toast(text, { label, act, bad = false } = {}) {
  const said = el("div", { class: bad ? "toast bad" : "toast" }, el("span", { text }));
  const close = () => said.remove();
  if (label) {
    said.append(el("button", { type: "button", class: "toast-button", text: label, on: { click: () => (close(), act()) } }));
  }
  fill(byId("toasts"), said);
  let timer = setTimeout(close, SHOWN_MS);
  const hold = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(close, SHOWN_MS / 2));
  for (const event of ["pointerenter", "focusin"]) said.addEventListener(event, hold);
  for (const event of ["pointerleave", "focusout"]) said.addEventListener(event, go);
  announce(text);
}
