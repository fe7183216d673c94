// The page of an expression that its visitor types, with its numbers beside it: played as soon as it is understood.
//
// The numbers of the names stand in fields; a line such as a = 2 goes there, too. The address carries both, as text.

import {byId, data, html, typedNumber} from "./page.js";
import {change, compute, firstFailure, nodes, numbers} from "./expression.js";
import {perform} from "./graph.js";
import {Fault, parse} from "./parse.js";

const TRIES = {
  "a value used twice": "C = (a*b + a)**2; a = 2; b = -1.5",
  "ways that cancel": "y = x*x - x; x = 0.5",
  "a neuron": "z = dot([w0, w1], [x0, x1], b)\nC = (sigmoid(z) - 1)**2; w0 = 0.5; w1 = 1.5; x0 = 2; x1 = -1; b = 1",
  "tanh by hand": "e = exp(2*x)\ny = (e - 1)/(e + 1); x = 0.8",
  "which is larger?": "y = maximum(a, b) * a; a = 2; b = 3",
  "cross-entropy": "C = logsumexp([s0, s1, s2]) - s1; s0 = 2; s1 = 1; s2 = -1",
};
const table = {};
for (const [name, row] of Object.entries(data.table))
  table[name] = {...row, rows: Object.fromEntries(Object.entries(row.rows).map(([count, i]) => [count, rows[i]]))};

const functions = Object.keys(table).filter(name => /^\p{L}{2}/u.test(name) && name !== "neg");
const invite = `Type + - * / **, ${functions.slice(0, 4).join(", ")} …, and lines such as c = a*b.`;

const chosen = new Map(), // the numbers that somebody gave to names, kept while names come and go
  starts = new Map(), // those that names have until then
  inputs = new Map();
let understood = null, // what was typed, parsed
  played = null, // the same, once it is on the stage
  opened = "", // the text that was put in last, not typed
  isFaulty = false, // whether what stands in the fields has no picture
  ownText = null; // the text in the address for what the page came with

const area = html("textarea", {
  id: "typed",
  rows: 1,
  spellcheck: "false",
  autocomplete: "off",
  autocapitalize: "off",
  "aria-label": "expression",
  title: `+ - * / **, ${functions.join(", ")}`,
  "aria-describedby": "fault",
});
const fields = html("span", {class: "numbers", role: "group", "aria-label": "numbers"}),
  fault = html("p", {id: "fault", role: "status"}),
  tries = html("select", {"aria-label": "examples"}, html("option", {value: ""}, "examples …"));
tries.append(...Object.keys(TRIES).map(name => html("option", {}, name)));
byId("choices").replaceChildren(area, fields, tries, fault);
byId("choices").hidden = false;
byId("choices").setAttribute("aria-label", "what is played");

/** Another text: the numbers that it gives go to their fields, and what is left is to be typed. */
function open(text) {
  opened = text;
  area.value = text;
  const {givens, nodes: parts} = understand() ?? {givens: [], nodes: []};
  let left = text;
  for (const {from, to} of [...givens].reverse()) left = left.slice(0, from) + left.slice(to);
  left = left.replace(/^[;\s]+|[;\s]+$/g, "");
  if (left && givens.length) {
    for (const {label, args, data: x} of parts) if (label && !args.length && x !== undefined) chosen.set(label, x);
    area.value = left;
  } // but a number alone is an expression, too
  read();
}

/** What stands in the field, parsed; null where that cannot be, and then the page says why. */
function understand() {
  area.rows = Math.min(5, area.value.split("\n").length);
  try {
    return parse(area.value, table, data.most);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return refuse(error.message, error);
  }
}

/** What stands in the field is given its numbers, and played. */
function read() {
  understood = understand();
  if (!understood) return;
  const leaves = understood.nodes.filter(({label, args}) => label && !args.length);
  for (const {label, data: x} of leaves) if (x !== undefined) chosen.set(label, x);
  for (const name of starts.keys()) if (!leaves.some(({label}) => label === name)) starts.delete(name);
  for (const {label} of leaves) {
    let start = 0.5; // and not 1, along which nothing can be told apart
    while ([...starts.values()].includes(start)) start++;
    if (!chosen.has(label) && !starts.has(label)) starts.set(label, start);
    if (!inputs.has(label)) inputs.set(label, field(label));
  }
  fields.replaceChildren(...leaves.map(({label}) => inputs.get(label).parentNode));
  fill();
  evaluate();
}

const numberOf = name => chosen.get(name) ?? starts.get(name);

/** The number of a name; the arrows up and down change it a little. */
function field(name) {
  const input = html("input", {type: "text", inputmode: "decimal", size: 6, "aria-label": name});
  const put = text => {
    chosen.set(name, typedNumber(text));
    evaluate();
  };
  input.oninput = () => put(input.value);
  input.onblur = fill;
  input.onkeydown = event => {
    const by = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!by) return;
    event.preventDefault();
    put(String(Number((numberOf(name) + by * 0.1).toPrecision(12))));
    input.value = numberOf(name);
  };
  html("label", {}, html("b", {}, name), " = ", input);
  return input;
}

/** The fields hold the numbers that are there now, but for the one that is being typed. */
function fill() {
  for (const [name, input] of inputs)
    if (input !== document.activeElement && input.isConnected) input.value = numberOf(name);
}

/** The numbers of the fields are put in; as long as it is the same expression, its picture stays. */
function evaluate() {
  if (!understood) return;
  const {nodes: parts, notes} = understood,
    leaves = parts.map(({label, args, data: x}) => (label && !args.length ? numberOf(label) : x)),
    unknown = parts.find(({args}, i) => !args.length && !Number.isFinite(leaves[i]));
  if (unknown) return refuse(`${unknown.label} has no number.`, spot(unknown));
  const pass = compute(parts, leaves),
    bad = firstFailure(parts, pass);
  if (bad) return refuse(engineMessage(bad, pass), spot(parts[bad.i]));
  fault.replaceChildren(notes);
  dim(false);
  if (played === understood) {
    change(leaves);
    page.player.again();
    return;
  }
  const first = !played;
  played = understood;
  perform(
    parts.map((node, i) => ({...node, data: leaves[i]})),
    {invite, follow, address: {text: {text: true, get: addressText, set: text => text !== opened && open(text)}}},
  );
  if (!first) page.player.go(Infinity); // what was typed is seen at once, with all its gradients
}

/** A leaf that was dragged in the picture is another number in its field. */
function follow() {
  if (isFaulty) return; // the picture is older than the fields then, and is only drawn anew
  nodes.forEach(({label, args}, i) => {
    if (label && !args.length && numberOf(label) !== numbers[i]) chosen.set(label, numbers[i]);
  });
  fill();
}

/** All that is needed to have this again, as one text; null where that is the page's own. */
function addressText() {
  const names = [...inputs].filter(([, input]) => input.isConnected).map(([name]) => name);
  const text = [area.value.trim(), ...names.map(name => `${name} = ${numberOf(name)}`)].join("\n");
  return text === ownText ? null : text;
}

/** As the engine says it: an operation, its operands with their names, and what there is not. */
function engineMessage({i, missing}, pass) {
  const {op, args} = understood.nodes[i];
  const operands = args.map(a => {
    const {label} = understood.nodes[a];
    return label ? `${label}=${pass.numbers[a]}` : String(pass.numbers[a]);
  });
  const overflows = ["+", "-", "*", "sum", "dot"].includes(op) || (op === "/" && pass.numbers[args[1]] !== 0);
  const what = missing === "slope" ? "has no derivative" : overflows ? "is too large for a number" : "has no value";
  return `${op} of ${operands.join(", ")} ${what}.`;
}

const spot = ({at, word}) => ({at, letters: word.length});

/** Says what is wrong, and marks it in its line; null. */
function refuse(why, {at, letters}) {
  const text = area.value,
    start = text.lastIndexOf("\n", at - 1) + 1,
    line = text.slice(start).split("\n")[0],
    from = at - start,
    to = from + letters;
  const marked = html("mark", {}, line.slice(from, to) || " ");
  const code = html("code", {}, line.slice(Math.max(0, from - 24), from), marked, line.slice(to, to + 24));
  const row = text.includes("\n") ? `line ${text.slice(0, at).split("\n").length}, ` : "";
  fault.replaceChildren(html("span", {}, why), code, html("small", {}, `${row}letter ${from + 1}`));
  dim(true);
  return null;
}

/** What is on the stage is not what stands in the field: it is dimmed, and cannot be played. */
function dim(wrong) {
  isFaulty = wrong;
  document.body.classList.toggle("faulty", wrong);
  area.setAttribute("aria-invalid", wrong);
  for (const part of [byId("stage"), byId("panel"), byId("zoom"), document.querySelector("footer")]) part.inert = wrong;
  if (wrong && page.player) page.player.pause();
}

area.oninput = read;
area.onchange = () => open(area.value);
tries.onchange = () => {
  if (tries.value) open(TRIES[tries.value]);
  tries.value = "";
};
const textOfAddress = new URLSearchParams(location.hash.slice(1)).get("text");
open(textOfAddress ?? data.text);
if (textOfAddress === null) ownText = addressText();
page.open = open;
