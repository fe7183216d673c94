// The expression that is played: its numbers forward, its gradients backward, edge by edge, and the names in it.
//
// A node is {label, symbol, why, args, row, data}: `args` are the places of its operands, `row` is how it is computed.
// Steps: 0 the empty graph · 1 all leaves · then one result after the other · the result's own gradient, 1 · the flow.
// A pass is {numbers, locals}. As given it may be the engine's own; once a leaf is changed, all is computed anew.

import {num, range} from "./page.js";

export let nodes, // operands before results
  root,
  results, // the nodes that are no leaves
  seed, // the step in which the result gets its own gradient
  appears, // the step in which each number does
  names,
  given, // the pass at the start
  numbers, // now, and the local derivatives along the edges of every node
  locals,
  gradients,
  flow; // the backward pass, edge by edge

/** Another expression; `enginePass` is its pass as the engine has it, if it has: {numbers, locals}. */
export function load(expression, enginePass = null) {
  nodes = expression;
  root = nodes.length - 1;
  results = range(nodes.length).filter(i => nodes[i].args.length);
  seed = results.length + 2;
  appears = nodes.map(({args}, i) => (args.length ? results.indexOf(i) + 2 : 1));
  given = enginePass ?? compute(nodes, nodes.map(node => node.data));
  put(given);
}

function put(pass) {
  ({numbers, locals} = pass);
  names = namesOf(nodes, numbers);
  ({grads: gradients, flow} = backward(pass));
}

// The arithmetic

/** The pass for these numbers of the leaves: every number, and the local derivatives along its edges. */
export function compute(nodes, leaves) {
  const numbers = [],
    locals = [];
  nodes.forEach(({args, row}, i) => {
    const operands = args.map(a => numbers[a]);
    numbers.push(args.length ? row.value(...operands) : leaves[i]);
    locals.push(args.length ? row.local(numbers[i], ...operands) : []);
  });
  return {numbers, locals};
}

/** The same, or the pass as given if the leaves are as given. */
export function forward(leaves) {
  const same = leaves.every((x, i) => Object.is(x, given.numbers[i]) || nodes[i].args.length);
  return same ? given : compute(nodes, leaves);
}

/** The backward pass, edge by edge: upstream × local = contribution, and what the operand had before and has then. */
function backward({locals}) {
  const grads = [],
    steps = [];
  grads[root] = 1;
  for (const i of [...results].reverse())
    nodes[i].args.forEach((operand, k) => {
      const before = grads[operand] ?? 0,
        contribution = grads[i] * locals[i][k];
      grads[operand] = before + contribution;
      const [upstream, local, total] = [grads[i], locals[i][k], grads[operand]];
      steps.push({operand, result: i, upstream, local, contribution, before, total});
    });
  return {grads, flow: steps};
}

/** The first operation that has no finite number or slope, though its operands do: {i, missing}, or null. */
export function firstFailure(nodes, {numbers, locals}) {
  const finite = i => Number.isFinite(numbers[i]);
  const i = nodes.findIndex(
    ({args}, r) => args.length && args.every(finite) && !(finite(r) && locals[r].every(Number.isFinite)),
  );
  return i < 0 ? null : {i, missing: finite(i) ? "slope" : "value"};
}

/** Puts other numbers at the leaves; why that cannot be, or "". */
export function change(leaves) {
  const then = forward(leaves),
    why = then === given ? null : firstFailure(nodes, then);
  if (why) return `${names[why.i]} has no ${why.missing} there.`;
  put(then);
  return "";
}

// Names

const LETTERS = 22; // of a name, at most

/** A short name for each node: its label, or the number that it is now if it is a leaf, or how it was made. */
function namesOf(nodes, numbers) {
  const names = [];
  for (const [i, node] of nodes.entries()) {
    const operands = node.args.map(a => names[a]);
    const letters = text => [...text].length;
    let name = shortLabel(node.label);
    if (!name && !operands.length) name = num(numbers[i]);
    if (!name) {
      name = nameAsMade(node, operands);
      if (letters(name) > LETTERS) name = nameAsMade(node, operands.map(text => (letters(text) <= 8 ? text : "…")));
      if (letters(name) > LETTERS) name = `${node.symbol} of ${operands.length}`;
    }
    names.push(name);
  }
  return names;
}

function nameAsMade({symbol}, operands) {
  if (symbol.includes(" ")) return symbol; // w·x + b
  const parts = operands.map(name => (name.includes(" ") ? `(${name})` : name));
  return operatorText(symbol, parts) || (symbol === "−" ? symbol + parts[0] : `${symbol}(${operands.join(", ")})`);
}

/** An operator between its operands, or a power of one, which may be names or numbers; "" for what is a function. */
export function operatorText(symbol, [a, b]) {
  if (isPower(symbol)) return whole(a) + symbol.slice(1);
  if (b === undefined || /^\p{L}/u.test(symbol)) return "";
  return `${symbol === "**" ? whole(a) : a} ${symbol} ${/[*/]/.test(symbol) ? whole(b) : b}`;
}

/** In brackets, if it is more than a word, a number, or what a function gives: (−3)², (1.5·10⁵)², (a²)³. */
const whole = text => (/^[\p{L}\p{Nd}₀-₉_.…[\]]*(\(.*\))?$/u.test(text) ? text : `(${text})`);

/** Whether it raises its one operand to a plain number: x², x^0.5. */
const isPower = symbol => /^x[⁻⁰¹²³⁴-⁹^]/.test(symbol);

/** A label at most so long; of a parameter the end, since it is what tells it apart. */
function shortLabel(label) {
  const letters = [...label];
  if (letters.length <= LETTERS) return label;
  if (!/^[\p{L}\p{N}_.[\]]+$/u.test(label) || !label.includes(".")) return letters.slice(0, LETTERS - 1).join("") + "…";
  return "…" + letters.slice(1 - LETTERS).join("").replace(/^[\p{L}\p{N}_]*(?=[[.])/u, "");
}
