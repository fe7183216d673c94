// The picture of an expression, played: step by step; each leaf can be held, and the panel tells about all.

import {byId, calm, fit, html, legend, num, signClass, signedNum, squeeze, svg, transport} from "./page.js";
import {instrument, onDrag} from "./wiggle.js";
import {quiz} from "./asking.js";
import {appears, change, flow, forward, given, gradients, load, names, nodes, numbers, results, root, seed}
  from "./expression.js";
import {layouts} from "./layout.js";
import {contributionSign, edgeLines, nodeLines, resultName, stepLines} from "./sentences.js";

// The picture

let sizes, // of the cards: width, height, and `inset`, the dark cell at the left, for the operation
  twoLayouts, // to the right, and down
  drawing = null; // what is drawn now: the layout, and the elements by node and by edge
let zoom = null; // so many pixels of the screen for one of the layout, if it was chosen

function draw(layout) {
  peeking = null; // what was pointed at is gone
  const picture = svg("svg", {viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group"});
  picture.setAttribute("aria-label", `the expression that made ${resultName()}, ${nodes.length} values`);
  const size = {markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse"};
  const tip = svg("path", {d: "M0 0.8L8 4L0 7.2z"});
  const marker = svg("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 7.5, refY: 4, orient: "auto", ...size}, tip);
  picture.append(svg("defs", {}, marker));
  byId("stage").replaceChildren(picture);
  const edges = flow.map((_, k) => {
    const edge = drawEdge(layout.edges[k]);
    letPeek(edge, () => edgeLines(flow[k], false));
    picture.append(edge);
    return edge;
  });
  const cards = nodes.map((node, i) => {
    const card = drawCard(node, i, layout.nodes[i]);
    picture.append(card);
    for (const text of card.querySelectorAll(".symbol")) squeeze(text, sizes[i].inset - 6);
    letPeek(card, () => nodeLines(i, now, offer(i)));
    if (!node.args.length && !still) letHold(card, i);
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
  const {width, height, inset} = sizes[i];
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
  const hasName = node.label || node.args.length;
  let line = hasName ? 19 : 4;
  if (hasName) card.append(svg("text", {class: node.label ? "name" : "name made", x: middle, y: line}));
  card.append(svg("text", {class: "data", x: middle, y: (line += 19)}));
  card.append(svg("text", {class: "grad", x: middle, y: line + 17}));
  return card;
}

/** Lays out by the shape of the room; smaller than 0.6 cannot be read, then the stage scrolls. */
function place() {
  const stage = byId("stage"),
    room = {width: stage.clientWidth - 32, height: stage.clientHeight - 8}; // its padding
  const fits = layout => Math.min(room.width / layout.width, room.height / layout.height);
  const layout = twoLayouts.reduce((best, other) => (fits(other) > fits(best) * 1.05 ? other : best));
  if (drawing?.layout !== layout) draw(layout);
  const whole = fits(layout),
    scale = zoom === 0 ? whole : (zoom ?? (whole < 0.6 ? 0.7 : Math.min(whole, 1.9)));
  drawing.picture.setAttribute("width", Math.floor(layout.width * scale));
  drawing.picture.setAttribute("height", Math.floor(layout.height * scale));
  const size = (text, label, to) => html("button", {onclick: () => ((zoom = to), place()), "aria-label": label}, text);
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
function gradientsAt(step) {
  const grads = [],
    parts = nodes.map(() => []);
  if (step >= seed) grads[root] = 1;
  for (const edge of flow.slice(0, Math.max(0, step - seed))) {
    grads[edge.operand] = edge.total;
    parts[edge.operand].push(edge.contribution);
  }
  return {grads, parts};
}

let now = {step: 0, grads: [], parts: []},
  peeking = null, // the lines of what is pointed at
  held = null; // the instrument at a leaf, and which

function show(step, moving) {
  now = {step, ...gradientsAt(step)};
  const edge = flow[step - seed - 1];
  const newResult = results[step - 2]; // the result that appears now
  drawing.cards.forEach((card, i) => showCard(card, i, edge, newResult));
  const widest = Math.max(...flow.map(({contribution}) => Math.abs(contribution)).filter(Number.isFinite), 0);
  drawing.edges.forEach((group, k) => showEdge(group, flow[k], step > seed + k, flow[k] === edge, newResult, widest));
  tell(peeking ? peeking() : restingLines());
  const focus = edge ? edge.operand : (newResult ?? (step >= seed ? root : -1));
  if (focus >= 0) inView(drawing.cards[focus]);
  run(edge, step - seed - 1, moving && !calm.matches);
  onChange();
}

function showCard(card, i, edge, newResult) {
  const {step, grads} = now,
    grad = grads[i],
    known = step >= appears[i],
    room = sizes[i].width - 10 - sizes[i].inset,
    name = card.querySelector(".name"),
    data = card.querySelector(".data"),
    text = card.querySelector(".grad");
  card.classList.toggle("known", known);
  card.classList.toggle("current", step === appears[i] || edge?.operand === i || (step === seed && i === root));
  card.classList.toggle("source", edge?.result === i || (newResult !== undefined && nodes[newResult].args.includes(i)));
  card.classList.toggle("changed", !nodes[i].args.length && !Object.is(numbers[i], given.numbers[i]));
  card.classList.toggle("held", held?.leaf === i);
  if (name && card.dataset.name !== names[i]) {
    name.textContent = card.dataset.name = names[i];
    fit(name, room - 6);
  }
  data.textContent = num(numbers[i]);
  squeeze(data, room);
  text.textContent = grad === undefined ? "" : `grad ${num(grad)}`;
  text.setAttribute("class", `grad ${signClass(grad)}`);
  squeeze(text, room);
  card.setAttribute(
    "aria-label",
    `${nodes[i].label || names[i]}${nodes[i].symbol ? `, ${nodes[i].symbol}` : ""}: ` +
      (known ? num(numbers[i]) : "not computed yet") +
      (grad === undefined ? "" : `, gradient ${num(grad)}`),
  );
}

function showEdge(group, edge, done, current, newResult, widest) {
  const {contribution} = edge,
    arriving = edge.result === newResult;
  const state = (done ? " done" : "") + (current ? " current" : "") + (arriving ? " arriving" : "");
  group.setAttribute("class", `edge ${signClass(contribution)}${state}`);
  const share = widest && Number.isFinite(contribution) ? Math.abs(contribution) / widest : 1;
  group.querySelector(".lit").style.strokeWidth = contribution ? 1.2 + 6.8 * share : 1.2;
  group.setAttribute(
    "aria-label",
    `from ${names[edge.result]} to ${names[edge.operand]}: upstream ` +
      `${num(edge.upstream)} times local ${num(edge.local)} adds ${num(contribution)}`,
  );
}

/** The contribution travels along its edge, from the result to the operand, and rests in the middle. */
let running = 0;
function run(edge, k, moving) {
  cancelAnimationFrame(running);
  const {pulse} = drawing;
  pulse.setAttribute("class", edge ? `pulse ${signClass(edge.contribution)} on` : "pulse");
  if (!edge) return;
  pulse.querySelector("text").textContent = signedNum(edge.contribution);
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

/** From now on a click, Enter or Space holds a leaf; a drag sideways, or the arrows up and down, change it at once. */
function letHold(card, i) {
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
  onDrag(
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
    name: nodes[i].label ? names[i] : "the number", // and not the one that it was
    resultName: resultName(),
    given: given.numbers[i],
    get: () => numbers[i],
    set: x => {
      const why = change(numbers.with(i, x));
      if (!why) player.again();
      return why;
    },
    result: x => forward(numbers.with(i, x)).numbers[root],
    slope: () => gradients[i] ?? 0,
    rival: rival === null ? null : {name: () => names[rival], slope: () => gradients[rival] ?? 0},
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

/** From now on the panel shows these lines while the pointer or the focus is at an element. */
function letPeek(group, lines) {
  const peek = () => {
    peeking = lines;
    tell(lines());
  };
  const leave = () => {
    peeking = null;
    tell(restingLines());
  };
  for (const event of ["pointerenter", "focus"]) group.addEventListener(event, peek);
  for (const event of ["pointerleave", "blur"]) group.addEventListener(event, leave);
}

/** The lines while nothing is pointed at: of the step, or what is asked before the next. */
const restingLines = () => ({...stepLines(now.step, invitation), ...predict.panelParts(now.step)});

const isChanged = () => numbers !== given.numbers;

/** Shows three lines; beside them the instrument, if a leaf is held, which stays the same element. */
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
  if (isChanged()) {
    // at once: what loses the focus by a press tells something else, and the button would be gone before the click
    const back = html("button", {onpointerdown: restore, onclick: restore, id: "restore"}, "put all back");
    words.append(html("p", {class: "more"}, "Numbers have been changed. ", back));
  }
  const old = byId("panel").querySelector(".words");
  held?.update();
  if (held && old && held.element.parentNode === byId("panel")) old.replaceWith(words);
  else byId("panel").replaceChildren(words, ...(held ? [held.element] : []));
}

const offer = i => (nodes[i].args.length || still || held?.leaf === i ? "" : " Click it to change it.");

function restore() {
  change(given.numbers);
  held?.update();
  player.again();
}

// Start

let player = null,
  still = false, // whether nothing can be changed
  invitation = "", // to do something, before the first step
  onChange = () => {}; // what is done after each step was drawn
const predict = quiz({
  question: k => contributionSign(flow[k - seed - 1]),
  again: () => player?.again(),
  go: k => player.go(k, true),
});

/**
 * Plays an expression, in place of the one before, if there was one. `enginePass` is its pass as the engine has it;
 * `why` says why it cannot be changed, "" if it can; `address` is as for `transport`; `follow` is called whenever a
 * step was drawn, or a number changed.
 */
export function perform(expression, {enginePass = null, why = "", invite = "", address = {}, follow = () => {}}) {
  load(expression, enginePass);
  still = Boolean(why);
  invitation = why || invite;
  onChange = follow;
  sizes = nodes.map((node, i) => sizeOf(node, names[i]));
  const edges = flow.map(({operand, result}) => [operand, result]);
  twoLayouts = layouts(sizes.map(({width, height}) => [width, height]), edges);
  drawing = held = peeking = null;
  legend(`raising it raises ${resultName()}`, `raising it lowers ${resultName()}`, "width is strength");
  place();
  const last = seed + flow.length;
  const chapters = [
    [0, "graph"],
    [1, "forward"],
    [seed, "backward"],
  ];
  if (player) {
    player.divide(last, chapters);
    return predict.turn(predict.isOn); // what was asked, was asked of the one before
  }
  const duration = step => (step === 0 ? 600 : step < seed - 1 ? 700 : 1700);
  const predictPart = {get: () => (predict.isOn ? 1 : null), set: predict.turn};
  player = transport({last, chapters, show, duration, ask: predict.ask, address: {...address, predict: predictPart}});
  new ResizeObserver(refresh).observe(byId("stage"));
  addEventListener("keydown", event => event.key === "Escape" && held && held.drop());
}

function sizeOf({label, symbol, args}, name) {
  const inset = args.length ? Math.max(26, 8 * [...symbol].length + 12) : 0,
    letters = Math.min(Math.max([...name].length, 11), 22);
  return {inset, width: inset + 7 * letters + 20, height: label || args.length ? 63 : 46};
}

function refresh() {
  place();
  player.again();
}

/** For the console, and for whoever drives the page. */
globalThis.page = {
  get player() {
    return player;
  },
  get nodes() {
    return nodes;
  },
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
  refresh,
};
