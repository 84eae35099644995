// Making and changing elements. Text only ever becomes text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} tag
 * @param {Object<string, *>} props class, text, data, on, aria-*, attributes and properties; null and false are left out.
 * @param {...(Node|string|null|undefined|false)} children
 */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(made, name, value);
  made.append(...children.flat().filter((child) => child || child === 0).map(asNode));
  return made;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/** Set one property; only what changed is touched. */
export function set(node, name, value) {
  if (name === "class") {
    if (node.className !== value) node.className = value ?? "";
  } else if (name === "text") {
    if (node.textContent !== value) node.textContent = value ?? "";
  } else if (name === "on") {
    for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
  } else if (name === "data") {
    for (const [key, said] of Object.entries(value)) node.dataset[key] = said;
  } else if (name === "value" && node.tagName === "OPTION") {
    node.setAttribute("value", value); // an empty one, too: without it an option is worth its text
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
    if (name === "hidden" || name === "disabled" || name === "checked") node[name] = false;
  } else if (name === "value" || name === "checked" || name === "hidden" || name === "disabled") {
    if (node[name] !== value) node[name] = value;
  } else {
    const said = value === true && !name.startsWith("aria-") ? "" : String(value);
    if (node.getAttribute(name) !== said) node.setAttribute(name, said);
  }
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Replace the children of a node. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child || child === 0).map(asNode));
  return node;
}

// 24 x 24, drawn with the text's colour
const PATHS = {
  keep: ["M12 20s-7.500-4.600-7.500-10A4.200 4.200 0 0 1 12 7.300 4.200 4.200 0 0 1 19.500 10c0 5.400-7.500 10-7.500 10z"],
  never: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M6.400 6.400l11.200 11.200"],
  more: ["M12 3.500l1.900 5.100 5.100 1.900-5.100 1.900-1.900 5.100-1.900-5.100L5 10.500l5.100-1.900z", "M18.500 16v4M16.500 18h4"],
  down: ["M6 9.500l6 6 6-6"],
  close: ["M6.500 6.500l11 11M17.500 6.500l-11 11"],
  undo: ["M8.500 5L4.500 9l4 4", "M4.500 9H14a5 5 0 0 1 0 10h-4"],
  redo: ["M15.500 5l4 4-4 4", "M19.500 9H10a5 5 0 0 0 0 10h4"],
  up: ["M12 19V5.500M6.500 11L12 5.500l5.500 5.500"],
  lower: ["M12 5v13.500M6.500 13l5.500 5.500 5.500-5.500"],
  out: ["M10 6H6v12h12v-4", "M13.500 5H19v5.500M18.500 5.500L11 13"],
  bin: ["M5 7h14M10 7V4.500h4V7M7 7l.8 12.500h8.400L17 7M10.500 10.500v6M13.500 10.500v6"],
  save: ["M6.500 4.500h11v15.500l-5.500-4-5.500 4z"],
  download: ["M12 4.500v10.500M7.500 11l4.500 4.500 4.500-4.500M5 19.500h14"],
  copy: ["M9 9h10.500v10.500H9z", "M15 9V4.500H4.500V15H9"],
  share: ["M12 15V4M8 7.500L12 3.500l4 4", "M7.500 11H5.500v9h13v-9h-2"],
  minus: ["M5.500 12h13"],
  fit: ["M5 9.500V5h4.500M14.500 5H19v4.500M19 14.500V19h-4.500M9.500 19H5v-4.500"],
  add: ["M12 5.500v13M5.500 12h13"],
  tune: ["M4 8h9M17 8h3M4 16h3M11 16h9", "M15 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM9 14a2 2 0 1 0 0 4 2 2 0 0 0 0-4z"],
  again: ["M19 12a7 7 0 1 1-2.200-5.100L19.500 9.500M19.500 4.500v5h-5"],
  sun: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2.500v2.500M12 19v2.500M2.500 12H5M19 12h2.500M5.300 5.300L7 7M17 17l1.700 1.700M5.300 18.700L7 17M17 7l1.700-1.700"],
  moon: ["M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z"],
  auto: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M12 4v16M12 8l5.800 0M12 12h8M12 16h5.800"],
  help: ["M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z", "M9.500 9.600A2.600 2.600 0 1 1 12 12.500V14M12 16.800v.2"],
  make: ["M4 7h10M4 12h10M4 17h6", "M18 8.500v8.300M18 8.500l3-1M16.200 15.200a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600z"],
  find: ["M10.500 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12z", "M15 15l5 5"],
  similar: ["M9 6a6 6 0 1 0 0 12A6 6 0 0 0 9 6z", "M15 6a6 6 0 1 1 0 12 6 6 0 0 1 0-12z"],
  listener: ["M12 4.500a3.700 3.700 0 1 0 0 7.400 3.700 3.700 0 0 0 0-7.400z", "M4.500 20c.6-4 3.600-6 7.500-6s6.900 2 7.500 6"],
  map: ["M4 6.500l5-2 6 2 5-2v13l-5 2-6-2-5 2z", "M9 4.500v13M15 6.500v13"],
  saved: ["M6.500 4.500h11v15.500l-5.500-4-5.500 4z"],
  open: ["M5 12h13M13 6.500l5.500 5.500-5.500 5.500"],
  pen: ["M5 19l1-4L16 5l3 3L9 18z"],
};

/** A small drawing; hidden from assistive technology, so its button needs a name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const said = { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(said)) svg.setAttribute(key, value);
  for (const d of PATHS[name] ?? []) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** A button that shows an icon and, where there is room, its words. */
export function button(label, name, act, props = {}) {
  const { quiet = false, ...rest } = props;
  const words = el("span", { class: quiet ? "hidden" : "label", text: label });
  return el("button", { type: "button", class: quiet ? "icon-button" : "button", on: { click: act }, title: quiet ? label : null, ...rest },
    name && icon(name), words);
}

let spoken = 0;

/** Say something to people who do not see the page. The same text twice is said twice. */
export function announce(text) {
  spoken += 1;
  byId("live").textContent = text + (spoken % 2 ? "" : "\u00a0");
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
