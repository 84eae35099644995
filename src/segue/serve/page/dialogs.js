// Dialogs: asked for, answered, gone. The browser's own <dialog> keeps the focus inside and gives it back.

import { button, el } from "./dom.js";

/**
 * @param {string} title @param {Array<Node>} body
 * @param {Array<Node>} foot buttons
 * @returns {{node: HTMLDialogElement, close: function(*): void, done: Promise<*>}}
 */
export function dialog(title, body, foot = []) {
  let finish;
  const done = new Promise((resolve) => (finish = resolve));
  const heading = `dialog-${(made += 1)}`;
  const close = (value) => {
    finish(value);
    node.close();
  };
  const node = el("dialog", { class: "dialog", "aria-labelledby": heading, on: { close: () => (finish(undefined), node.remove()) } },
    el("div", { class: "dialog-head" }, el("h2", { id: heading, text: title }), button("Close", "close", () => close(undefined), { quiet: true })),
    el("div", { class: "dialog-body" }, body),
    foot.length ? el("div", { class: "dialog-foot" }, foot) : null);
  node.addEventListener("click", (event) => event.target === node && close(undefined));
  document.body.append(node);
  node.showModal();
  return { node, close, done };
}

let made = 0;

/** A question; whether it was answered with yes. */
export async function confirmed(title, text, yes) {
  const no = el("button", { type: "button", class: "button", text: "Cancel", autofocus: true });
  const ok = el("button", { type: "button", class: "button danger", text: yes });
  const shown = dialog(title, [el("p", { text })], [no, ok]);
  no.addEventListener("click", () => shown.close(false));
  ok.addEventListener("click", () => shown.close(true));
  return (await shown.done) === true;
}

/** A text that is asked for, or undefined. */
export async function asked(title, label, value, yes, { type = "text", hint = "" } = {}) {
  const id = `asked-${(made += 1)}`;
  const input = el("input", { id, type, class: "text-input", maxlength: 2000, autocomplete: "off", spellcheck: "false" });
  input.value = value;
  const form = el("form", { id: `${id}-form` }, el("label", { for: id, class: "field-label", text: label }), input, hint ? el("p", { class: "hint", text: hint }) : null);
  const ok = el("button", { type: "submit", class: "button primary", form: form.id, text: yes });
  const shown = dialog(title, [form], [ok]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    shown.close(input.value.trim());
  });
  input.focus();
  input.select();
  return shown.done;
}

/** A button with a menu under it. @param {Array<[string, function(): void]>} entries */
export function menu(label, name, entries, props = {}) {
  const items = entries.map(([text, act]) =>
    el("button", { type: "button", role: "menuitem", tabindex: "-1", class: "menu-item", text, on: { click: () => (show(false), opener.focus(), act()) } }));
  const list = el("div", { class: "menu", role: "menu", "aria-label": label, hidden: true }, items);
  const opener = button(label, name, () => show(list.hidden), { "aria-haspopup": "menu", "aria-expanded": "false", ...props });
  const node = el("div", { class: "menu-holder" }, opener, list);
  const outside = (event) => node.contains(event.target) || show(false);

  function show(open) {
    if (list.hidden === !open) return;
    list.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    document[open ? "addEventListener" : "removeEventListener"]("pointerdown", outside);
    if (open) items[0].focus();
  }

  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      show(false);
      opener.focus();
      return;
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    if (list.hidden) show(true);
    else items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
  });
  node.addEventListener("focusout", (event) => event.relatedTarget && !node.contains(event.relatedTarget) && show(false));
  return { node, opener };
}
