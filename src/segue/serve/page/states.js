// What is shown where there is no list: nothing asked, on its way, gone wrong, nothing found, not turned on.

import { button, el, icon } from "./dom.js";
import { sentence } from "./words.js";

const WAVE = "wave";

/** Nothing was asked yet. */
export function empty(title, text, actions = [], kind = "empty") {
  return el("div", { class: `state ${kind}` }, el("div", { class: WAVE, "aria-hidden": "true" }, [1, 2, 3, 4, 5].map(() => el("i"))),
    el("h2", { text: title }), el("p", { text }), actions.length ? el("div", { class: "examples" }, actions) : null);
}

/** An answer is on its way: as high as what comes, so that nothing jumps. */
export function skeleton(rows) {
  return el("div", { class: "skeleton", "aria-hidden": "true" }, Array.from({ length: rows }, () => el("div", { class: "bone" }, el("i"), el("b"), el("i"))));
}

/** Something went wrong; what, and how to try again. */
export function failed(problem, retry) {
  const titles = { 0: "The server cannot be reached", 401: "A key is needed", 403: "Not allowed", 404: "Not there", 422: "That cannot be used", 503: "The server is busy", 504: "That took too long" };
  const advice = { 0: "What you typed is still here.", 401: "Enter the key under Settings." }[problem.status] ?? "";
  return el("div", { class: "state error" }, icon("help"), el("h2", { text: titles[problem.status] ?? "That did not work" }),
    el("p", { text: [sentence(problem.message), advice].filter(Boolean).join(" ") }),
    el("div", { class: "examples" }, button("Try again", "again", retry, { class: "button primary" })));
}

/** Everything worked, and there is nothing. */
export function nothing(title, text, act, label, back) {
  return el("div", { class: "state nothing" }, icon("find"), el("h2", { text: title }), el("p", { text }),
    el("div", { class: "examples" }, act && button(label, "tune", act, { class: "button primary" }), back && button("Undo", "undo", back)));
}

/** A part of the app whose model is missing. */
export function off(title, text, command) {
  return el("div", { class: "state off" }, icon("help"), el("h2", { text: title }), el("p", { text }), el("p", {}, el("code", { text: command })));
}
