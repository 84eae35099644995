// Keys that work everywhere on the page.

import { byId } from "./dom.js";

const TYPED = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]";

export function startKeys({ store, editing, show }) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.(TYPED);
    const command = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    if (command && !event.altKey && (letter === "z" || letter === "y")) {
      if (typing && typing.value) return; // the field's own undo
      if (store.get().tab !== "make") return;
      event.preventDefault();
      if (letter === "y" || event.shiftKey) editing.redo();
      else editing.undo();
    } else if (event.key === "/" && !typing && !command && !event.altKey) {
      event.preventDefault();
      const { tab } = store.get();
      if (!["make", "find"].includes(tab)) show.tab("make");
      byId(tab === "find" ? "find-query" : "title").focus();
    } else if (event.key === "Escape" && typing?.id === "title") {
      typing.blur();
    }
  });
}
