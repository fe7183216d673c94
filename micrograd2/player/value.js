// An expression: its numbers forward in topological order, then its gradients backward, one edge at a time.
//
// Steps: 0 the empty graph · 1 all leaves · then one result after the other · the result's own gradient, 1 · the flow.
// The numbers as given are the engine's; once a leaf is changed, all are computed anew by its rows, printed above.

import {byId, calm, data, fit, html, legend, num, range, short, sign, signed, squeeze, svg, transport} from "./page.js";
import {dragged, instrument} from "./wiggle.js";
import {quiz, whichSign} from "./asking.js";

const {nodes, layouts, still} = data;
for (const node of nodes) {
  node.data = Number(node.data); // "NaN" and "Infinity" come as text
  node.locals = node.locals.map(Number);
}
const root = nodes.length - 1;
const results = range(nodes.length).filter(i => nodes[i].args.length);
const seed = results.length + 2; // the step in which the result gets its own gradient
const appears = nodes.map((node, i) => (node.args.length ? results.indexOf(i) + 2 : 1)); // the step of each number
const given = {numbers: nodes.map(node => node.data), locals: nodes.map(node => node.locals)};
const name = i => nodes[i].name;
const owner = i => (name(i).includes(" ") ? `(${name(i)})` : name(i));
const result = nodes[root].label ? name(root) : "the result";

// The arithmetic

/** Every number, and the local derivatives along its edges, for these numbers of the leaves. */
function forward(leaves) {
  if (leaves.every((x, i) => Object.is(x, given.numbers[i]) || nodes[i].args.length)) return given;
  const numbers = [],
    locals = [];
  nodes.forEach(({args, row}, i) => {
    const operands = args.map(a => numbers[a]);
    numbers.push(args.length ? rows[row].value(...operands) : leaves[i]);
    locals.push(args.length ? rows[row].local(numbers[i], ...operands) : []);
  });
  return {numbers, locals};
}

/** The backward pass, edge by edge: upstream × local = adds, and what the operand had before and has then. */
function backward({locals}) {
  const grads = [],
    steps = [];
  grads[root] = 1;
  for (const i of [...results].reverse())
    nodes[i].args.forEach((operand, k) => {
      const before = grads[operand] ?? 0,
        adds = grads[i] * locals[i][k];
      grads[operand] = before + adds;
      steps.push({operand, result: i, upstream: grads[i], local: locals[i][k], adds, before, total: grads[operand]});
    });
  return {grads, flow: steps};
}

/** The first operation that has no finite number or slope, though its operands do; "" if there is none. */
function failed({numbers, locals}) {
  const finite = i => Number.isFinite(numbers[i]);
  const i = results.find(r => nodes[r].args.every(finite) && !(finite(r) && locals[r].every(Number.isFinite)));
  if (i === undefined) return "";
  return `${name(i)} has no ${finite(i) ? "slope" : "value"} there.`;
}

let {numbers} = given;
let {grads: gradients, flow} = backward(given);

/** Puts other numbers at the leaves; why that cannot be, or "". */
function change(leaves) {
  const then = forward(leaves),
    why = then === given ? "" : failed(then);
  if (why) return why;
  numbers = then.numbers;
  ({grads: gradients, flow} = backward(then));
  return "";
}

// The picture

let drawing = null; // what is drawn now: the layout, and the elements by node and by edge
let zoom = null; // so many pixels of the screen for one of the layout, if it was chosen

function draw(layout) {
  const picture = svg("svg", {viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group"});
  picture.setAttribute("aria-label", `the expression that made ${result}, ${nodes.length} values`);
  const size = {markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse"};
  const tip = svg("path", {d: "M0 0.8L8 4L0 7.2z"});
  const marker = svg("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 7.5, refY: 4, orient: "auto", ...size}, tip);
  picture.append(svg("defs", {}, marker));
  byId("stage").replaceChildren(picture);
  const edges = flow.map((_, k) => {
    const edge = drawEdge(layout.edges[k]);
    peeks(edge, () => edgeTold(flow[k], false));
    picture.append(edge);
    return edge;
  });
  const cards = nodes.map((node, i) => {
    const card = drawCard(node, i, layout.nodes[i]);
    picture.append(card);
    for (const text of card.querySelectorAll("text.name")) fit(text, node.width - 16 - node.inset);
    for (const text of card.querySelectorAll(".symbol")) squeeze(text, node.inset - 6);
    peeks(card, () => nodeTold(i));
    if (!node.args.length && !still) holds(card, i);
    return card;
  });
  const pulse = svg("g", {class: "pulse"}, svg("rect", {y: -10.5, height: 21, rx: 10.5}), svg("text", {y: 4}));
  picture.append(pulse);
  drawing = {layout, picture, edges, cards, pulse};
}

function drawEdge(d) {
  const paths = ["forward", "lit", "touch"].map(kind => svg("path", {d, class: kind}));
  return svg("g", {class: "edge", tabindex: 0, role: "img"}, ...paths);
}

/** Leaf: round. Operation: square, its symbol in a dark cell. Result: a double frame. */
function drawCard(node, i, [x, y]) {
  const {width, height, inset} = node;
  const kind = (node.args.length ? "op" : "leaf") + (i === root ? " root" : "");
  const card = svg("g", {
    class: `card ${kind}`,
    transform: `translate(${x - width / 2} ${y - height / 2})`,
    tabindex: 0,
    role: node.args.length || still ? "img" : "button",
    "data-node": i,
  });
  const rx = node.args.length ? 4 : 15;
  if (i === root)
    card.append(svg("rect", {class: "frame", x: -4, y: -4, width: width + 8, height: height + 8, rx: rx + 4}));
  card.append(svg("rect", {class: "face", width, height, rx}));
  if (node.args.length) {
    card.append(svg("path", {class: "cell", d: `M${inset} 0H4a4 4 0 0 0 -4 4V${height - 4}a4 4 0 0 0 4 4H${inset}z`}));
    card.append(svg("text", {class: "symbol", x: inset / 2, y: height / 2 + 5}, node.symbol));
  }
  const middle = inset + (width - inset) / 2;
  const title = node.label || node.args.length ? node.name : "";
  let line = title ? 19 : 4;
  if (title) card.append(svg("text", {class: node.label ? "name" : "name made", x: middle, y: line}, title));
  card.append(svg("text", {class: "data", x: middle, y: (line += 19)}));
  card.append(svg("text", {class: "grad", x: middle, y: line + 17}));
  return card;
}

/** Lays out by the shape of the room; smaller than 0.6 cannot be read, then the stage scrolls. */
function place() {
  const stage = byId("stage"),
    room = {width: stage.clientWidth - 32, height: stage.clientHeight - 8}; // its padding
  const fits = layout => Math.min(room.width / layout.width, room.height / layout.height);
  const layout = layouts.reduce((best, other) => (fits(other) > fits(best) * 1.05 ? other : best));
  if (drawing?.layout !== layout) draw(layout);
  const whole = fits(layout),
    scale = zoom === 0 ? whole : (zoom ?? (whole < 0.6 ? 0.7 : Math.min(whole, 1.9)));
  drawing.picture.setAttribute("width", Math.floor(layout.width * scale));
  drawing.picture.setAttribute("height", Math.floor(layout.height * scale));
  const size = (text, told, to) => html("button", {onclick: () => ((zoom = to), place()), "aria-label": told}, text);
  byId("zoom").hidden = whole >= 0.6 && zoom === null;
  byId("zoom").replaceChildren(
    size("−", "smaller", scale / 1.25),
    size(
      zoom === 0 ? "read" : "whole",
      zoom === 0 ? "large enough to read" : "the whole picture",
      zoom === 0 ? null : 0,
    ),
    size("+", "larger", scale * 1.25),
  );
}

/** The gradient that each node has at a step, and what it was added up from; undefined where nothing has come yet. */
function gradsAt(step) {
  const grads = [],
    parts = nodes.map(() => []);
  if (step >= seed) grads[root] = 1;
  for (const edge of flow.slice(0, Math.max(0, step - seed))) {
    grads[edge.operand] = edge.total;
    parts[edge.operand].push(edge.adds);
  }
  return {grads, parts};
}

let player = null,
  now = {step: 0, grads: [], parts: []},
  peeking = null,
  held = null; // the instrument at a leaf, and which

function show(step, moving) {
  now = {step, ...gradsAt(step)};
  const edge = flow[step - seed - 1];
  const feeds = results[step - 2]; // the result that appears now
  drawing.cards.forEach((card, i) => showCard(card, i, edge, feeds));
  const widest = Math.max(...flow.map(({adds}) => Math.abs(adds)).filter(Number.isFinite), 0);
  drawing.edges.forEach((group, k) => showEdge(group, flow[k], step > seed + k, flow[k] === edge, feeds, widest));
  tell(peeking ? peeking() : resting());
  const focus = edge ? edge.operand : (feeds ?? (step >= seed ? root : -1));
  if (focus >= 0) inView(drawing.cards[focus]);
  run(edge, step - seed - 1, moving && !calm.matches);
}

function showCard(card, i, edge, feeds) {
  const {step, grads} = now,
    grad = grads[i],
    known = step >= appears[i],
    room = nodes[i].width - 10 - nodes[i].inset,
    data = card.querySelector(".data"),
    text = card.querySelector(".grad");
  card.classList.toggle("known", known);
  card.classList.toggle("current", step === appears[i] || edge?.operand === i || (step === seed && i === root));
  card.classList.toggle("source", edge?.result === i || (feeds !== undefined && nodes[feeds].args.includes(i)));
  card.classList.toggle("changed", !nodes[i].args.length && !Object.is(numbers[i], given.numbers[i]));
  card.classList.toggle("held", held?.leaf === i);
  data.textContent = num(numbers[i]);
  squeeze(data, room);
  text.textContent = grad === undefined ? "" : `grad ${num(grad)}`;
  text.setAttribute("class", `grad ${sign(grad)}`);
  squeeze(text, room);
  card.setAttribute(
    "aria-label",
    `${nodes[i].label || name(i)}${nodes[i].symbol ? `, ${nodes[i].symbol}` : ""}: ` +
      (known ? num(numbers[i]) : "not computed yet") +
      (grad === undefined ? "" : `, gradient ${num(grad)}`),
  );
}

function showEdge(group, edge, done, current, feeds, widest) {
  const {adds} = edge,
    arriving = edge.result === feeds;
  const state = (done ? " done" : "") + (current ? " current" : "") + (arriving ? " arriving" : "");
  group.setAttribute("class", `edge ${sign(adds)}${state}`);
  const share = widest && Number.isFinite(adds) ? Math.abs(adds) / widest : 1;
  group.querySelector(".lit").style.strokeWidth = adds ? 1.2 + 6.8 * share : 1.2;
  group.setAttribute(
    "aria-label",
    `from ${name(edge.result)} to ${name(edge.operand)}: upstream ` +
      `${num(edge.upstream)} times local ${num(edge.local)} adds ${num(adds)}`,
  );
}

/** The contribution travels along its edge, from the result to the operand, and rests in the middle. */
let running = 0;
function run(edge, k, moving) {
  cancelAnimationFrame(running);
  const {pulse} = drawing;
  pulse.setAttribute("class", edge ? `pulse ${sign(edge.adds)} on` : "pulse");
  if (!edge) return;
  pulse.querySelector("text").textContent = signed(edge.adds);
  const wide = pulse.querySelector("text").getComputedTextLength() + 16;
  pulse.querySelector("rect").setAttribute("width", wide);
  pulse.querySelector("rect").setAttribute("x", -wide / 2);
  const path = drawing.edges[k].querySelector(".lit"),
    length = path.getTotalLength();
  const put = share => {
    const {x, y} = path.getPointAtLength(length * (1 - share));
    pulse.setAttribute("transform", `translate(${x} ${y})`);
  };
  path.style.strokeDasharray = path.style.strokeDashoffset = "";
  if (!moving) return put(0.5);
  const time = 900 / Number(byId("speed").value),
    start = performance.now();
  path.style.strokeDasharray = `${length} ${length}`;
  (function frame(at) {
    const share = Math.min(1, Math.max(0, at - start) / time),
      eased = share * share * (3 - 2 * share);
    put(eased);
    path.style.strokeDashoffset = -length * (1 - eased);
    if (share < 1) running = requestAnimationFrame(frame);
    else {
      path.style.strokeDasharray = path.style.strokeDashoffset = "";
      put(0.5);
    }
  })(start);
}

function inView(card) {
  const stage = byId("stage"),
    box = card.getBoundingClientRect(),
    room = stage.getBoundingClientRect();
  if (box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom) return;
  stage.scrollBy({
    left: box.left + box.width / 2 - room.left - room.width / 2,
    top: box.top + box.height / 2 - room.top - room.height / 2,
    behavior: calm.matches ? "auto" : "smooth",
  });
}

// A leaf, held and changed

/** A click, Enter or Space holds a leaf; a drag sideways, or the arrows up and down, change it at once. */
function holds(card, i) {
  let from = 0,
    pixel = 0;
  card.onclick = () => hold(i);
  card.onkeydown = event => {
    const by = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!by && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (held?.leaf !== i) hold(i);
    if (by) held.put(numbers[i] + by * 0.01 * Math.max(1, Math.abs(given.numbers[i])));
  };
  dragged(
    card,
    () => {
      hold(i);
      from = numbers[i];
      pixel = 0.01 * Math.max(1, Math.abs(from));
    },
    pixels => held.put(from + pixels * pixel),
  );
}

function hold(i) {
  const rival = held && held.leaf !== i ? held.leaf : (held?.rival ?? null);
  if (now.step < seed) player.go(seed + flow.length); // it is about the gradient: let all be there
  const leaf = {
    name: name(i),
    of: result,
    given: given.numbers[i],
    get: () => numbers[i],
    set: x => {
      const why = change(numbers.with(i, x));
      if (!why) player.again();
      return why;
    },
    result: x => forward(numbers.with(i, x)).numbers[root],
    slope: () => gradients[i] ?? 0,
    rival: rival === null ? null : {name: name(rival), slope: () => gradients[rival] ?? 0},
    drop: () => {
      held = null;
      peeking = null;
      player.again();
      drawing.cards[i].focus();
    },
  };
  held = {leaf: i, rival, ...instrument(leaf)};
  player.again();
}

// The panel

function peeks(group, told) {
  const peek = () => {
    peeking = told;
    tell(told());
  };
  const leave = () => {
    peeking = null;
    tell(resting());
  };
  for (const event of ["pointerenter", "focus"]) group.addEventListener(event, peek);
  for (const event of ["pointerleave", "blur"]) group.addEventListener(event, leave);
}

const changed = () => numbers !== given.numbers;

/** What is told in three lines; beside it the instrument, if a leaf is held, which stays the same element. */
function tell({question, verdict, over, main, more}) {
  const lines = html(
    "div",
    {class: "words"},
    verdict ?? "",
    html("p", {class: "over"}, over),
    html("p", {class: "main"}, ...main),
    html("p", {class: "more"}, ...more),
  );
  const words = question ?? lines;
  if (changed()) {
    const back = html("button", {onclick: restore, id: "restore"}, "put all back");
    words.append(html("p", {class: "more"}, "Numbers have been changed. ", back));
  }
  const old = byId("panel").querySelector(".words");
  held?.update();
  if (held && old && held.element.parentNode === byId("panel")) old.replaceWith(words);
  else byId("panel").replaceChildren(words, ...(held ? [held.element] : []));
}

function restore() {
  change(given.numbers);
  held?.update();
  player.again();
}

const coloured = x => html("b", {class: sign(x)}, num(x));

/** What is told while nothing is pointed at: the step, or what is asked before the next. */
const resting = () => ({...stepTold(now.step), ...predict.told(now.step)});

/** Will what an edge adds be plus or minus? Not asked where a sum passes on what it gets. */
function signOf(edge) {
  if (!edge || edge.local === 1) return null;
  const {operand, result: from, upstream, local, adds} = edge;
  return whichSign({
    title: `What is added to ${owner(operand)}.grad: plus or minus?`,
    words: [[`${name(from)} = `, ...made(from), `${num(numbers[from])}. Upstream `, coloured(upstream)]],
    of: ["contribution", flow.indexOf(edge)],
    value: adds,
    signs: ["plus", "minus"],
    told: () => `${num(upstream)} × ${num(local)} = ${num(adds)}.`,
  });
}

function stepTold(step) {
  if (step === 0)
    return {
      over: "Before anything is computed",
      main: ["An expression, as a graph"],
      more: [
        "Each card is a value; arrows lead from operands to results. First the numbers, forward; then the " +
          "gradients, backward. Press play, or the right arrow key. ",
        still || "Take any leaf, and drag it: everything follows.",
      ],
    };
  if (step === 1) return leavesTold();
  if (step < seed) return forwardTold(results[step - 2]);
  if (step === seed)
    return {
      over: "Backward: the start",
      main: [`${owner(root)}.grad = `, coloured(1)],
      more: [
        `How fast does ${result} change with each value? With itself, at rate 1: its own gradient is 1. ` +
          "From here the gradient flows back, edge by edge.",
      ],
    };
  return edgeTold(flow[step - seed - 1], true);
}

function leavesTold() {
  const leaves = range(nodes.length).filter(i => !nodes[i].args.length);
  const some = leaves.slice(0, 4).map(i => (nodes[i].label ? `${name(i)} = ${num(numbers[i])}` : num(numbers[i])));
  return {
    over: "Forward: where it starts",
    main: [some.join(", ") + (leaves.length > 4 ? ", …" : "")],
    more: [`${leaves.length === 1 ? "A leaf" : `${leaves.length} leaves`}: given, not computed.`],
  };
}

function forwardTold(i) {
  return {
    over: `Forward: ${results.indexOf(i) + 1} of ${results.length}`,
    main: [`${name(i)} = `, ...made(i), html("b", {}, num(numbers[i]))],
    more: ["A result remembers its operation, its operands, and how fast it changes with each of them."],
  };
}

/** How a value was made, with the numbers of its operands. */
function made(i) {
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
  if (args.length === 2 && !/[a-z]/.test(symbol)) return [`${texts[0]} ${symbol} ${texts[1]} = `];
  if (symbol.startsWith("x")) return [`${texts[0]}${symbol.slice(1)} = `.replace(/^(−.*?)(?=[⁻⁰¹²³⁴-⁹^])/, "($1)")];
  const listed = texts.length > 4 ? [...texts.slice(0, 3), "…"] : texts;
  return [`${short(symbol, 12)}(${listed.join(", ")}) = `];
}

/** The multiplication on an edge. In its own step, also what the operand had before, and has now. */
function edgeTold(edge, inStep) {
  const {operand, upstream, local, adds, before, total} = edge;
  const grad = inStep ? [`${owner(operand)}.grad: `, num(before), " → ", coloured(total)] : [`${owner(operand)}.grad`];
  const k = flow.indexOf(edge);
  const product = html(
    "span",
    {class: "product"},
    "+= upstream ",
    coloured(upstream),
    " × local ",
    coloured(local),
    ...(inStep ? [] : [" = ", coloured(adds)]),
  );
  const more = [`${nodes[edge.result].why} `];
  const earlier = flow.slice(0, k).filter(other => other.operand === operand);
  if (earlier.length && inStep) {
    const parts = [...earlier, edge].map(other => other.adds);
    const told = "Used more than once, so its contributions add up: ";
    more.push(html("span", {class: "sum"}, told, ...summed(parts, total)));
  }
  return {
    over: `Backward: edge ${k + 1} of ${flow.length}, from ${name(edge.result)} to ${name(operand)}`,
    main: [...grad, "  ", product],
    more,
  };
}

function summed(parts, total) {
  const shown = parts.length > 6 ? parts.slice(-5) : parts;
  const terms = shown.flatMap((x, i) => [
    i ? (x < 0 ? " − " : " + ") : x < 0 ? "−" : "",
    html("b", {class: sign(x)}, num(Math.abs(x))),
  ]);
  return [...(shown.length < parts.length ? ["… + "] : []), ...terms, " = ", coloured(total)];
}

function nodeTold(i) {
  const node = nodes[i],
    {step, grads, parts} = now,
    grad = grads[i];
  const known = step >= appears[i] ? [...made(i), html("b", {}, num(numbers[i]))] : ["not computed yet"];
  const whole = parts[i].length > 1 ? summed(parts[i], grad) : [coloured(grad ?? 0)];
  const told = grad === undefined ? "" : html("span", {class: "product"}, `${owner(i)}.grad = `, ...whole);
  const about = node.args.length ? `${node.symbol} of ${node.args.length}` : "a leaf";
  const offer = node.args.length || still || held?.leaf === i ? "" : " Click it to change it.";
  return {
    over: `${node.label || node.name}: ${about}`,
    main: [`${name(i)} = `, ...known, "  ", told],
    more: [
      grad === undefined
        ? "No gradient yet."
        : grad === 0
          ? `A small change of it leaves ${result} as it is.`
          : `Raising it by a little ${grad > 0 ? "raises" : "lowers"} ${result} by ${num(Math.abs(grad))} times ` +
            `as much.`,
      offer,
    ],
  };
}

// Start

legend(`raising it raises ${result}`, `raising it lowers ${result}`, "width is strength");
place();
const predict = quiz({
  question: k => signOf(flow[k - seed - 1]),
  again: () => player?.again(),
  go: k => player.go(k, true),
});
player = transport({
  last: seed + flow.length,
  show,
  chapters: [
    [0, "graph"],
    [1, "forward"],
    [seed, "backward"],
  ],
  lasts: step => (step === 0 ? 600 : step < seed - 1 ? 700 : 1700),
  ask: predict.ask,
  address: {predict: {get: () => (predict.isOn ? 1 : null), set: predict.turn}},
});
new ResizeObserver(() => {
  place();
  player.again();
}).observe(byId("stage"));
addEventListener("keydown", event => event.key === "Escape" && held && held.drop());

/** For the console, and for whoever drives the page. */
globalThis.page = {
  player,
  nodes,
  get numbers() {
    return numbers;
  },
  get gradients() {
    return nodes.map((_, i) => gradients[i] ?? 0);
  },
  get flow() {
    return flow;
  },
  change,
  hold,
  restore,
  predict,
  fresh: () => (place(), player.again()),
};
