// The picture of a network: one function for each thing that is drawn. What is to be drawn is a scene:
//
//   lit       the last layer whose activations are shown
//   wires     l → {quantity, what the numbers are called; value: (j, i) → number, or undefined for no wire; factors:
//             (j, i) → of what it is the product, if of anything}, or nothing: plain wires
//   fan       whether the lines from an image to layer 1 show what flows there
//   nudge     (l, j) → the number that the triangle and the ring of a neuron show, a nudge or a gradient; or undefined
//   rings     whether there are no triangles
//   images    j → the numbers of an image beside a neuron of layer 1
//   columns   {layer, upto, newest, summed, turned}: the wishes of a layer for the layer before, a column for each of
//             its first `upto` neurons, of which those from `newest` on are new; whether `summed` at the left, and
//             whether `turned`, as the gradient
//   average   whether all examples are shown, and not the one that is chosen
//   targets   whether they stand beside the outputs
//   focus     the output that the words are about
//   quantity  what the numbers of neurons are called: nudge, or gradient
//   fresh     whether the last lit layer has just been lit
//
// Numbers come with the sign that they are to be drawn with; but wishes are looked up here, and turned.

import {byId, calm, data, largestSize, num, range, signClass, svg, html} from "./page.js";
import {
  activationsOf,
  bias,
  examples,
  inShort,
  isPaired,
  last,
  names,
  now,
  passOf,
  sizes,
  targetName,
  weight,
  wish,
  wishScale,
} from "./model.js";

const MOST = 20; // neurons of a layer that are drawn

const across = Math.sqrt(sizes[0]);
const allPixels = () => examples.every(({x}) => x.every(pixel => pixel >= 0 && pixel <= 1));
/** How many pixels wide the inputs are, if they are an image; else 0. */
export const side = across >= 8 && Number.isInteger(across) && allPixels() ? across : 0;
/** Whether the inputs are a place in a plane. */
export const isPlane = sizes[0] === 2;
export const outputs = sizes[last];
export const isDigit = side > 0 && outputs === 10;

/** The neurons of each layer that are drawn: all, or those that are strongest over the examples. */
export const shown = sizes.map((n, l) => {
  if (n <= MOST) return range(n);
  const all = examples.map((_, k) => passOf(k));
  const strength = range(n).map(i => all.reduce((s, one) => s + Math.abs(l ? one.dz[l - 1][i] : one.a[0][i]), 0));
  return range(n)
    .sort((i, j) => strength[j] - strength[i])
    .slice(0, MOST - 4)
    .sort((i, j) => i - j);
});

/** What a neuron is called in words. */
export function neuronName(l, j) {
  if (l === last) return isDigit ? `the ${j}` : outputs > 1 ? `output ${j}` : "the output";
  return l ? `neuron ${j} of layer ${l}` : side ? `pixel ${(j % side) + 1}, ${Math.floor(j / side) + 1}` : `input ${j}`;
}

/** What an example is called, with the numbers that are there now. */
export function exampleName(k = now.example) {
  const {x, y} = examples[k];
  return side ? targetName(y) : `${inShort(x)} → ${targetName(y)}`;
}
const description = ({x, y, isDrawn}) =>
  side ? `an image${isDrawn ? " that was drawn" : isDigit ? ` of a ${targetName(y)}` : ""}` : `the input ${inShort(x)}`;

/** The targets, where they are of no output alone. */
export function targetsText() {
  const {y} = examples[now.example],
    some = [...y.slice(0, 4)].map(x => num(x)).join(", ");
  return `target${y.length > 1 ? "s" : ""} ${some}${y.length > 4 ? ", …" : ""}`;
}

/** A colour of the page, by its name in the style. */
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const rgb = name =>
  colour(name)
    .slice(1)
    .match(/../g)
    .map(h => parseInt(h, 16));

// Images

/** Numbers as a square image: ink from 0 to 1, or signed in blue and orange around nothing. */
export function image(values, isSigned, largest = 1) {
  const canvas = html("canvas", {width: side, height: side, "aria-hidden": "true"});
  paint(canvas.getContext("2d"), values, isSigned, largest);
  return canvas;
}
/** The same into a canvas of so many pixels. */
export function paint(context, values, isSigned, largest = 1) {
  const picture = context.createImageData(context.canvas.width, context.canvas.height),
    {data} = picture;
  const [plus, minus, ink] = ["--plus", "--minus", "--ink"].map(rgb);
  for (let p = 0; p < values.length; p++) {
    const v = values[p] / (largest || 1),
      [red, green, blue] = isSigned ? (v > 0 ? plus : minus) : ink;
    data[4 * p] = red;
    data[4 * p + 1] = green;
    data[4 * p + 2] = blue;
    data[4 * p + 3] = Math.round(255 * Math.min(1, isSigned ? Math.abs(v) ** 0.7 : Math.abs(v)));
  }
  context.putImageData(picture, 0, 0);
}
export const thumb = example => (side ? image(example.x, false) : "");

// Where everything stands

/** How wide a text is drawn, in pixels; no page knows its font beforehand. */
export const widths = new Map();
function textWidth(kind, text) {
  const key = `${kind} ${text}`;
  if (!widths.has(key)) {
    const probe = svg("text", {class: kind}, text),
      holder = svg("svg", {width: 0, height: 0}, svg("g", {class: "neuron"}, probe));
    byId("stage").append(holder);
    widths.set(key, probe.getComputedTextLength());
    holder.remove();
  }
  return widths.get(key);
}
const largestWidth = (kind, texts) => Math.max(0, ...texts.map(text => textWidth(kind, text)));
/** The first of some texts that has room, or "". */
const firstThatFits = (kind, room, ...texts) => texts.find(text => textWidth(kind, text) <= room) ?? "";

const targetText = (y, tight) => (tight ? "" : "target ") + num(y);
const inputText = (x, tight) => (tight ? "" : num(x, 3));

/** Where everything stands, in pixels: the radius `r` of a neuron, x by layer, y by layer and row, and so on. */
export const at = {};
function layOut() {
  const stage = byId("stage"),
    style = getComputedStyle(stage);
  const width = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
    height = stage.clientHeight - 6,
    tight = width < 560;
  const rows = Math.max(...shown.map((column, l) => (l || !side ? column.length : 1)));
  const pitch = Math.min(62, (height - 44) / rows),
    r = Math.max(3, Math.min(20, pitch * 0.4, width / 22));
  const box = side ? Math.min(height * 0.62, width * (tight ? 0.17 : 0.2), 280) : 0;
  const all = side ? [] : [...examples.map(e => e.x), activationsOf(null)[0]],
    inputs = all.flatMap(x => shown[0].map(i => inputText(x[i], tight)));
  const targets = isPaired ? [...new Set(examples.flatMap(e => [...e.y]))].map(y => targetText(y, tight)) : [];
  const left = side ? box + (tight ? 30 : 50 + 0.04 * width) : r + 16 + largestWidth("before", inputs),
    right = width - (r + 17 + largestWidth("label", names) + 8 + largestWidth("target", targets) + 4);
  const x = range(last + 1).map(l => {
    if (!side) return left + (l / last) * (right - left);
    return l ? left + (last > 1 ? (l - 1) / (last - 1) : 1) * (right - left) : box / 2 + 8;
  });
  const middle = 22 + (height - 22) / 2;
  const y = (l, row) => middle + (row - (shown[l].length - 1) / 2) * pitch;
  Object.assign(at, {width, height, tight, pitch, r, box, x, middle, y});
}

// Each thing

const ground = html("canvas", {"aria-hidden": "true"}), // so many wires, all new at every step, are slow as elements
  pen = ground.getContext("2d"),
  scratch = html("canvas", {width: side, height: side}).getContext("2d");

/** An empty canvas behind everything, with one unit a pixel of the page. */
function drawGround(root) {
  const place = {width: at.width, height: at.height, class: "ground"},
    holder = svg("foreignObject", place);
  ground.width = at.width * devicePixelRatio;
  ground.height = at.height * devicePixelRatio;
  pen.scale(devicePixelRatio, devicePixelRatio);
  holder.append(ground);
  root.append(holder);
}

/**
 * The wires of a layer, in order, and as they are drawn, the strongest last. When each `comes`, if they come one by
 * one, is in milliseconds.
 */
function wiresOf(l, wires, from) {
  const order = [];
  for (const [q, j] of shown[l].entries())
    for (const [p, i] of shown[l - 1].entries()) {
      const v = wires ? wires.value(j, i) : 0;
      if (v !== undefined) order.push({p, q, j, i, v});
    }
  const top = largestSize(order.map(({v}) => v)) || 1,
    pace = wires ? Math.min(400, 2000 / order.length) / Number(byId("speed").value) : 0;
  order.forEach((wire, n) => Object.assign(wire, {share: Math.abs(wire.v) / top, comes: from + pace * n}));
  const drawn = [...order].sort((a, b) => a.share - b.share);
  return {l, order, drawn, lit: !!wires, from, until: from + pace * order.length};
}

/** Those that have come after so long; the newest in ink. */
function drawWires({l, drawn, lit}, elapsed) {
  const colours = {plus: colour("--plus"), minus: colour("--minus"), none: colour("--wire")},
    ink = colour("--ink");
  for (const {p, q, v, share, comes} of drawn) {
    if (comes > elapsed) continue;
    const isNew = lit && elapsed - comes < 90;
    pen.strokeStyle = isNew ? ink : colours[signClass(v)];
    pen.lineWidth = lit ? 0.3 + 3.7 * share : 0.6;
    pen.globalAlpha = isNew ? 1 : lit ? 0.12 + 0.88 * share : 0.35;
    pen.beginPath();
    pen.moveTo(at.x[l - 1] + at.r, at.y(l - 1, p));
    pen.lineTo(at.x[l] - at.r, at.y(l, q));
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

let coming = 0; // the next frame of wires that come
/** Everything on the ground; where things move, lit wires come one after the other, forward or backward. */
function fillGround(root, scene, images, alive) {
  const layers = [];
  for (let l = last; l >= (side ? 2 : 1); l--)
    if (scene.columns?.layer !== l) layers.push(wiresOf(l, scene.wires?.(l), layers.at(-1)?.until ?? 0));
  const until = layers.at(-1)?.until ?? 0,
    peak = largestSize(images.map(largestSize));
  const draw = elapsed => {
    pen.clearRect(0, 0, at.width, at.height);
    for (const layer of layers) drawWires(layer, elapsed);
    images.forEach((values, row) => drawSmallImage(row, values, peak));
  };
  cancelAnimationFrame(coming);
  draw(alive && until ? 0 : Infinity);
  if (!alive || !until) return;
  const began = performance.now(),
    line = svg("text", {x: at.width / 2, y: at.height - 2, class: "caption small"});
  root.append(line);
  coming = requestAnimationFrame(function frame() {
    const elapsed = performance.now() - began,
      done = elapsed > until + 90,
      {l, order} = layers.findLast(layer => layer.lit && layer.from <= elapsed),
      {i, j} = order.findLast(wire => wire.comes <= elapsed);
    draw(done ? Infinity : elapsed);
    line.textContent = done ? "" : `${i} → ${l === last ? names[j] : j}: ${wireNumber(scene, [l, j, i])}`;
    if (!done) coming = requestAnimationFrame(frame);
  });
}

/** The wire of a weight that is held. */
function drawHeldWire(root, [l, j, i]) {
  const q = shown[l].indexOf(j),
    p = shown[l - 1].indexOf(i);
  if ((l === 1 && side) || q < 0 || p < 0) return;
  const ends = {x1: at.x[l - 1] + at.r, y1: at.y(l - 1, p), x2: at.x[l] - at.r, y2: at.y(l, q)};
  root.append(svg("line", {...ends, class: "wire held", "stroke-width": 3, "stroke-dasharray": "6 3"}));
}

/** The inputs as an image, with the pixel that is held. */
function drawSheet(root, values, held, onpixel, texts) {
  const top = at.middle - at.box / 2,
    left = 8,
    place = {x: left, y: top, width: at.box, height: at.box};
  const holder = svg("foreignObject", {...place, class: "digit"});
  holder.append(image(values, false));
  const sheet = svg("rect", {x: left - 0.5, y: top - 0.5, width: at.box + 1, height: at.box + 1, class: "sheet"});
  const group = svg("g", {class: "image", "data-key": "image"}, sheet, holder);
  if (onpixel) {
    group.setAttribute("tabindex", 0);
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", "the image: arrow keys choose a pixel, Enter changes it");
    group.onclick = event => {
      const box = holder.getBoundingClientRect(),
        part = (where, from, size) => Math.max(0, Math.min(side - 1, Math.floor(((where - from) / size) * side)));
      onpixel(part(event.clientY, box.top, box.height) * side + part(event.clientX, box.left, box.width));
    };
    group.onkeydown = event => {
      const by = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -side, ArrowDown: side, Enter: 0, " ": 0}[event.key];
      if (by === undefined) return;
      event.preventDefault();
      onpixel(Math.max(0, Math.min(side * side - 1, (held ?? (side * (side + 1)) / 2) + by)));
    };
  }
  root.append(group);
  if (held !== undefined) {
    const s = at.box / side;
    const pixel = {x: left + (held % side) * s, y: top + Math.floor(held / side) * s, width: s, height: s};
    root.append(svg("rect", {...pixel, class: "pixel"}));
  }
  const text = firstThatFits("caption small", texts.room, ...texts.long);
  root.append(svg("text", {x: left + at.box / 2, y: top + at.box + 16, class: "caption small"}, text));
}

/** The lines from an image to layer 1: so many weights each that only their sum can be shown. */
function drawFan(root, flows) {
  const top = at.middle - at.box / 2,
    sums = passOf().z[0].map((z, j) => z - bias(1, j)),
    peak = largestSize(sums) || 1;
  for (const [row, j] of shown[1].entries()) {
    const v = flows ? sums[j] : 0;
    root.append(
      svg("line", {
        x1: 8 + at.box,
        y1: top + (at.box * (row + 0.5)) / shown[1].length,
        x2: at.x[1] - at.r,
        y2: at.y(1, row),
        class: `wire ${v ? signClass(v) : ""}`,
        "stroke-width": v ? 0.5 + (3.5 * Math.abs(v)) / peak : 0.6,
        "stroke-opacity": v ? 0.9 : 0.35,
      }),
    );
  }
}

/** What a layer is called, above it, as long as there is room. */
function drawLayerName(root, l) {
  const more = sizes[l] - shown[l].length,
    and = more ? ` +${more}` : "";
  const texts = l === last ? ["outputs", "out"] : l ? [`layer ${l}`, `${l}`] : ["inputs", "in"];
  const room =
    2 * Math.min(at.x[l] - 2, at.width - at.x[l], (at.x[1] - at.x[0]) / 2, (at.x[last] - at.x[last - 1]) / 2) - 6;
  root.append(
    svg(
      "text",
      {x: at.x[l], y: 14, class: "caption"},
      firstThatFits("caption", room, ...texts.map(t => t + and), ...texts),
    ),
  );
}

/** An image beside a neuron of layer 1, of what its weights get. */
function drawSmallImage(row, values, peak) {
  const s = at.pitch - 3,
    place = [at.x[1] - at.r - s - 6, at.y(1, row) - s / 2, s, s];
  paint(scratch, values, true, peak);
  pen.fillStyle = colour("--card");
  pen.strokeStyle = colour("--line");
  pen.lineWidth = 1;
  pen.imageSmoothingEnabled = false;
  pen.fillRect(...place);
  pen.drawImage(scratch.canvas, ...place);
  pen.strokeRect(...place);
}

/** A number that fits into a neuron: .94; none that would have to be cut. */
function briefText(x) {
  const text = (Math.abs(x) < 10 ? x.toFixed(2) : num(x, 2)).replace(/^(-?)0\./, "$1.").replace("-", "−");
  return text === "−.00" ? ".00" : text.length > 5 ? "" : text;
}

function drawNeuron(scene, l, row, j, a, picked, onpick) {
  const example = examples[now.example],
    lit = l <= scene.lit,
    nudge = scene.nudge?.(l, j);
  const kind =
    (l === last && j === scene.focus ? " focus" : "") + (picked?.[0] === l && picked[1] === j ? " picked" : "");
  const group = svg("g", {
    class: `neuron${kind}`,
    transform: `translate(${at.x[l]} ${at.y(l, row)})`,
    tabindex: 0,
    role: "button",
    "data-key": `${l}.${j}`,
    "aria-label":
      neuronName(l, j) +
      (lit ? `: activation ${num(a)}` : "") +
      (nudge === undefined ? "" : `, ${scene.quantity} ${num(nudge)}`),
  });
  group.append(svg("circle", {r: at.r + 4, class: "touch"}), svg("circle", {r: at.r, class: "body"}));
  if (lit) drawActivation(group, a);
  if (nudge) {
    const largest = largestSize(shown[l].map(i => scene.nudge(l, i) ?? 0)) || 1;
    drawNudge(group, l, nudge, Math.abs(nudge) / largest, scene.rings);
  }
  if (l === last) {
    group.append(svg("text", {x: at.r + 17, y: 4.5, class: "label"}, names[j]));
    const target = {x: at.width - at.x[l] - 4, y: 4.5, class: "target"};
    if (isPaired && scene.targets && (isPlane || !scene.average))
      group.append(svg("text", target, targetText(example.y[j], at.tight)));
  }
  if (l === 0) group.append(svg("text", {x: -at.r - 8, y: 4.5, class: "before"}, inputText(a, at.tight)));
  group.onclick = () => onpick(l, j);
  group.onkeydown = event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onpick(l, j);
  };
  return group;
}

/** The fuller, the larger; a number where there is room. */
function drawActivation(group, a) {
  const glow = Math.min(1, Math.abs(a)) || 0; // empty, if it is no number
  group.append(svg("circle", {r: at.r, class: a < 0 ? "glow below" : "glow", "fill-opacity": glow.toFixed(3)}));
  if (at.r > 12) group.append(svg("text", {y: 3.5, class: glow > 0.55 ? "bright" : ""}, briefText(a)));
}

/** A ring, and a triangle, up or down, as high as the nudge is strong. */
function drawNudge(group, l, v, share, ringOnly) {
  const high = at.pitch * 0.42 * Math.sqrt(share),
    way = v > 0 ? -1 : 1,
    left = l === last ? at.r + 8 : -at.r - 9;
  const d = `M${left} ${way * high}l${way * 4} ${-way * Math.max(3, high)}h${-way * 8}z`;
  group.append(svg("circle", {r: at.r, class: `ring ${signClass(v)}`, "stroke-width": 1 + 3 * share}));
  if (!ringOnly) group.append(svg("path", {class: `nudge ${signClass(v)}`, d}));
}

// Wishes: for each neuron of a layer, one column of plus and minus for the layer before; at the left their sums, the
// nudges to its activations

function columnsAt(l) {
  const neurons = shown[l],
    from = at.x[l - 1] + at.r + 8,
    room = at.x[l] - at.r - 14 - from,
    pitch = Math.min(at.pitch, 32, room / (neurons.length + 2)),
    start = from + (room - pitch * (neurons.length + 1.6)) / 2 + pitch / 2;
  return {pitch, start, x: k => start + (k + 1.6) * pitch, head: at.y(l - 1, 0) - at.pitch / 2 - 4};
}

function drawColumns(root, {layer: l, upto, newest, summed, turned}, moving) {
  const neurons = shown[l],
    {pitch, start, x, head} = columnsAt(l),
    wishShown = (j, i) => (turned ? -1 : 1) * wish(l, j, i),
    peak = wishScale(l).wish || 1;
  const labels = neurons.map(j => (l === last ? names[j] : String(j))),
    every = Math.ceil((largestWidth("caption", labels) + 3) / pitch);
  neurons.forEach((j, k) => {
    const kind = `caption${k === upto - 1 && !summed ? " now" : ""}`;
    const besideSum = (textWidth("caption", labels[k]) + textWidth("caption now", "Σ")) / 2 + 3;
    if (k % every === 0 && (!summed || x(k) - start >= besideSum))
      root.append(svg("text", {x: x(k), y: head, class: kind}, labels[k]));
    if (k >= upto) return;
    for (const [row, i] of shown[l - 1].entries()) {
      const v = wishShown(j, i),
        what = `${neuronName(l, j)} asks of ${neuronName(l - 1, i)}: −δ × w = ${num(wish(l, j, i))}`;
      const square = drawWish(root, x(k), at.y(l - 1, row), v, Math.abs(v) / peak, pitch, what);
      if (moving && k >= newest)
        flyToPlace(square, at.x[l] - at.r, at.y(l, neurons.indexOf(j)), x(k), at.y(l - 1, row), 40 * row);
      if (moving && summed) flyIntoSum(root, x(k), start, at.y(l - 1, row), v, Math.abs(v) / peak, pitch, 60 * k);
    }
  });
  if (summed) drawSums(root, l, start, head, pitch, turned, moving);
}

function drawSums(root, l, x, y, pitch, turned, moving) {
  const sums = passOf().da[l - 2].map(v => (turned ? v : -v)),
    peak = wishScale(l).nudge || 1;
  root.append(svg("text", {x, y, class: "caption now"}, "Σ"));
  for (const [row, i] of shown[l - 1].entries()) {
    const what = `of ${neuronName(l - 1, i)} in all: ${num(sums[i])}`;
    const square = drawWish(root, x, at.y(l - 1, row), sums[i], Math.abs(sums[i]) / peak, pitch, what);
    if (moving) square.animate([{opacity: 0}, {opacity: 1}], {duration: 500, delay: 700, fill: "backwards"});
  }
}

/** A square with plus or minus, as large as the wish is strong; where there is no room for squares, a bar. */
function drawWish(root, x, y, v, share, pitch, what) {
  const narrow = pitch < 13,
    size = v ? Math.max(1.5, (pitch - 2) * Math.sqrt(share)) : 0,
    w = !narrow ? size : share < 0.06 ? 2 : pitch - 1,
    h = narrow ? Math.max(2, (at.pitch - 2) * share) : size,
    g = Math.min(w, h) * 0.28;
  const group = svg("g", {class: `wish ${signClass(v)}`, transform: `translate(${x} ${y})`});
  group.append(
    svg("rect", {x: -w / 2, y: -h / 2, width: w, height: h, rx: Math.min(2, h / 5)}),
    svg("title", {}, what),
  );
  if (Math.min(w, h) > 6) group.append(svg("path", {d: `M${-g} 0H${g}` + (v > 0 ? `M0 ${-g}V${g}` : "")}));
  root.append(group);
  return group;
}

/** The square of a wish leaves its output and goes to its place. */
function flyToPlace(square, fromX, fromY, x, y, delay) {
  const frames = [
    {transform: `translate(${fromX}px, ${fromY}px) scale(.1)`, opacity: 0},
    {transform: `translate(${x}px, ${y}px)`, opacity: 1},
  ];
  square.animate(frames, {duration: 500, delay: delay / 2, easing: "ease-out", fill: "backwards"});
}

/** A copy of a wish's square goes into the sum, and is gone. */
function flyIntoSum(root, fromX, x, y, v, share, pitch, delay) {
  const copy = drawWish(root, fromX, y, v, share, pitch, "");
  const frames = [
    {transform: `translate(${fromX}px, ${y}px)`, opacity: 1},
    {transform: `translate(${x}px, ${y}px)`, opacity: 0.2},
  ];
  copy.animate(frames, {duration: 600, delay, easing: "ease-in"}).onfinish = () => copy.remove();
}

/** What has just been lit comes up, from top to bottom. */
function fadeIn(root, l) {
  root.querySelectorAll(`[data-key^="${l}."] .glow`).forEach((glow, row) => {
    glow.animate([{opacity: 0}, {opacity: 1}], {duration: 500, delay: 25 * row, fill: "backwards"});
  });
}

/**
 * The whole picture. `picked` is a neuron [l, j] or null; `held`, the place of a number that is held, or null; `onpick`
 * and `onpixel` are called with what was clicked; `moving` sets in motion what is new.
 */
export function picture(scene, {picked, held, onpick, onpixel, moving}) {
  layOut();
  const root = svg("svg", {width: at.width, height: at.height, role: "group"}),
    activations = activationsOf(scene.average && !isPlane ? null : now.example), // a point stays in sight
    alive = moving && !calm.matches;
  // a line of text is up to 1 / 0.7 as high as its font is large
  root.style.setProperty("--most", `${0.7 * at.pitch}px`);
  root.setAttribute("aria-label", `the network ${sizes.join("-")}, ${description(examples[now.example])}`);
  drawGround(root);
  fillGround(root, scene, side && scene.images && at.pitch > 13 ? shown[1].map(scene.images) : [], alive);
  if (held?.weight) drawHeldWire(root, held.weight);
  if (side) {
    drawFan(root, scene.fan);
    const room = at.x[1] - at.r - (scene.images ? at.pitch + 6 : 0) - 4,
      long = scene.average
        ? [`${examples.length} images, averaged`, "averaged"]
        : [`${side} × ${side} pixels`, `${side}×${side}`];
    drawSheet(root, activations[0], held?.input, scene.average ? null : onpixel, {room, long});
  }
  for (let l = side ? 1 : 0; l <= last; l++) {
    drawLayerName(root, l);
    for (const [row, j] of shown[l].entries())
      root.append(drawNeuron(scene, l, row, j, activations[l][j], picked, onpick));
  }
  if (scene.columns) drawColumns(root, scene.columns, alive);
  if (alive && scene.fresh) fadeIn(root, scene.lit);
  return root;
}

/** What a scene shows of a wire, in words. */
export function wireText(scene, [l, j, i]) {
  const wires = scene.wires?.(l),
    what = wires && wires.value(j, i) !== undefined ? wires.quantity : "w";
  return `${what}, from ${neuronName(l - 1, i)} to ${neuronName(l, j)}: ${wireNumber(scene, [l, j, i])}`;
}
/** Its number, with the multiplication that makes it, if one does. */
function wireNumber(scene, [l, j, i]) {
  const wires = scene.wires?.(l),
    v = wires ? wires.value(j, i) : undefined;
  if (v === undefined) return num(weight(l, j, i));
  const factors = wires.factors ? wires.factors(j, i).map(x => num(x)) : [];
  return factors.length ? `${factors.join(" × ")} = ${num(v)}` : num(v);
}

/** The weight whose wire is nearest to a point of the picture, within a few pixels, or null. */
export function wireAt(x, y) {
  let best = null,
    nearest = 6;
  for (let l = side ? 2 : 1; l <= last; l++) {
    const left = at.x[l - 1] + at.r + 4,
      right = at.x[l] - at.r - 4;
    if (x < left || x > right) continue;
    const share = (x - left + 4) / (right - left + 8);
    for (const [q, j] of shown[l].entries())
      for (const [p, i] of shown[l - 1].entries()) {
        const rise = at.y(l, q) - at.y(l - 1, p),
          run = right - left + 8;
        const away = Math.abs(at.y(l - 1, p) + share * rise - y) * (run / Math.hypot(run, rise));
        if (away < nearest) [best, nearest] = [[l, j, i], away];
      }
  }
  return best;
}
