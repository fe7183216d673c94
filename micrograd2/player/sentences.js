// What is said of an expression: of each step, each edge and each value, in three lines {over, main, more}; and what is
// asked.

import {html, num, range, shorten, signClass} from "./page.js";
import {appears, flow, names, nodes, numbers, operatorText, results, root, seed} from "./expression.js";
import {whichSign} from "./asking.js";

/** A name as it stands before ".grad". */
const ownerName = i => (names[i].includes(" ") ? `(${names[i]})` : names[i]);
export const resultName = () => (nodes[root].label ? names[root] : "the result");
const colouredNumber = x => html("b", {class: signClass(x)}, num(x));

export function stepLines(step, offer) {
  if (step === 0)
    return {
      over: "Before anything is computed",
      main: ["An expression, as a graph"],
      more: [
        "Each card is a value; arrows lead from operands to results. First the numbers, forward; then the " +
          "gradients, backward. Press play, or the right arrow key. ",
        offer,
      ],
    };
  if (step === 1) return leafLines();
  if (step < seed) return resultLines(results[step - 2]);
  if (step === seed)
    return {
      over: "Backward: the start",
      main: [`${ownerName(root)}.grad = `, colouredNumber(1)],
      more: [
        `How fast does ${resultName()} change with each value? With itself, at rate 1: its own gradient is 1. ` +
          "From here the gradient flows back, edge by edge.",
      ],
    };
  return edgeLines(flow[step - seed - 1], true);
}

function leafLines() {
  const leaves = range(nodes.length).filter(i => !nodes[i].args.length);
  const some = leaves.slice(0, 4).map(i => (nodes[i].label ? `${names[i]} = ${num(numbers[i])}` : num(numbers[i])));
  return {
    over: "Forward: where it starts",
    main: [some.join(", ") + (leaves.length > 4 ? ", …" : "")],
    more: [`${leaves.length === 1 ? "A leaf" : `${leaves.length} leaves`}: given, not computed.`],
  };
}

function resultLines(i) {
  return {
    over: `Forward: ${results.indexOf(i) + 1} of ${results.length}`,
    main: [`${names[i]} = `, ...makingText(i), html("b", {}, num(numbers[i]))],
    more: ["A result remembers its operation, its operands, and how fast it changes with each of them."],
  };
}

/** How a value was made, with the numbers of its operands. */
function makingText(i) {
  const {symbol, args} = nodes[i],
    texts = args.map(a => num(numbers[a]));
  const sum = parts => (parts.length > 4 ? [...parts.slice(0, 3), "…"] : parts).join(" + ");
  if (!args.length) return [];
  if (symbol === "w·x + b") {
    const n = args.length >> 1,
      bias = args.length % 2 ? [texts.at(-1)] : [];
    return [`${sum(range(n).map(k => `${texts[k]}·${texts[n + k]}`))}${bias.map(b => " + " + b)} = `];
  }
  if (symbol === "Σ") return [`${sum(texts)} = `];
  const operator = args.length < 3 && operatorText(symbol, texts);
  if (operator) return [`${operator} = `];
  const listed = texts.length > 4 ? [...texts.slice(0, 3), "…"] : texts;
  return [`${shorten(symbol, 12)}(${listed.join(", ")}) = `];
}

/** The multiplication on an edge. In its own step, also what the operand had before, and has now. */
export function edgeLines(edge, inStep) {
  const {operand, upstream, local, contribution, before, total} = edge;
  const name = ownerName(operand),
    grad = inStep ? [`${name}.grad: `, num(before), " → ", colouredNumber(total)] : [`${name}.grad`];
  const k = flow.indexOf(edge);
  const product = html(
    "span",
    {class: "product"},
    "+= upstream ",
    colouredNumber(upstream),
    " × local ",
    colouredNumber(local),
    ...(inStep ? [] : [" = ", colouredNumber(contribution)]),
  );
  const more = [`${nodes[edge.result].why} `];
  const earlier = flow.slice(0, k).filter(other => other.operand === operand);
  if (earlier.length && inStep) {
    const parts = [...earlier, edge].map(other => other.contribution);
    const text = "Used more than once, so its contributions add up: ";
    more.push(html("span", {class: "sum"}, text, ...sumTexts(parts, total)));
  }
  return {
    over: `Backward: edge ${k + 1} of ${flow.length}, from ${names[edge.result]} to ${names[operand]}`,
    main: [...grad, "  ", product],
    more,
  };
}

function sumTexts(parts, total) {
  const shown = parts.length > 6 ? parts.slice(-5) : parts;
  const terms = shown.flatMap((x, i) => [
    i ? (x < 0 ? " − " : " + ") : x < 0 ? "−" : "",
    html("b", {class: signClass(x)}, num(Math.abs(x))),
  ]);
  return [...(shown.length < parts.length ? ["… + "] : []), ...terms, " = ", colouredNumber(total)];
}

/** Will what an edge adds be plus or minus? Not asked where a sum passes on what it gets. */
export function contributionSign(edge) {
  if (!edge || edge.local === 1) return null;
  const {operand, result: from, upstream, local, contribution} = edge;
  return whichSign({
    title: `What is added to ${ownerName(operand)}.grad: plus or minus?`,
    words: [[`${names[from]} = `, ...makingText(from), `${num(numbers[from])}. Upstream `, colouredNumber(upstream)]],
    number: ["contribution", flow.indexOf(edge)],
    value: contribution,
    signs: ["plus", "minus"],
    solution: () => `${num(upstream)} × ${num(local)} = ${num(contribution)}.`,
  });
}

export function nodeLines(i, {step, grads, parts}, offer) {
  const node = nodes[i],
    grad = grads[i];
  const known = step >= appears[i] ? [...makingText(i), html("b", {}, num(numbers[i]))] : ["not computed yet"];
  const whole = parts[i].length > 1 ? sumTexts(parts[i], grad) : [colouredNumber(grad ?? 0)];
  const gradText = grad === undefined ? "" : html("span", {class: "product"}, `${ownerName(i)}.grad = `, ...whole);
  const about = node.args.length ? `${node.symbol} of ${node.args.length}` : "a leaf";
  return {
    over: `${node.label || names[i]}: ${about}`,
    main: [`${names[i]} = `, ...known, "  ", gradText],
    more: [
      grad === undefined
        ? "No gradient yet."
        : grad === 0
          ? `A small change of it leaves ${resultName()} as it is.`
          : Number.isNaN(grad)
            ? "No number says what a change of it does."
            : `Raising it by a little ${grad > 0 ? "raises" : "lowers"} ${resultName()} by ${num(Math.abs(grad))} ` +
              `times as much.`,
      offer,
    ],
  };
}
