// Words that matched, marked in a text: pieces of text, never markup.

import { el } from "./dom.js";

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/**
 * A text as nodes, with the words that matched in <mark>; also longer words that begin with one of them.
 * @param {string} text @param {Array<string>} words
 */
export function highlighted(text, words) {
  const wanted = words.flatMap((word) => plain(word).split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 1);
  if (!wanted.length) return [document.createTextNode(text)];
  return text.split(/([\p{L}\p{N}\p{M}'’]+)/u).filter(Boolean).map((piece) => {
    const own = plain(piece);
    const hit = wanted.some((word) => own === word || (word.length > 3 && own.startsWith(word.slice(0, Math.max(4, word.length - 1)))));
    return hit ? el("mark", { text: piece }) : document.createTextNode(piece);
  });
}
