"use strict";
// An expression: its numbers forward in topological order, then its gradients backward, one edge at a time.
//
// Steps: 0 the empty graph · 1 … N one number after the other · N + 1 the result's own gradient, 1 · then the flow.

const {nodes, flow, layouts} = data;
const SEED = nodes.length + 1,
  LAST = SEED + flow.length,
  ROOT = nodes.length - 1;
for (const node of nodes) node.data = Number(node.data); // "NaN" and "Infinity" come as text
for (const edge of flow) for (const part of ["upstream", "local", "adds", "total"]) edge[part] = Number(edge[part]);
const widest = Math.max(...flow.map(edge => Math.abs(edge.adds)).filter(Number.isFinite), 0);
const name = i => short(nodes[i].label || nodes[i].name, 24);
const owner = i => (name(i).includes(" ") && !nodes[i].label ? `(${name(i)})` : name(i));
const C = nodes[ROOT].label ? name(ROOT) : "the result";

let drawing = null; // what is drawn now: the layout, and the elements by node and by edge

function draw(layout) {
  const root = svg("svg", {viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", "aria-label": "expression"});
  root.append(
    svg(
      "defs",
      {},
      svg(
        "marker",
        {
          id: "arrow",
          viewBox: "0 0 8 8",
          refX: 7.5,
          refY: 4,
          markerWidth: 8,
          markerHeight: 8,
          orient: "auto",
          markerUnits: "userSpaceOnUse",
        },
        svg("path", {d: "M0 0.8L8 4L0 7.2z"}),
      ),
    ),
  );
  $("stage").replaceChildren(root);
  const edges = flow.map((edge, k) => {
    const d = layout.edges[k];
    const group = svg(
      "g",
      {class: "edge", tabindex: 0, role: "img"},
      svg("path", {d, class: "forward"}),
      svg("path", {d, class: "lit"}),
      svg("path", {d, class: "touch"}),
    );
    group.setAttribute(
      "aria-label",
      `from ${name(edge.result)} to ${name(edge.operand)}: upstream ` +
        `${num(edge.upstream)} times local ${num(edge.local)} adds ${num(edge.adds)}`,
    );
    peeks(group, () => edgeTold(edge, false));
    root.append(group);
    return group;
  });
  const cards = nodes.map((node, i) => {
    const card = cardOf(node, i, layout.nodes[i]);
    root.append(card);
    for (const text of card.querySelectorAll("text.name")) fit(text, node.width - 16 - node.inset);
    squeeze(card.querySelector(".data"), node.width - 10 - node.inset);
    for (const text of card.querySelectorAll(".symbol")) squeeze(text, node.inset - 6);
    peeks(card, () => nodeTold(i));
    return card;
  });
  const pulse = svg(
    "g",
    {class: "pulse"},
    svg("rect", {x: -28, y: -10.5, width: 56, height: 21, rx: 10.5}),
    svg("text", {y: 4}),
  );
  root.append(pulse);
  drawing = {layout, root, edges, cards, pulse};
}

/** Leaf: round. Operation: square, its symbol in a dark cell. Result: a double frame. */
function cardOf(node, i, [x, y]) {
  const {width, height, inset} = node;
  const kind = (node.args.length ? "op" : "leaf") + (i === ROOT ? " root" : "");
  const card = svg("g", {
    class: `card ${kind}`,
    transform: `translate(${x - width / 2} ${y - height / 2})`,
    tabindex: 0,
    role: "img",
    "data-node": i,
  });
  const rx = node.args.length ? 4 : 15;
  if (i === ROOT)
    card.append(svg("rect", {class: "frame", x: -4, y: -4, width: width + 8, height: height + 8, rx: rx + 4}));
  card.append(svg("rect", {class: "face", width, height, rx}));
  if (node.args.length) {
    card.append(svg("path", {class: "cell", d: `M${inset} 0H4a4 4 0 0 0 -4 4V${height - 4}a4 4 0 0 0 4 4H${inset}z`}));
    card.append(svg("text", {class: "symbol", x: inset / 2, y: height / 2 + 5}, node.symbol));
  }
  const middle = inset + (width - inset) / 2;
  const title = node.label || (node.args.length ? node.name : "");
  let line = title ? 19 : 4;
  if (title) card.append(svg("text", {class: node.label ? "name" : "name made", x: middle, y: line}, title));
  card.append(svg("text", {class: "data", x: middle, y: (line += 19)}, num(node.data)));
  card.append(svg("text", {class: "grad", x: middle, y: line + 17}));
  return card;
}

function place() {
  const stage = $("stage"),
    room = {width: stage.clientWidth - 32, height: stage.clientHeight - 8}; // its padding
  const fits = layout => Math.min(room.width / layout.width, room.height / layout.height);
  const layout = layouts.reduce((best, other) => (fits(other) > fits(best) * 1.05 ? other : best));
  if (drawing?.layout !== layout) draw(layout);
  const scale = Math.min(Math.max(fits(layout), 0.7), 1.9); // smaller cannot be read: then the stage scrolls
  drawing.root.setAttribute("width", Math.floor(layout.width * scale));
  drawing.root.setAttribute("height", Math.floor(layout.height * scale));
}

/** The gradient that each node has at a step, and what it was added up from; undefined where nothing has come yet. */
function gradsAt(step) {
  const grads = [],
    parts = nodes.map(() => []);
  if (step >= SEED) grads[ROOT] = 1;
  for (const edge of flow.slice(0, Math.max(0, step - SEED))) {
    grads[edge.operand] = edge.total;
    parts[edge.operand].push(edge.adds);
  }
  return {grads, parts};
}

let now = {step: 0, grads: [], parts: []},
  peeking = null;

function show(step, moving) {
  now = {step, ...gradsAt(step)};
  const edge = flow[step - SEED - 1];
  drawing.cards.forEach((card, i) => {
    const grad = now.grads[i],
      text = card.querySelector(".grad");
    card.classList.toggle("known", step > i);
    card.classList.toggle("current", step === i + 1 || edge?.operand === i || (step === SEED && i === ROOT));
    card.classList.toggle("source", edge?.result === i || (step <= nodes.length && nodes[step - 1]?.args.includes(i)));
    text.textContent = grad === undefined ? "" : `grad ${num(grad)}`;
    text.setAttribute("class", `grad ${sign(grad)}`);
    squeeze(text, nodes[i].width - 10 - nodes[i].inset);
    card.setAttribute(
      "aria-label",
      `${name(i)}${nodes[i].symbol ? `, ${nodes[i].symbol}` : ""}: ` +
        (step > i ? num(nodes[i].data) : "not computed yet") +
        (grad === undefined ? "" : `, gradient ${num(grad)}`),
    );
  });
  drawing.edges.forEach((group, k) => {
    const {adds} = flow[k],
      lit = step > SEED + k;
    group.setAttribute(
      "class",
      `edge ${sign(adds)}${lit ? " done" : ""}${flow[k] === edge ? " current" : ""}` +
        (step <= nodes.length && flow[k].result === step - 1 ? " arriving" : ""),
    );
    const share = widest && Number.isFinite(adds) ? Math.abs(adds) / widest : 1;
    group.querySelector(".lit").style.strokeWidth = adds ? 1.2 + 6.8 * share : 1.2;
  });
  if (!peeking) tell(stepTold(step));
  const focus = edge ? edge.operand : step ? Math.min(step, nodes.length) - 1 : -1;
  if (focus >= 0) inView(drawing.cards[focus]);
  run(edge, step - SEED - 1, moving && !calm.matches);
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
  const time = 900 / Number($("speed").value),
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
  const stage = $("stage"),
    box = card.getBoundingClientRect(),
    room = stage.getBoundingClientRect();
  if (box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom) return;
  stage.scrollBy({
    left: box.left + box.width / 2 - room.left - room.width / 2,
    top: box.top + box.height / 2 - room.top - room.height / 2,
    behavior: calm.matches ? "auto" : "smooth",
  });
}

// The panel

function peeks(group, told) {
  const peek = () => {
    peeking = told;
    tell(told());
  };
  const leave = () => {
    peeking = null;
    tell(stepTold(now.step));
  };
  for (const event of ["pointerenter", "focus"]) group.addEventListener(event, peek);
  for (const event of ["pointerleave", "blur"]) group.addEventListener(event, leave);
}

function tell({over, main, more}) {
  $("panel").replaceChildren(
    html("p", {class: "over"}, over),
    html("p", {class: "main"}, ...main),
    html("p", {class: "more"}, ...more),
  );
}

const coloured = x => html("b", {class: sign(x)}, num(x));

function stepTold(step) {
  if (step === 0)
    return {
      over: "Before anything is computed",
      main: ["An expression, as a graph"],
      more: [
        "Each card is a value; arrows lead from operands to results. First the numbers, forward; then the " +
          "gradients, backward. Press play, or the right arrow key.",
      ],
    };
  if (step <= nodes.length) return forwardTold(step - 1);
  if (step === SEED)
    return {
      over: "Backward: the start",
      main: [`${owner(ROOT)}.grad = `, coloured(1)],
      more: [
        `How fast does ${C} change with each value? With itself, at rate 1: its own gradient is 1. ` +
          "From here the gradient flows back, edge by edge.",
      ],
    };
  return edgeTold(flow[step - SEED - 1], true);
}

function forwardTold(i) {
  const node = nodes[i];
  const main = [`${name(i)} = `, ...made(i), html("b", {}, num(node.data))];
  return {
    over: `Forward: ${i + 1} of ${nodes.length}`,
    main,
    more: [
      node.args.length
        ? "A result remembers its operation, its operands, and how fast it changes with each of them."
        : "A leaf: a number that nothing was computed for.",
    ],
  };
}

/** How a value was made, with the numbers of its operands. */
function made(i) {
  const {symbol, args} = nodes[i],
    numbers = args.map(a => num(nodes[a].data));
  const sum = parts => (parts.length > 4 ? [...parts.slice(0, 3), "…"] : parts).join(" + ");
  if (!args.length) return [];
  if (symbol === "w·x + b") {
    const n = args.length >> 1,
      bias = args.length % 2 ? [numbers.at(-1)] : [];
    return [`${sum([...Array(n).keys()].map(k => `${numbers[k]}·${numbers[n + k]}`))}${bias.map(b => " + " + b)} = `];
  }
  if (symbol === "Σ") return [`${sum(numbers)} = `];
  if (args.length === 2 && !/[a-z]/.test(symbol)) return [`${numbers[0]} ${symbol} ${numbers[1]} = `];
  if (symbol.startsWith("x")) return [`${numbers[0]}${symbol.slice(1)} = `.replace(/^(−.*?)(?=[⁻⁰¹²³⁴-⁹^])/, "($1)")];
  return [
    `${short(symbol, 12)}(${numbers.length > 4 ? [...numbers.slice(0, 3), "…"].join(", ") : numbers.join(", ")}) = `,
  ];
}

/** The multiplication on an edge. In its own step, also what the operand had before, and has now. */
function edgeTold(edge, inStep) {
  const {operand, result, upstream, local, adds, total} = edge;
  const before = inStep
    ? [`${owner(operand)}.grad: `, num(edge.before), " → ", coloured(total)]
    : [`${owner(operand)}.grad`];
  const k = flow.indexOf(edge);
  const product = html(
    "span",
    {class: "product"},
    "+= upstream ",
    html("b", {class: sign(upstream)}, num(upstream)),
    " × local ",
    html("b", {class: sign(local)}, num(local)),
    ...(inStep ? [] : [" = ", coloured(adds)]),
  );
  const more = [`${nodes[result].why} `];
  const earlier = flow.slice(0, k).filter(other => other.operand === operand);
  if (earlier.length && inStep) {
    const parts = [...earlier, edge].map(other => other.adds);
    more.push(
      html("span", {class: "sum"}, "Used more than once, so its contributions add up: ", ...summed(parts, total)),
    );
  }
  return {
    over: `Backward: edge ${k + 1} of ${flow.length}, from ${name(result)} to ${name(operand)}`,
    main: [...before, "  ", product],
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
    {step, grads, parts} = now;
  const known = step > i ? [...made(i), html("b", {}, num(node.data))] : ["not computed yet"];
  const grad =
    grads[i] === undefined
      ? []
      : [
          html(
            "span",
            {class: "product"},
            `${owner(i)}.grad = `,
            ...(parts[i].length > 1 ? summed(parts[i], grads[i]) : [coloured(grads[i])]),
          ),
        ];
  const about = node.args.length ? `${node.symbol} of ${node.args.length}` : "a leaf";
  return {
    over: `${node.label || node.name}: ${about}`,
    main: [`${name(i)} = `, ...known, "  ", ...grad],
    more: [
      grads[i] === undefined
        ? "No gradient yet."
        : grads[i] === 0
          ? `A small change of it leaves ${C} as it is.`
          : `Raising it by a little raises ${C} by ${num(grads[i])} times as much`.replace(
              /raises(.*)by −/,
              "lowers$1by ",
            ) + ".",
    ],
  };
}

// Start

legend(`raising it raises ${C}`, `raising it lowers ${C}`, "width is strength");
const received = nodes.map(() => 0);
for (const edge of flow) {
  edge.before = received[edge.operand];
  received[edge.operand] = edge.total;
}
place();
const player = transport({
  last: LAST,
  show,
  chapters: [
    [0, "graph"],
    [1, "forward"],
    [SEED, "backward"],
  ],
  lasts: step => (step === 0 ? 600 : step < nodes.length ? 450 : step <= SEED ? 1500 : 1700),
});
new ResizeObserver(() => {
  place();
  player.again();
}).observe($("stage"));
