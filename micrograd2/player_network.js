"use strict";
// A network on a few examples: forward, the cost, and the nudges flowing backward, told as in the films.
//
// z, a, f′(z), ∂C/∂a and δ = ∂C/∂z of every neuron come from the engine. Here they are only multiplied and added up:
// ∂C/∂w = δ·a, what a neuron asks of the one before is −δ·w. Layer 0 are the inputs, layer L the outputs.

const numbers = text => new Float64Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const {sizes, kinds, names} = data,
  L = sizes.length - 1,
  N = data.examples.length;
const W = data.weights.map(numbers),
  B = data.biases.map(numbers);
const told = data.examples.map(e => ({
  ...e,
  cost: Number(e.cost),
  y: numbers(e.y),
  a: e.a.map(numbers),
  z: e.z.map(numbers),
  slopes: e.slopes.map(numbers),
  da: e.da.map(numbers),
  dz: e.dz.map(numbers),
})); // a[0] … a[L]; z, slopes, da, dz from 1 on: index l − 1
const across = Math.sqrt(sizes[0]),
  isImage = across >= 8 && Number.isInteger(across) && told.every(e => e.a[0].every(pixel => pixel >= 0 && pixel <= 1)),
  side = isImage ? across : 0;
const examples = told.map(e => ({...e, name: side ? e.target : `${e.input} → ${e.target}`}));
const MOST = 20,
  sum = xs => xs.reduce((s, x) => s + x, 0),
  range = n => [...Array(n).keys()];
const largest = xs => xs.reduce((best, x, i) => (Math.abs(x) > Math.abs(xs[best]) ? i : best), 0);
const shown = sizes.map((n, l) => {
  // of each column: all its neurons, or the strongest over the examples
  if (n <= MOST) return range(n);
  const strength = i => sum(examples.map(e => Math.abs(l ? e.dz[l - 1][i] : e.a[0][i])));
  return range(n)
    .sort((i, j) => strength(j) - strength(i))
    .slice(0, MOST - 4)
    .sort((i, j) => i - j);
});
const OUT = sizes[L],
  digit = side > 0 && OUT === 10;
const what = (l, j) =>
  l === L
    ? digit
      ? `the ${j}`
      : OUT > 1
        ? `output ${j}`
        : "the output"
    : l
      ? `neuron ${j} of layer ${l}`
      : `input ${j}`;
/** How the neurons of a layer make their activations, each way once: "tanh(z)". */
const curve = (l, j) => (data.formulas[l - 1][j] === "1" ? "z" : `${kinds[l - 1][j]}(z)`);
const curves = l => [...new Set(range(sizes[l]).map(j => curve(l, j)))];
const mixed = l => new Set(kinds[l - 1]).size > 1;
/** f′ as a formula, where all neurons of a layer have the same, and one is known. */
const formula = l => new Set(data.formulas[l - 1]).size === 1 && data.formulas[l - 1][0];

// How far the gradients of two examples point the same way, without writing down 13,002 numbers for each:
// Σ over layers of (δ·δ′)(1 + a·a′)
const inner = (p, q) => {
  let s = 0;
  for (let i = 0; i < p.length; i++) s += p[i] * q[i];
  return s;
};
const overlap = examples.map(e =>
  examples.map(f => sum(e.dz.map((d, l) => inner(d, f.dz[l]) * (1 + inner(e.a[l], f.a[l]))))),
);
const meanSquare = sum(overlap.map(sum)) / (N * N);
const agreement = overlap.map((row, e) => sum(row) / N / (Math.sqrt(row[e] * meanSquare) || 1));

let chosen = 0,
  picked = null,
  followed = null, // the output whose avenues are told; null: the one that the example is about
  player = null;
const example = () => examples[chosen];
const weight = (l, j, i) => W[l - 1][j * sizes[l - 1] + i];
const slope = (l, j, i, e = example()) => e.dz[l - 1][j] * e.a[l - 1][i];
const meanSlope = (l, j, i) => sum(examples.map(e => slope(l, j, i, e))) / N;
const asked = (l, j, i) => -example().dz[l - 1][j] * weight(l, j, i);
const focus = () => {
  if (followed !== null) return followed;
  const y = example().y;
  return OUT > 1 && y.filter(t => t === 1).length === 1 ? y.indexOf(1) : largest(example().da[L - 1]);
};

// The steps: each with its chapter, words, and what the picture shows

const steps = [],
  chapters = [];
const chapter = name => chapters.push([steps.length, name]);
const step = (title, words, state) => steps.push({title, words, state: {lit: L, ...state}});
const NUDGE =
  "Blue ▲: should rise. Orange ▼: should fall. A nudge is minus the gradient, for we want the cost to fall.";

chapter(side ? "image" : "input");
step(
  () => (side ? (digit ? `An image of a ${example().name}` : "An image") : `The input ${example().name}`),
  () => [
    side
      ? `${sizes[0]} pixels, each a number from 0, paper, to 1, ink. They are the activations of the first layer. ` +
        `The network: ${sizes.join("-")}, ${count().toLocaleString("en")} weights and biases.`
      : `A network ${sizes.join("-")} with ${count()} weights and biases, and one example of what it should do.`,
    " What would make it better at this one? Press play, or the right arrow key.",
  ],
  {lit: 0},
);
chapter("forward");
for (let l = 1; l <= L; l++)
  step(
    () => (l < L ? `Layer ${l} lights up` : "The outputs light up"),
    () => [
      "Each neuron takes a weighted sum of the layer before, z = w·a + b, and turns it into its activation, " +
        `a = ${curves(l).join(" or ")}.`,
      l === L && OUT > 1 ? ` The brightest is ${what(L, bright())}.` : "",
    ],
    {lit: l, wires: {[l]: (j, i) => weight(l, j, i) * example().a[l - 1][i]}, unit: "w·a"},
  );
chapter("cost");
step(
  () => "What the outputs should be",
  () => ["Beside each output stands its target. How far off are they?"],
  {targets: true},
);
step(
  () => ["The cost is ", html("b", {id: "cost"}, num(example().cost))],
  () => [
    data.squared
      ? "Each output's difference from its target, squared; then all are added up."
      : `Here the cost is ${data.cost}, ` +
        "a function of the outputs and their targets. Its gradient in each output says where to push.",
    costTable(),
  ],
  {targets: true},
);
chapter("nudges");
step(
  () => "Which way, and how much?",
  () => [
    data.squared
      ? "Each output should move toward its target: the nudge is 2·(target − output), " +
        "so the farther off, the stronger."
      : "The nudge to each output is −∂C/∂a.",
    nudgeTable(),
    note(NUDGE),
  ],
  {targets: true, nudged: L},
);
chapter("avenues");
step(
  () => `Avenue 1: the bias of ${what(L, focus())}`,
  () => [
    `How can ${what(L, focus())} be moved? First, by its bias. The nudge is ` +
      "−∂C/∂b = −δ, where δ = ∂C/∂z is the sensitivity of the cost to the weighted sum.",
    avenues(L, focus(), 1),
    outputs(),
  ],
  {targets: true, nudged: L, avenue: "bias"},
);
step(
  () => "Avenue 2: its weights, in proportion to activations",
  () => [
    "−∂C/∂w = −δ·a. A weight that comes from a bright neuron counts " + "for more: brighter neurons, wider lines.",
    avenues(L, focus(), 2),
    outputs(),
  ],
  {targets: true, nudged: L, avenue: "weights"},
);
step(
  () => "Avenue 3: the activations, in proportion to weights",
  () => [
    "−∂C/∂a = −δ·w. We cannot set activations by hand, but we can " +
      "note what this output would wish of the layer before.",
    avenues(L, focus(), 3),
    outputs(),
  ],
  {targets: true, nudged: L, avenue: "activations"},
);

for (let l = L; l > 1; l--) {
  const owners = shown[l],
    each = l === L;
  chapter(each ? "wishes" : l === L - 1 ? "one layer back" : `back to layer ${l - 1}`);
  if (!each) through(l);
  const parts = each ? owners.length : Math.min(4, owners.length); // one column at a time, or a few
  for (const part of range(parts)) {
    const n = Math.ceil(((part + 1) * owners.length) / parts),
      j = owners[n - 1];
    step(
      () =>
        each ? `What ${what(L, j)} asks of the layer before` : `What each neuron of layer ${l} asks of layer ${l - 1}`,
      () => [
        each
          ? "One column of plus and minus: −δ·w for every neuron of the layer before."
          : "Again one column for each neuron: −δ·w.",
        each ? avenues(l, j, 3) : "",
      ],
      {nudged: l, columns: [l, n], owner: each ? j : -1},
    );
  }
  step(
    () => "All wishes, added up",
    () => [
      "Each neuron is pulled many ways at once. The sum, on the left, is what the whole layer above " +
        "asks of it: exactly −∂C/∂a.",
      sumTable(l - 1),
    ],
    {nudged: l, columns: [l, owners.length], summed: true},
  );
}
if (L > 1) {
  if (L === 2) chapter("one layer back");
  through(1);
}
/** The step from what is asked of a layer's activations to its δ. */
function through(l) {
  step(
    () => `Through the ${mixed(l) ? "activations" : kinds[l - 1][0]} of layer ${l}`,
    () => [
      "What is asked of an activation passes to its weighted sum: δ = ∂C/∂a · f′(z), " +
        (formula(l) ? `where f′ is ${formula(l)}. ` : "with the slope f′ of each neuron's own activation. ") +
        "Where f is flat, little gets through.",
      deltaTable(l),
    ],
    {nudged: l, ringed: l},
  );
}
chapter("weights");
step(
  () => "Every weight's gradient",
  () => [
    `∂C/∂w = δ·a, for all ${count().toLocaleString("en")} weights and biases at once: how sensitive the cost is to each. Rings show δ. ` +
      (side ? "Beside each neuron of layer 1, its gradient as an image. " : "") +
      "Click a neuron to see its numbers.",
  ],
  {grads: true},
);
chapter("average");
step(
  () => "Who agrees with whom?",
  () => [
    N > 1
      ? `Each of these ${N} examples has wishes of its own. The bar shows how far its gradient points along with their average ` +
        "(the cosine, from −1 to 1): blue agrees, orange pulls against."
      : "There is only one example here, so it is its own average.",
    agreeList(),
  ],
  {grads: true},
);
step(
  () => `The average over ${N} example${N > 1 ? "s" : ""}`,
  () => [
    "This is the gradient of the mini-batch. One step of learning moves every weight and " +
      "bias a little the other way. Click a neuron: which examples push its bias up, which down?",
  ],
  {grads: true, mean: true},
);

const count = () => sum(W.map(w => w.length)) + sum(B.map(b => b.length));
const bright = () => example().a[L].indexOf(Math.max(...example().a[L]));

// Words and numbers

/** A number that fits into a neuron: .94 */
const brief = x => short((Math.abs(x) < 10 ? x.toFixed(2) : num(x, 2)).replace(/^(-?)0\./, "$1.").replace("-", "−"), 5);

const note = text => html("small", {}, text);
const cell = (x, always = true) => html("td", {class: sign(x)}, always ? signed(x) : num(x));
const arrow = x => html("td", {class: sign(x)}, x > 0 ? "▲" : x < 0 ? "▼" : "");
function table(head, rows) {
  return html(
    "table",
    {},
    html("tr", {}, ...head.map(text => html("th", {}, text))),
    ...rows.map(row => html("tr", {}, ...row.map(part => (part instanceof Node ? part : html("td", {}, part))))),
  );
}
const output = j => names[j];
function costTable() {
  const {a, y} = example();
  if (!data.squared)
    return table(
      ["output", "a", "target"],
      shown[L].map(j => [output(j), num(a[L][j]), num(y[j] ?? y[0])]),
    );
  return table(
    ["output", "a", "target", "(a − y)²"],
    [
      ...shown[L].map(j => [output(j), num(a[L][j]), num(y[j]), num((a[L][j] - y[j]) ** 2)]),
      [html("td", {colspan: 3}, "added up"), html("td", {class: "total"}, num(example().cost))],
    ],
  );
}
function nudgeTable() {
  return table(
    ["output", "", "nudge −∂C/∂a"],
    shown[L].map(j => [output(j), arrow(-example().da[L - 1][j]), cell(-example().da[L - 1][j])]),
  );
}
function avenues(l, j, upto) {
  const e = example(),
    rows = [["bias", "−δ", cell(-e.dz[l - 1][j])]];
  const strongest = f =>
    range(sizes[l - 1])
      .sort((p, q) => Math.abs(f(q)) - Math.abs(f(p)))
      .slice(0, 5);
  if (upto === 2)
    for (const i of strongest(i => slope(l, j, i)))
      rows.push([`weight from ${i}`, `−δ × ${num(e.a[l - 1][i])}`, cell(-slope(l, j, i))]);
  if (upto === 3)
    for (const i of strongest(i => asked(l, j, i)))
      rows.push([what(l - 1, i), `−δ × ${num(weight(l, j, i))}`, cell(asked(l, j, i))]);
  return table([what(l, j), ["", "", "−δ × a", "−δ × w"][upto], "nudge"], rows);
}
/** Buttons to choose the output whose avenues are told. */
function outputs() {
  if (OUT === 1) return "";
  const buttons = shown[L].map(j => {
    const button = html("button", {"data-key": `avenues.${j}`, "aria-pressed": j === focus()}, output(j));
    button.onclick = () => follow(j);
    return button;
  });
  return html("div", {class: "outputs", role: "group", "aria-label": "the output to follow"}, "of ", ...buttons);
}
function follow(j) {
  followed = OUT > 1 && shown[L].includes(j) ? j : null;
  if (player) player.again();
}
function sumTable(l) {
  return table(
    ["neuron", "", "sum = −∂C/∂a"],
    shown[l].map(i => [String(i), arrow(-example().da[l - 1][i]), cell(-example().da[l - 1][i])]),
  );
}
function deltaTable(l) {
  const {da, dz, slopes} = example();
  return table(
    ["neuron", "−∂C/∂a", "f′(z)", "−δ"],
    shown[l].map(i => [
      mixed(l) ? `${i} ${kinds[l - 1][i]}` : String(i),
      cell(-da[l - 1][i]),
      num(slopes[l - 1][i]),
      cell(-dz[l - 1][i]),
    ]),
  );
}
const bar = share =>
  html(
    "span",
    {class: `bar ${sign(share)}`},
    html("i", {style: `width:${Math.min(1, Math.abs(share)) * 50}%;` + (share < 0 ? `right:50%` : `left:50%`)}),
  );
function agreeList() {
  const rows = range(N)
    .sort((e, f) => agreement[f] - agreement[e])
    .map(e => {
      const row = html(
        "button",
        {class: "agree", "aria-label": `example ${e}, ${examples[e].name}: ${num(agreement[e], 2)}`},
        thumb(examples[e]),
        html("span", {}, examples[e].name),
        bar(agreement[e]),
        html("span", {class: sign(agreement[e])}, agreement[e].toFixed(2).replace("-", "−")),
      );
      row.onclick = () => choose(e);
      return row;
    });
  return html("div", {class: "agreement"}, ...rows);
}

// Images

/** Numbers as a square image: ink from 0 to 1, or signed in blue and orange around nothing. */
function image(values, signedToo, most = 1) {
  const canvas = html("canvas", {width: side, height: side, "aria-hidden": "true"}),
    context = canvas.getContext("2d");
  const picture = context.createImageData(side, side),
    style = getComputedStyle(document.documentElement);
  const rgb = name =>
    style
      .getPropertyValue(name)
      .trim()
      .slice(1)
      .match(/../g)
      .map(h => parseInt(h, 16));
  const plus = rgb("--plus"),
    minus = rgb("--minus"),
    ink = rgb("--ink");
  for (let p = 0; p < side * side; p++) {
    const v = values[p] / (most || 1),
      colour = signedToo ? (v > 0 ? plus : minus) : ink;
    picture.data.set([...colour, 255 * Math.min(1, Math.abs(v) ** (signedToo ? 0.7 : 1))], 4 * p);
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}
const thumb = e => (side ? image(e.a[0], false) : "");
const most = values => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

// The picture

/** How wide the widest of some texts is drawn beside a neuron, in pixels; no page knows its font beforehand. */
const widths = new Map();
function widest(kind, texts) {
  const probe = svg("text", {class: kind}),
    all = [...new Set(texts)].map(text => [`${kind} ${text}`, text]),
    unknown = all.filter(([key]) => !widths.has(key));
  if (unknown.length) $("stage").append(svg("svg", {width: 0, height: 0}, svg("g", {class: "neuron"}, probe)));
  for (const [key, text] of unknown) {
    probe.textContent = text;
    widths.set(key, probe.getComputedTextLength());
  }
  return Math.max(...all.map(([key]) => widths.get(key)));
}
const target = (e, j) => (at.phone ? "" : "target ") + num(e.y[j] ?? e.y[0], 2);
const before = (e, i) => (at.phone ? "" : num(e.a[0][i], 3));

const at = {};
function geometry() {
  const stage = $("stage"),
    style = getComputedStyle(stage);
  const width = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
    height = stage.clientHeight - 8,
    phone = (at.phone = width < 560);
  const rows = Math.max(...shown.map((column, l) => (l || !side ? column.length : 1)));
  const pitch = Math.min(62, (height - 46) / rows),
    r = Math.max(3, Math.min(20, pitch * 0.4));
  const box = side ? Math.min(height * 0.62, width * (phone ? 0.18 : 0.2), 280) : 0;
  const all = f => examples.flatMap(e => f(e));
  const left = side
      ? box + (phone ? 42 : 50 + 0.04 * width)
      : r + 26 + widest("before", all(e => shown[0].map(i => before(e, i)))),
    labels = widest("label", shown[L].map(output)),
    targets = widest("target", all(e => shown[L].map(j => target(e, j)))),
    right = width - (r + 16 + labels + 10 + targets + 6);
  const x = range(L + 1).map(l =>
    side
      ? l
        ? left + (L > 1 ? (l - 1) / (L - 1) : 1) * (right - left)
        : box / 2 + 8
      : left + (l / L) * (right - left),
  );
  const middle = 24 + (height - 24) / 2;
  Object.assign(at, {
    width,
    height,
    pitch,
    r,
    box,
    x,
    middle,
    y: (l, row) => middle + (row - (shown[l].length - 1) / 2) * pitch,
  });
}

function wires(svgRoot, l, value, unit) {
  const pairs = [];
  for (const [q, j] of shown[l].entries())
    for (const [p, i] of shown[l - 1].entries()) {
      const v = value ? value(j, i) : 0;
      if (v !== undefined) pairs.push([q, p, j, i, v]);
    }
  const top = most(pairs.map(pair => pair[4])) || 1;
  pairs.sort((a, b) => Math.abs(a[4]) - Math.abs(b[4]));
  for (const [q, p, j, i, v] of pairs) {
    const share = Math.abs(v) / top;
    const line = svg("line", {
      x1: at.x[l - 1] + at.r,
      y1: at.y(l - 1, p),
      x2: at.x[l] - at.r,
      y2: at.y(l, q),
      class: value ? `wire ${sign(v)}` : "wire",
      "stroke-width": value ? (0.3 + 3.7 * share).toFixed(2) : 0.6,
      "stroke-opacity": value ? (0.12 + 0.88 * share).toFixed(2) : 0.35,
    });
    if (value) line.append(svg("title", {}, `${unit}, from ${what(l - 1, i)} to ${what(l, j)}: ${num(v)}`));
    svgRoot.append(line);
  }
}

function picture(state) {
  geometry();
  const e = example(),
    letters = `--most: ${0.7 * at.pitch}px`, // a line of text is up to 1 / 0.7 as high as its font is large
    root = svg("svg", {width: at.width, height: at.height, style: letters, role: "group", "aria-label": "network"});
  const j0 = state.avenue ? focus() : (state.owner ?? -1);
  for (let l = side ? 2 : 1; l <= L; l++) {
    let value = state.wires?.[l],
      unit = state.unit;
    if (state.avenue && l === L) {
      value = (j, i) =>
        j !== j0
          ? undefined
          : state.avenue === "weights"
            ? -slope(l, j, i)
            : state.avenue === "activations"
              ? asked(l, j, i)
              : 0;
      unit = "nudge";
    } else if (state.grads) {
      value = state.mean ? (j, i) => meanSlope(l, j, i) : (j, i) => slope(l, j, i);
      unit = "∂C/∂w";
    }
    if (!state.columns || state.columns[0] !== l) wires(root, l, value, unit);
  }
  if (side) {
    // the image, and a fan to the first layer
    const top = at.middle - at.box / 2,
      left = 8;
    for (const [row, j] of shown[1].entries()) {
      const z = state.wires?.[1] ? e.z[0][j] - B[0][j] : 0,
        peak = most(e.z[0]) || 1;
      root.append(
        svg("line", {
          x1: left + at.box,
          y1: top + (at.box * (row + 0.5)) / shown[1].length,
          x2: at.x[1] - at.r,
          y2: at.y(1, row),
          class: `wire ${z ? sign(z) : ""}`,
          "stroke-width": z ? 0.5 + (3.5 * Math.abs(z)) / peak : 0.6,
          "stroke-opacity": z ? 0.9 : 0.35,
        }),
      );
    }
    const holder = svg("foreignObject", {x: left, y: top, width: at.box, height: at.box, class: "digit"});
    holder.append(image(e.a[0], false));
    root.append(
      svg("rect", {x: left - 0.5, y: top - 0.5, width: at.box + 1, height: at.box + 1, class: "sheet"}),
      holder,
    );
    root.append(
      svg(
        "text",
        {x: left + at.box / 2, y: top + at.box + 18, class: "caption"},
        at.phone ? `${side}×${side}` : `${side} × ${side} pixels`,
      ),
    );
  }
  for (let l = side ? 1 : 0; l <= L; l++) {
    const more = sizes[l] - shown[l].length;
    root.append(
      svg(
        "text",
        {x: at.x[l], y: 15, class: "caption"},
        (l === L
          ? at.phone
            ? "out"
            : "outputs"
          : l
            ? at.phone
              ? `${l}`
              : `layer ${l}`
            : at.phone
              ? "in"
              : "inputs") + (more ? ` +${more}` : ""),
      ),
    );
    const grads = l && state.grads && side && l === 1 ? shown[1].map(j => gradientImage(j, state.mean)) : null;
    const peak = grads && most(grads.map(most));
    for (const [row, j] of shown[l].entries()) {
      if (grads && at.pitch > 13) {
        const s = at.pitch - 3,
          holder = svg("foreignObject", {
            x: at.x[1] - at.r - s - 6,
            y: at.y(1, row) - s / 2,
            width: s,
            height: s,
            class: "digit",
          });
        holder.append(image(grads[row], true, peak));
        root.append(
          svg("rect", {x: at.x[1] - at.r - s - 6, y: at.y(1, row) - s / 2, width: s, height: s, class: "sheet"}),
          holder,
        );
      }
      root.append(neuron(state, l, row, j, j0));
    }
  }
  if (state.columns) columns(root, ...state.columns, state);
  return root;
}

function gradientImage(j, mean) {
  const total = new Float64Array(sizes[0]);
  for (const e of mean ? examples : [example()])
    for (let i = 0; i < total.length; i++) total[i] += e.dz[0][j] * e.a[0][i];
  return mean ? total.map(v => v / N) : total;
}

function neuron(state, l, row, j, j0) {
  const e = example(),
    a = e.a[l][j],
    lit = l <= state.lit,
    x = at.x[l],
    y = at.y(l, row);
  const nudge =
    !l || state.grads
      ? undefined
      : state.ringed === l
        ? -e.dz[l - 1][j]
        : l === L && state.nudged
          ? -e.da[l - 1][j]
          : state.summed && state.columns[0] === l + 1
            ? -e.da[l - 1][j]
            : state.avenue === "activations" && l === L - 1
              ? asked(L, j0, j)
              : undefined;
  const group = svg("g", {
    class: `neuron${l === L && j === j0 ? " focus" : ""}${picked && picked[0] === l && picked[1] === j ? " picked" : ""}`,
    transform: `translate(${x} ${y})`,
    tabindex: 0,
    role: "button",
    "data-key": `${l}.${j}`,
    "aria-label":
      what(l, j) + (lit ? `: activation ${num(a)}` : "") + (nudge === undefined ? "" : `, nudge ${num(nudge)}`),
  });
  group.append(svg("circle", {r: at.r + 4, class: "touch"}), svg("circle", {r: at.r, class: "body"}));
  const glow = Math.min(1, Math.abs(a));
  if (lit)
    group.append(svg("circle", {r: at.r, class: a < 0 ? "glow below" : "glow", "fill-opacity": glow.toFixed(3)}));
  if (lit && at.r > 12) group.append(svg("text", {y: 3.5, class: glow > 0.55 ? "bright" : ""}, brief(a)));
  if (l && state.grads) {
    // the colours are those of the gradient here, not of the nudge
    const deltas = range(sizes[l]).map(i => (state.mean ? sum(examples.map(o => o.dz[l - 1][i])) / N : e.dz[l - 1][i]));
    group.append(
      svg("circle", {
        r: at.r,
        class: `ring ${sign(deltas[j])}`,
        "stroke-width": 1 + (3 * Math.abs(deltas[j])) / (most(deltas) || 1),
      }),
    );
  }
  if (nudge !== undefined && nudge !== 0) {
    const peers =
      state.ringed === l
        ? e.dz[l - 1]
        : l === L || state.summed
          ? e.da[l - 1]
          : range(sizes[l]).map(i => asked(L, j0, i));
    const share = Math.abs(nudge) / (most(peers) || 1),
      h = at.pitch * 0.42 * Math.sqrt(share),
      d = nudge > 0 ? -1 : 1;
    const left = l === L ? at.r + 7 : -at.r - 9;
    group.append(
      svg("circle", {r: at.r, class: `ring ${sign(nudge)}`, "stroke-width": 1 + 3 * share}),
      svg("path", {class: `nudge ${sign(nudge)}`, d: `M${left} ${d * h}l${d * 4} ${-d * Math.max(3, h)}h${-d * 8}z`}),
    );
  }
  if (l === L) {
    const t = at.r + 16;
    group.append(svg("text", {x: t, y: 4.5, class: "label"}, output(j)));
    if (state.targets)
      group.append(
        svg(
          "text",
          {x: at.width - x - 6, y: 4.5, class: "target"},
          target(e, j),
        ),
      );
  } else if (l === 0) group.append(svg("text", {x: -at.r - 8, y: 4.5, class: "before"}, before(e, j)));
  const pick = () => {
    picked = picked && picked[0] === l && picked[1] === j ? null : [l, j];
    if (state.avenue && l === L) follow(j);
    else render(player.step);
  };
  group.onclick = pick;
  group.onkeydown = event => {
    if (event.key === "Enter") pick();
  };
  return group;
}

/** For each neuron of a layer, one column of plus and minus for the layer before; at the left, beside it, their sum. */
function columns(root, l, upto, state) {
  const owners = shown[l],
    from = at.x[l - 1] + at.r + 8,
    room = at.x[l] - at.r - 12 - from,
    pitch = Math.min(at.pitch, 32, room / (owners.length + 2));
  const all = owners.flatMap(j => shown[l - 1].map(i => asked(l, j, i))),
    top = most(all) || 1,
    sums = example().da[l - 1 - 1].map(v => -v);
  const narrow = pitch < 13; // too narrow for squares: bars
  const every = owners.length > 10 && pitch < 16 ? 2 : 1; // two digits need room
  const start = from + (room - pitch * (owners.length + 1.6)) / 2 + pitch / 2;
  const square = (x, y, v, peak, told) => {
    const share = Math.min(1, Math.abs(v) / peak),
      s = v ? Math.max(1.5, (pitch - 2) * Math.sqrt(share)) : 0,
      group = svg("g", {class: `wish ${sign(v)}`, transform: `translate(${x} ${y})`});
    const w = !narrow ? s : share < 0.06 ? 2 : pitch - 1,
      h = narrow ? Math.max(2, (at.pitch - 2) * share) : s,
      g = Math.min(w, h) * 0.28;
    group.append(
      svg("rect", {x: -w / 2, y: -h / 2, width: w, height: h, rx: Math.min(2, h / 5)}),
      svg("title", {}, told),
    );
    if (Math.min(w, h) > 6) group.append(svg("path", {d: `M${-g} 0H${g}` + (v > 0 ? `M0 ${-g}V${g}` : "")}));
    return group;
  };
  for (const [k, j] of owners.entries()) {
    const x = start + (k + 1.6) * pitch;
    if (pitch > 10 && k % every === 0)
      root.append(
        svg(
          "text",
          {
            x,
            y: at.y(l - 1, -1) + (at.pitch - pitch) / 2 + 4,
            class: "caption" + (k === upto - 1 && !state.summed ? " now" : ""),
          },
          l === L ? output(j) : String(j),
        ),
      );
    if (k < upto)
      for (const [row, i] of shown[l - 1].entries())
        root.append(
          square(
            x,
            at.y(l - 1, row),
            asked(l, j, i),
            top,
            `${what(l, j)} asks of ${what(l - 1, i)}: −δ × w = ${num(asked(l, j, i))}`,
          ),
        );
  }
  if (state.summed) {
    const peak = most(sums) || 1;
    if (pitch > 10)
      root.append(svg("text", {x: start, y: at.y(l - 1, -1) + (at.pitch - pitch) / 2 + 4, class: "caption now"}, "Σ"));
    for (const [row, i] of shown[l - 1].entries())
      root.append(square(start, at.y(l - 1, row), sums[i], peak, `asked of ${what(l - 1, i)} in all: ${num(sums[i])}`));
  }
}

/** The numbers of the neuron that was clicked. */
function details(state) {
  const [l, j] = picked,
    e = example();
  if (!l)
    return html("div", {class: "details"}, html("h3", {}, what(l, j)), table([], [["activation a", num(e.a[0][j])]]));
  const box = html(
    "div",
    {class: "details"},
    html("h3", {}, what(l, j)),
    table(
      [],
      [
        ["weighted sum z", html("td", {id: "z"}, num(e.z[l - 1][j]))],
        [`activation a = ${curve(l, j)}`, html("td", {id: "a"}, num(e.a[l][j]))],
        ["slope f′(z)", html("td", {id: "slope"}, num(e.slopes[l - 1][j]))],
        ["bias b", html("td", {id: "b"}, num(B[l - 1][j]))],
        ["∂C/∂a", html("td", {id: "da"}, num(e.da[l - 1][j]))],
        ["δ = ∂C/∂z = ∂C/∂b", html("td", {id: "dz"}, num(e.dz[l - 1][j]))],
      ],
    ),
  );
  if (l === 1 && side) {
    const w = W[0].slice(j * sizes[0], (j + 1) * sizes[0]),
      g = gradientImage(j, state.mean);
    box.append(
      html(
        "div",
        {class: "pair"},
        html("figure", {}, image(w, true, most(w)), html("figcaption", {}, `weights, to ±${num(most(w), 2)}`)),
        html(
          "figure",
          {},
          image(g, true, most(g)),
          html("figcaption", {}, `${state.mean ? "average " : ""}∂C/∂w, to ±${num(most(g), 2)}`),
        ),
      ),
    );
  } else {
    const order = [...shown[l - 1]].sort((p, q) => Math.abs(slope(l, j, q)) - Math.abs(slope(l, j, p))).slice(0, 4);
    box.append(
      table(
        ["from", "w", "∂C/∂w = δ·a"],
        order.map(i => [String(i), num(weight(l, j, i)), cell(slope(l, j, i))]),
      ),
    );
  }
  if (state.mean && N > 1) {
    const top = most(examples.map(o => o.dz[l - 1][j])) || 1;
    box.append(
      html("p", {}, `∂C/∂b of each example, average ${num(sum(examples.map(o => o.dz[l - 1][j])) / N)}`),
      html(
        "div",
        {class: "agreement"},
        ...examples.map(o =>
          html(
            "div",
            {class: "agree"},
            thumb(o),
            html("span", {}, o.name),
            bar(o.dz[l - 1][j] / top),
            html("span", {}, num(o.dz[l - 1][j], 2)),
          ),
        ),
      ),
    );
  }
  return box;
}

function render(k) {
  const {title, words, state} = steps[k],
    focused = document.activeElement?.dataset?.key;
  const gradient = state.grads;
  if (gradient) legend("raising it raises the cost", "raising it lowers the cost", "width is strength");
  else if (state.wires) legend("w·a above 0", "w·a below 0", "width is strength");
  else if (state.nudged) legend("▲ should rise", "▼ should fall", "a nudge is minus the gradient");
  else $("legend").replaceChildren("the fuller a neuron, the larger its activation");
  $("stage").replaceChildren(picture(state));
  const n = chapters.findLastIndex(([first]) => first <= k),
    heading = title();
  $("panel").replaceChildren(
    html("p", {class: "over"}, `${n + 1} · ${chapters[n][1]}`),
    html("h2", {}, ...[heading].flat()),
    html("div", {class: "words"}, ...words()),
    ...(picked ? [details(state)] : []),
  );
  if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
}

function choose(k) {
  if (k !== chosen) followed = null;
  chosen = Math.max(0, Math.min(N - 1, Math.round(k) || 0));
  [...$("examples").children].forEach((button, i) => button.setAttribute("aria-pressed", i === chosen));
  $("examples").children[chosen].scrollIntoView({block: "nearest", inline: "nearest"});
  if (player) player.again();
}

/** The row of examples to choose from; those that are read wrongly say so. */
function choices() {
  $("examples").hidden = N < 2;
  $("examples").replaceChildren(
    ...examples.map((e, k) => {
      const read = OUT > 1 ? e.a[L].indexOf(Math.max(...e.a[L])) : -1,
        wrong = OUT > 1 && e.y[read] !== Math.max(...e.y);
      const mark = wrong ? `→${output(read)}` : "";
      const button = html(
        "button",
        {title: `example ${k}: ${e.name}${wrong ? `, read as ${output(read)}` : ""}`, class: wrong ? "wrong" : ""},
        thumb(e),
        html("span", {}, side ? e.name + mark : e.name),
      );
      button.onclick = () => choose(k);
      return button;
    }),
  );
}

choices();
choose(0);
player = transport({
  last: steps.length - 1,
  chapters,
  show: render,
  lasts: k =>
    [2600, 3200][Number(!!(steps[k].state.avenue || steps[k].state.grads || steps[k].state.summed))] /
    (steps[k].state.owner >= 0 ? 1.8 : 1),
  address: {example: {get: () => chosen, set: choose}, output: {get: () => followed, set: follow}},
});
new ResizeObserver(() => player.again()).observe($("stage"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  choices();
  choose(chosen);
});
