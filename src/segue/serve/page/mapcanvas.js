// Drawing the map on a canvas: points, names where there is room, and moving about by mouse, finger and keys.

import { calm, el } from "./dom.js";
import { line } from "./words.js";

const NEAREST = 1;
const DEEPEST = 24;
const REACH = 22; // px within which a pointer finds a title
const LABELS = 90;

/** @param {{points: Array, themes: Array}} data @param {{choose: function, hover: function}} act */
export function createMapCanvas(data, act) {
  const node = el("canvas", { class: "map", tabindex: "0", role: "application", "aria-roledescription": "map", "aria-label": `Map of ${data.points.length} titles. Arrows move, plus and minus come nearer and go farther, Enter takes the title in the middle. The themes are also listed below it.` });
  const ink = node.getContext("2d");
  const points = [...data.points].sort((a, b) => b.n - a.n).map((point) => ({ ...point, label: line(point.title).slice(0, 40) }));
  const themes = data.themes.map((theme) => ({ ...theme, label: line(theme.name).slice(0, 40) }));
  const most = Math.max(1, ...points.map((point) => point.n));
  let view = { x: 0.5, y: 0.5, scale: 1 };
  let lit = null;
  let glowing = null;
  let frame = 0;

  const size = () => ({ width: node.clientWidth, height: node.clientHeight });
  const side = () => Math.min(size().width, size().height) * 0.92;
  /** From the map to the screen; the map is as wide as the canvas is. */
  function toScreen({ x, y }) {
    const { width, height } = size();
    return [width / 2 + (x - view.x) * width * 0.92 * view.scale, height / 2 + (y - view.y) * Math.max(height * 0.92, side()) * view.scale];
  }
  function toMap(px, py) {
    const { width, height } = size();
    return [view.x + (px - width / 2) / (width * 0.92 * view.scale), view.y + (py - height / 2) / (Math.max(height * 0.92, side()) * view.scale)];
  }

  function later() {
    if (!frame) frame = requestAnimationFrame(paint);
  }

  function paint() {
    frame = 0;
    const { width, height } = size();
    if (!width) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (node.width !== Math.round(width * ratio) || node.height !== Math.round(height * ratio)) {
      node.width = Math.round(width * ratio);
      node.height = Math.round(height * ratio);
    }
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, width, height);
    const style = getComputedStyle(node);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = style.fontFamily;
    for (const point of points) {
      const [x, y] = toScreen(point);
      if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
      const chosen = glowing !== null && point.theme === glowing;
      ink.globalAlpha = glowing === null || chosen ? 0.75 : 0.15;
      ink.fillStyle = colour(`--map-${point.theme < 0 ? 0 : 1 + (point.theme % 6)}`);
      ink.beginPath();
      ink.arc(x, y, (1.6 + 4 * Math.sqrt(point.n / most)) * Math.min(2, view.scale ** 0.35), 0, 7);
      ink.fill();
    }
    ink.globalAlpha = 1;
    const taken = [];
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.lineJoin = "round";
    ink.strokeStyle = colour("--surface");
    const label = (text, x, y, weight, px, fill, sure = false) => {
      ink.font = `${weight} ${px}px ${font}`;
      const half = ink.measureText(text).width / 2 + 5;
      const box = [x - half, y - px * 0.8, x + half, y + px * 0.8];
      if (!sure && (box[0] < 2 || box[2] > width - 2 || box[1] < 2 || box[3] > height - 2)) return false;
      if (!sure && taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) return false;
      taken.push(box);
      ink.lineWidth = 4;
      ink.strokeText(text, x, y);
      ink.fillStyle = fill;
      ink.fillText(text, x, y);
      return true;
    };
    if (lit) label(lit.label, ...offset(lit), 600, 14, colour("--ink"), true);
    if (view.scale < 4) for (const theme of themes) label(theme.label, ...toScreen(theme), 650, 14, colour("--ink"));
    let drawn = 0;
    for (const point of points) {
      if (drawn >= LABELS * Math.min(1, view.scale / 3)) break;
      const [x, y] = offset(point);
      if (x < 0 || y < 0 || x > width || y > height || point === lit) continue;
      if (label(point.label, x, y, 400, 12, colour("--ink-2"))) drawn += 1;
    }
  }

  function offset(point) {
    const [x, y] = toScreen(point);
    return [x, y - 12];
  }

  function nearest(px, py, reach = REACH) {
    let best = null;
    let least = reach ** 2;
    for (const point of points) {
      const [x, y] = toScreen(point);
      const far = (x - px) ** 2 + (y - py) ** 2;
      if (far < least) [least, best] = [far, point];
    }
    return best;
  }

  function go(x, y, scale) {
    view = { x: clamp(x, 0, 1), y: clamp(y, 0, 1), scale: clamp(scale, NEAREST, DEEPEST) };
    later();
  }

  function fly(x, y, scale) {
    if (calm()) return go(x, y, scale);
    const from = { ...view };
    const began = performance.now();
    const step = (now) => {
      const t = clamp((now - began) / 260, 0, 1);
      const e = 1 - (1 - t) ** 3;
      go(from.x + (x - from.x) * e, from.y + (y - from.y) * e, from.scale * (clamp(scale, NEAREST, DEEPEST) / from.scale) ** e);
      if (t < 1) requestAnimationFrame(step);
    };
    return requestAnimationFrame(step);
  }

  function zoomAt(px, py, factor) {
    const [mx, my] = toMap(px, py);
    const scale = clamp(view.scale * factor, NEAREST, DEEPEST);
    const kept = view.scale / scale;
    go(mx + (view.x - mx) * kept, my + (view.y - my) * kept, scale);
  }

  const pointers = new Map();
  let dragged = 0;
  const where = (event) => {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    pointers.set(event.pointerId, where(event));
    dragged = pointers.size > 1 ? 100 : 0;
    node.setPointerCapture(event.pointerId);
  });
  node.addEventListener("pointermove", (event) => {
    const at = where(event);
    const before = pointers.get(event.pointerId);
    if (!before) return light(nearest(...at));
    const others = [...pointers.entries()].filter(([id]) => id !== event.pointerId);
    if (others.length) {
      const other = others[0][1];
      const middle = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
      zoomAt(...middle, apart(at, other) / Math.max(apart(before, other), 1));
    } else {
      dragged += Math.abs(at[0] - before[0]) + Math.abs(at[1] - before[1]);
      const [ax, ay] = toMap(...before);
      const [bx, by] = toMap(...at);
      go(view.x + ax - bx, view.y + ay - by, view.scale);
    }
    pointers.set(event.pointerId, at);
    return undefined;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    node.addEventListener(name, (event) => {
      const had = pointers.delete(event.pointerId);
      if (!had || name === "pointercancel" || dragged > 6) return;
      const point = nearest(...where(event));
      if (point) act.choose(point);
    });
  }
  node.addEventListener("pointerleave", () => light(null));
  node.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(...where(event), Math.exp(-clamp(event.deltaY, -200, 200) / 300));
  }, { passive: false });
  node.addEventListener("keydown", (event) => {
    const step = 0.12 / view.scale;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) go(view.x + by[0], view.y + by[1], view.scale);
    else if (event.key === "+" || event.key === "=") go(view.x, view.y, view.scale * 1.4);
    else if (event.key === "-") go(view.x, view.y, view.scale / 1.4);
    else if (event.key === "Home") go(0.5, 0.5, 1);
    else if (event.key === "Enter" && lit) return act.choose(lit);
    else return undefined;
    event.preventDefault();
    return light(nearest(size().width / 2, size().height / 2, 1e6));
  });
  node.addEventListener("blur", () => light(null));

  function light(point) {
    if (point === lit) return;
    lit = point;
    node.classList.toggle("is-pointing", Boolean(point));
    act.hover(point);
    later();
  }

  new ResizeObserver(later).observe(node);
  new MutationObserver(later).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);

  return {
    node,
    zoom: (factor) => fly(view.x, view.y, view.scale * factor),
    home: () => fly(0.5, 0.5, 1),
    show: (theme) => fly(theme.x, theme.y, Math.max(view.scale, 2.5)),
    glow(theme) {
      glowing = theme ? data.themes.findIndex((other) => other === theme) : null;
      later();
    },
    /** The best known title that begins with, or has, these words; the map goes there. */
    find(text) {
      const wanted = line(text).toLowerCase();
      if (!wanted) return null;
      const found = points.find((point) => point.label.toLowerCase().startsWith(wanted)) ?? points.find((point) => point.label.toLowerCase().includes(wanted));
      if (found) {
        fly(found.x, found.y, Math.max(view.scale, 6));
        light(found);
      }
      return found ?? null;
    },
  };
}

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
