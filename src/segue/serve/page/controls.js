// The controls beside the list: length, years, how well known, order, artists.

import { el, set } from "./dom.js";
import { line, placeOf, sentence } from "./words.js";

const DECADES = [1960, 1970, 1980, 1990, 2000, 2010, 2020];
const CAPS = [[0, "Any number"], [1, "1 song each"], [2, "At most 2"], [3, "At most 3"], [5, "At most 5"]];
const ORDERS = [["ranked", "As ranked"], ["smooth", "Smooth"], ["arc", "Energy arc"]];
const NUMBER = { type: "number", inputmode: "numeric", class: "number-input" };

/** How well known the tracks are, in words. */
export function adventureInWords(value) {
  if (!value) return "As ranked";
  const strength = Math.abs(value) > 0.66 ? "" : Math.abs(value) > 0.33 ? "More " : "Slightly more ";
  const what = value < 0 ? "hits" : "deep cuts";
  return strength ? strength + what : value < 0 ? "Hits" : "Deep cuts";
}

/**
 * @param {HTMLElement} form to fill. @param {function(Object): void} wish is told which wishes change.
 * @returns {function(Object): void} draws a state
 */
export function createControls(form, wish) {
  const said = {};
  const remark = (place) => (said[place] = el("p", { class: "said", hidden: true, id: `said-${place}` }));
  const group = (place, title, ...children) =>
    el("fieldset", { class: "control", "aria-describedby": `said-${place}` }, el("legend", { text: title }), ...children, remark(place));

  const length = el("input", { ...NUMBER, min: 1, max: 500, id: "length", "aria-label": "Length", on: { change: setLength } });
  const units = segmented("unit", [["tracks", "Songs"], ["minutes", "Minutes"]], (unit) => {
    const { n, minutes } = drawn;
    if (unit === "minutes" && !minutes) wish({ minutes: Math.max(10, Math.round((n * 3.5) / 5) * 5) });
    if (unit === "tracks" && minutes) wish({ minutes: 0, n: Math.max(1, Math.round(minutes / 3.5)) });
  });
  let drawn = null;

  function setLength() {
    const value = Math.round(Number(length.value));
    const most = drawn.minutes ? 1440 : 500;
    if (!(value >= 1)) return set(length, "value", String(drawn.minutes || drawn.n));
    wish(drawn.minutes ? { minutes: Math.min(value, most) } : { n: Math.min(value, most) });
    return set(length, "value", String(Math.min(value, most)));
  }

  const from = el("input", { ...NUMBER, min: 0, max: 9999, placeholder: "from", "aria-label": "From year", on: { change: setYears } });
  const to = el("input", { ...NUMBER, min: 0, max: 9999, placeholder: "to", "aria-label": "To year", on: { change: setYears } });
  const decades = DECADES.map((year) =>
    el("button", { type: "button", class: "pill", "aria-pressed": "false", "aria-label": `${year}s`, text: `${String(year).slice(2)}s`, on: { click: () => era(year) } }));

  /** Neighbouring decades grow the era; one inside of it begins anew; the only one takes it back. */
  function era(year) {
    const { from: a, to: b } = drawn;
    if (a === year && b === year + 9) return wish({ from: null, to: null });
    if (a !== null && b !== null && year + 10 === a) return wish({ from: year });
    if (a !== null && b !== null && year === b + 1) return wish({ to: year + 9 });
    return wish({ from: year, to: year + 9 });
  }

  function setYears() {
    const year = (input) => (/^\d{1,4}$/.test(input.value.trim()) ? Number(input.value) : null);
    const [a, b] = [year(from), year(to)];
    wish(a !== null && b !== null && a > b ? { from: b, to: a } : { from: a, to: b });
  }

  const adventure = el("input", {
    type: "range", min: -1, max: 1, step: 0.1, class: "range", id: "adventure", "aria-label": "How well known, from hits to deep cuts",
    on: { input: () => wish({ adventure: Math.round(Number(adventure.value) * 10) / 10 }) },
  });
  const adventureSaid = el("output", { class: "range-said", for: "adventure" });
  const orders = segmented("order", ORDERS, (order) => wish({ order }));
  const cap = el("select", { class: "select", "aria-label": "Songs of one artist", on: { change: () => wish({ cap: Number(cap.value) }) } },
    CAPS.map(([value, text]) => el("option", { value: String(value), text })));
  const clean = toggle("No explicit songs", (on) => wish({ clean: on }));
  const fresh = toggle("Only other artists than those I gave", (on) => wish({ fresh: on }));

  form.addEventListener("submit", (event) => event.preventDefault());
  const years = group("years", "Years", el("div", { class: "pills" }, decades), el("div", { class: "pair" }, from, el("span", { "aria-hidden": "true", text: "–" }), to));
  form.append(
    group("length", "Length", el("div", { class: "pair" }, length, units.node)),
    years,
    group("adventure", "How well known", adventure, el("div", { class: "range-ends", "aria-hidden": "true" }, el("span", { text: "Hits" }), adventureSaid, el("span", { text: "Deep cuts" }))),
    group("order", "Order", orders.node),
    group("cap", "Songs of one artist", cap),
    group("clean", "Leave out", clean.node, fresh.node),
  );

  return function draw(state) {
    const { wishes, model, answer, draft } = state;
    const can = model?.abilities ?? {};
    drawn = wishes;
    if (document.activeElement !== length) set(length, "value", String(wishes.minutes || wishes.n));
    units.draw(wishes.minutes ? "minutes" : "tracks");
    if (document.activeElement !== from) set(from, "value", wishes.from === null ? "" : String(wishes.from));
    if (document.activeElement !== to) set(to, "value", wishes.to === null ? "" : String(wishes.to));
    decades.forEach((pill, i) => {
      const year = DECADES[i];
      const within = wishes.from !== null && wishes.to !== null && wishes.from <= year && year + 9 <= wishes.to;
      set(pill, "aria-pressed", String(within));
    });
    set(years, "disabled", can.years === false);
    set(adventure, "value", String(wishes.adventure));
    set(adventure, "aria-valuetext", adventureInWords(wishes.adventure));
    set(adventureSaid, "text", adventureInWords(wishes.adventure));
    orders.draw(wishes.order);
    orders.disable("arc", can.features === false);
    if (document.activeElement !== cap) set(cap, "value", String(CAPS.some(([value]) => value === wishes.cap) ? wishes.cap : 0));
    clean.draw(wishes.clean, can.explicit === false);
    fresh.draw(wishes.fresh, !wishes.given.length);
    drawRemarks({ answer, draft, wishes, can });
  };

  function drawRemarks({ answer, draft, wishes, can }) {
    const texts = Object.fromEntries(Object.keys(said).map((place) => [place, []]));
    if (can.years === false) texts.years.push("This catalogue knows no years.");
    if (can.explicit === false) texts.clean.push("This catalogue does not say what is explicit.");
    if (can.features === false) texts.order.push("An energy arc needs audio features; this model has none.");
    if (answer.short) {
      const many = draft.tracks.length;
      texts.length.push(wishes.minutes ? "Not enough songs fit to fill that time." : many ? `Only ${many} of ${wishes.n} songs fit what you ask for.` : "No song fits all of this.");
    }
    for (const remarkText of answer.ignored) {
      const place = placeOf(remarkText);
      if (/^only \d+ of \d+/.test(remarkText)) continue; // said above, in the numbers of the page
      texts[place]?.push(sentence(remarkText));
    }
    for (const [place, lines] of Object.entries(texts)) {
      set(said[place], "text", line([...new Set(lines)].join(" ")));
      set(said[place], "hidden", !lines.length);
    }
  }
}

/** A few choices side by side: radio buttons that look like one control. */
export function segmented(name, choices, choose) {
  const inputs = new Map();
  const node = el("div", { class: "segmented" }, choices.map(([value, text]) => {
    const input = el("input", { type: "radio", name, value, on: { change: () => choose(value) } });
    inputs.set(value, input);
    return el("label", {}, input, el("span", { text }));
  }));
  return {
    node,
    draw: (value) => inputs.forEach((input, own) => set(input, "checked", own === value)),
    disable: (value, off) => set(inputs.get(value), "disabled", off),
  };
}

function toggle(text, change) {
  const input = el("input", { type: "checkbox", class: "switch", on: { change: () => change(input.checked) } });
  return {
    node: el("label", { class: "toggle" }, input, el("span", { text })),
    draw(on, off) {
      set(input, "checked", on);
      set(input, "disabled", off);
    },
  };
}
