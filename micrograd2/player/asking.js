// Predict first: before a step is shown, a question about it, whose answer stands in the numbers that the step shows.
//
// A question is {title, words, options, right, ...}: `right` is the number of the right option. There are two kinds:
// which of some numbers is the largest in size, and which sign a number has. Neither is ever a tie: numbers that are
// nearly as large as others, or nearly 0, are not asked about. It is off until somebody turns it on.

import {byId, html, num, signClass, signedNum} from "./page.js";

const RATIO = 1.25; // the sizes of candidates differ at least so many times
const SMALL = 1e-6; // what is smaller is as good as nothing

/**
 * Which of some candidates {text, more, number, value} is the largest in size? Asked with up to two others that could
 * be taken for it, those with the largest `tempting`; null where none is clearly the largest. `number` is the name and
 * the place of the value; `quantity()` is what the values are called, `asShown(value)`
 * a gradient as the page shows it, if they are gradients.
 */
export function whichMost({title, words, candidates, quantity, asShown}) {
  const size = ({value}) => Math.abs(value),
    differ = (p, q) => Math.max(size(p), size(q)) > RATIO * Math.min(size(p), size(q)),
    [first, ...others] = candidates.filter(c => Number.isFinite(c.value)).sort((p, q) => size(q) - size(p));
  if (!first || size(first) < SMALL) return null;
  const chosen = [first];
  for (const other of others.sort((p, q) => (q.tempting ?? size(q)) - (p.tempting ?? size(p))))
    if (chosen.length < 3 && chosen.every(one => differ(one, other))) chosen.push(other);
  if (chosen.length < 2) return null;
  const options = candidates.filter(c => chosen.includes(c)); // in their own order, which tells nothing
  return {kind: "most", title, words, options, right: options.indexOf(first), quantity, asShown};
}

/**
 * Which sign has a number? `signs` are what above and below 0 is called; `solution(value)` is the answer in numbers;
 * `among` is the size of what was added up to it, if it is a sum: where nearly all of that cancels, nothing is asked.
 */
export function whichSign({title, words, number, value, signs, solution, among = 0, marks = []}) {
  if (!Number.isFinite(value) || Math.abs(value) < Math.max(SMALL, 0.1 * among)) return null;
  const options = signs.map(text => ({text}));
  return {kind: "sign", title, words, number, value, options, right: Number(value < 0), solution, marks};
}

const KEYS = {"+": 0, ArrowUp: 0, "-": 1, "−": 1, ArrowDown: 1}; // of signs

/**
 * What asks. `question(k)` is that before step k, or null; `again()` draws the page anew; `go(k)` shows a step.
 * `ask(k)`, for the transport, is true if something is asked first; `panelParts(k)` is what stands in the panel at step
 * k: {question, marks}, an element, and the neurons that it names; {verdict}, an element; or {}.
 */
export function quiz({question, again, go}) {
  const button = byId("predict");
  let isOn = false,
    pending = null, // the step before which something is asked
    answered = null, // {step, chosen, asked: the question as text}
    right = 0,
    all = 0;

  function ask(k) {
    const passed = pending === k; // gone on without an answer
    pending = isOn && !passed && question(k) ? k : null;
    byId("panel").scrollTop = 0;
    return pending !== null;
  }

  function answer(chosen) {
    const step = pending,
      asked = question(step);
    all += 1;
    right += Number(chosen === asked.right);
    answered = {step, chosen, asked: JSON.stringify(asked)};
    pending = null;
    byId("panel").scrollTop = 0;
    go(step);
  }

  function turn(on) {
    isOn = Boolean(on);
    pending = answered = null;
    button.setAttribute("aria-pressed", isOn);
    again();
  }

  const score = () => html("span", {class: "score"}, all ? `${right} of ${all} right` : "");

  /** A verdict stands as long as the same would be asked: if a number is changed, or another asked about, it goes. */
  function panelParts(k) {
    const now = pending === k + 1 ? question(pending) : null;
    if (!now) pending = null;
    if (now) return {question: questionElement(now), marks: now.marks ?? now.options.map(({mark}) => mark)};
    const then = answered?.step === k ? question(k) : null;
    if (then && JSON.stringify(then) === answered.asked) return {verdict: verdictElement(then, answered.chosen)};
    return {};
  }

  function questionElement({kind, title, words, options}) {
    const buttons = options.map(({text, more}, i) =>
      html(
        "button",
        {onclick: () => answer(i), "data-key": `answer.${i}`},
        html("kbd", {}, kind === "sign" ? "+−"[i] : String(i + 1)),
        html("span", {}, text),
        html("span", {class: "aside"}, more ?? ""),
      ),
    );
    const keys = kind === "sign" ? "+ or −, ↑ or ↓" : options.map((_, i) => i + 1).join(", ");
    return html(
      "div",
      {class: "words quiz"},
      html("p", {class: "over"}, "Predict first", score()),
      html("h2", {}, title),
      ...words.map(part => html("p", {}, ...[part].flat())),
      html("div", {class: "options", role: "group", "aria-label": title}, ...buttons),
      html("small", {}, `Keys: ${keys}; → passes it by.`),
    );
  }

  const gradientCell = v => html("td", {class: signClass(v)}, signedNum(v));
  function verdictElement(asked, chosen) {
    const {kind, options} = asked,
      isRight = chosen === asked.right;
    const opinion = html("b", {}, isRight ? "✓ Right" : "✗ Not so"),
      which = isRight ? ". " : `: ${options[asked.right].text}. `,
      line = more => html("p", {}, opinion, which, more, score());
    if (kind === "sign") return html("div", {class: "verdict"}, line(asked.solution(asked.value)));
    const rows = options.map(({text, value}, i) =>
      html(
        "tr",
        {class: i === asked.right ? "right" : ""},
        html("td", {}, i === asked.right ? "✓" : i === chosen ? "✗" : ""),
        html("td", {}, text),
        asked.asShown ? gradientCell(asked.asShown(value)) : html("td", {}, num(value)),
      ),
    );
    const head = html("tr", {}, html("th", {}), html("th", {}), html("th", {scope: "col"}, asked.quantity()));
    return html("div", {class: "verdict"}, line(""), html("table", {}, head, ...rows));
  }

  button.onclick = () => turn(!isOn);
  addEventListener("keydown", event => {
    if (pending === null || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("select, textarea, input:not(#scrub)")) return;
    const {kind, options} = question(pending) ?? {options: []},
      chosen = (kind === "sign" ? KEYS[event.key] : undefined) ?? Number(event.key) - 1;
    if (!options[chosen]) return;
    event.preventDefault();
    answer(chosen);
  });
  return {
    ask,
    panelParts,
    turn,
    answer,
    get isOn() {
      return isOn;
    },
    get pending() {
      return pending;
    },
    question,
  };
}
