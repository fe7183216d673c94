// A network on a few examples: forward, the cost, and the nudges flowing backward, told as in the films.
//
// A step has a title, words, and a scene (see the picture), all functions, since they follow the example that is
// chosen and every number that is changed. Colours mean one thing from the nudges to the end: blue should rise, orange
// should fall; or, turned round, the gradient.

import {byId, choice, data, html, legend, mean, most, num, range, sign, signed, svg, transport} from "./page.js";
import {
  agreement,
  areClasses,
  asked,
  bias,
  change,
  costIf,
  costNow,
  delta,
  examples,
  forget,
  formulas,
  given,
  gradientOf,
  isRight,
  kinds,
  last,
  names,
  now,
  numberAt,
  passOf,
  putBack,
  readAs,
  sizes,
  slope,
  slopesOf,
  still,
  weight,
} from "./model.js";
import {at, image, isDigit, outputs, picture, shown, side, thumb, told, widths, wireAt} from "./picture.js";
import {trainer, training} from "./training.js";
import {instrument} from "./wiggle.js";

const count = sizes.slice(1).reduce((total, n, l) => total + n * (sizes[l] + 1), 0);
for (const example of examples) {
  example.name = side ? example.target : `${example.input} → ${example.target}`;
  example.told = side ? `an image${isDigit ? ` of a ${example.target}` : ""}` : `the input ${example.input}`;
}
const example = () => examples[now.example];

let picked = null, // the neuron whose numbers are shown, [layer, number]
  followed = null, // the output whose avenues are told; null: the one that the example is about
  turned = false, // whether the gradient is shown, not the nudges
  held = null, // the number that is held: {place, element, update}
  rival = null, // the place of the one that was held before
  player = null;

const focus = () => {
  if (followed !== null) return followed;
  const {y} = example(),
    pulls = passOf().da[last - 1];
  if (outputs > 1 && y.filter(t => t === 1).length === 1) return y.indexOf(1);
  return pulls.reduce((best, pull, j) => (Math.abs(pull) > Math.abs(pulls[best]) ? j : best), 0);
};
/** A slope as it is to be shown: minus it, as a nudge, or it. */
const faced = v => (turned ? v : 0 - v);
const called = () => (turned ? "gradient" : "nudge");
/** "−∂C/∂w", or turned round "∂C/∂w". */
const of = text => (turned ? "" : "−") + text;

/** How the neurons of a layer make their activations, each way once: "tanh(z)". */
const curve = (l, j) => (formulas[l - 1][j] === "1" ? "z" : `${kinds[l - 1][j]}(z)`);
const curves = l => [...new Set(range(sizes[l]).map(j => curve(l, j)))];
const mixed = l => new Set(kinds[l - 1]).size > 1;
/** f′ as a formula, where all neurons of a layer have the same, and one is known. */
const formula = l => new Set(formulas[l - 1]).size === 1 && formulas[l - 1][0];
const plain = l => formula(l) === "1";

// Scenes

const forwardTo = l => () => ({
  lit: l,
  fresh: l > 0,
  fan: l === 1,
  wires: k => k === l && {unit: "w·a", value: (j, i) => weight(l, j, i) * passOf().a[l - 1][i]},
});
const nudgedOutputs = (l, j) => (l === last ? faced(passOf().da[last - 1][j]) : undefined);
const scored =
  (more = {}) =>
  () => ({lit: last, targets: true, ...more});
/** The wires of one output: what it asks of its weights, or of the neurons before. */
const avenue = value => () => {
  const chosen = focus();
  return {
    ...scored()(),
    nudge: (l, j) => (l === last ? faced(delta(last, j)) : undefined),
    focus: chosen,
    wires: l => l === last && {unit: called(), value: (j, i) => (j === chosen ? faced(value(j, i)) : undefined)},
  };
};
const wishes = (l, upto, newest, summed) => () => ({
  lit: last,
  focus: l === last && !summed ? shown[l][upto - 1] : -1,
  nudge: (k, j) => {
    if (k === l) return faced(delta(l, j));
    return summed && k === l - 1 ? faced(passOf().da[l - 2][j]) : undefined;
  },
  columns: {layer: l, upto, newest, summed, turned},
});
/** Every weight and bias at once: of one example, or for null on average. */
const everything = who => () => ({
  lit: last,
  nudge: (l, j) => (l ? faced(delta(l, j, who())) : undefined),
  rings: true,
  wires: l => {
    const rows = shown[l].map(j => [j, slopesOf(l, j, who())]);
    const slopes = Object.fromEntries(rows);
    return {unit: of("∂C/∂w"), value: (j, i) => faced(slopes[j][i])};
  },
  images: j => slopesOf(1, j, who()).map(faced),
});

// The steps

const steps = [],
  chapters = [];
const chapter = name => chapters.push([steps.length, name]);
const step = (title, words, scene, colours = nudgeColours) => steps.push({title, words, scene, colours});

function nudgeColours() {
  const turn = html(
    "button",
    {id: "turn", "aria-pressed": turned, "data-key": "turn", title: "the gradient is the reverse", onclick: turnRound},
    "show the gradient",
  );
  const group = html("span", {class: "choice"}, turn);
  if (turned) legend("raising it raises the cost", "raising it lowers the cost", group);
  else legend("▲ should rise", "▼ should fall", group);
}
const flowColours = () => legend("w·a above 0", "w·a below 0", "width is strength");
const noColours = () =>
  byId("legend").replaceChildren(html("span", {class: "aside"}, "the fuller a neuron, the larger its activation"));

chapter(side ? "image" : "input");
step(
  () => (side ? (isDigit ? `An image of a ${example().name}` : "An image") : `The input ${example().name}`),
  () => [
    side
      ? `${sizes[0]} pixels, each a number from 0, paper, to 1, ink. They are the activations of the first layer. ` +
        `The network: ${sizes.join("-")}, ${count.toLocaleString("en")} weights and biases.`
      : `A network ${sizes.join("-")} with ${count} weights and biases, and one example of what it should do.`,
    "What would make it better at this one? Press play, or the right arrow key.",
    still || `Every number can be changed: click a neuron, ${side ? "a pixel" : "an input"} or a line.`,
  ],
  forwardTo(0),
  noColours,
);
chapter("forward");
for (const l of range(last).map(n => n + 1))
  step(
    () => (l < last ? `Layer ${l} lights up` : "The outputs light up"),
    () => [
      "Each neuron takes a weighted sum of the layer before, `z = w·a + b`, and turns it into its activation, " +
        `\`a = ${curves(l).join(" or ")}\`.`,
      l === last && outputs > 1 ? `The brightest is ${told(last, readAs(now.example))}.` : "",
    ],
    forwardTo(l),
    flowColours,
  );
chapter("cost");
step(
  () => "What the outputs should be",
  () => ["Beside each output stands its target. How far off are they?"],
  scored(),
  noColours,
);
step(
  () => ["The cost is ", html("b", {id: "cost"}, num(passOf().cost))],
  () => [
    data.squared
      ? "Each output's difference from its target, squared; then all are added up."
      : `Here the cost is ${data.cost}, ` +
        "a function of the outputs and their targets. Its gradient in each output says where to push.",
    costTable(),
  ],
  scored(),
  noColours,
);
chapter("nudges");
step(
  () => "Which way, and how much?",
  () => [
    data.squared
      ? "Each output should move toward its target: the nudge is `2·(target − output)`, so the farther off, the stronger."
      : "The nudge to each output is `−∂C/∂a`.",
    nudgeTable(),
    note("A nudge is minus the gradient, for we want the cost to fall: blue should rise, orange should fall."),
  ],
  scored({nudge: nudgedOutputs}),
);
if (!plain(last)) throughActivations(last);
chapter("avenues");
step(
  () => `Avenue 1: the bias of ${told(last, focus())}`,
  () => [
    `How can ${told(last, focus())} be moved? First, by its bias. The nudge is ` +
      "`−∂C/∂b = −δ`, where `δ = ∂C/∂z` is the sensitivity of the cost to the weighted sum.",
    avenueTable(last, focus(), 1),
    followers(),
  ],
  avenue(() => 0),
);
if (outputs > 1)
  step(
    () => "The biases of all outputs at once",
    () => ["`−∂C/∂b = −δ`: what passed through each output's activation is what its bias should do.", biasTable()],
    scored({nudge: (l, j) => (l === last ? faced(delta(last, j)) : undefined)}),
  );
step(
  () => "Avenue 2: its weights, in proportion to activations",
  () => [
    "`−∂C/∂w = −δ·a`. A weight that comes from a bright neuron counts for more: brighter neurons, wider lines.",
    avenueTable(last, focus(), 2),
    followers(),
  ],
  avenue((j, i) => slope(last, j, i)),
);
step(
  () => "What fires together",
  () => [
    hebb(),
    "Seen so, the connections that grow most join what is bright with what should become brighter: neurons that " +
      "fire together wire together, as Hebb put it for brains. It is a likeness, and no more than that: here a slope " +
      "is followed, and whether brains do anything like it is not known.",
  ],
  avenue((j, i) => slope(last, j, i)),
);
step(
  () => "Avenue 3: the activations, in proportion to weights",
  () => [
    "`−∂C/∂a = −δ·w`. We cannot set activations by hand, but we can note what this output would wish of the layer before.",
    avenueTable(last, focus(), 3),
    followers(),
  ],
  avenue((j, i) => -asked(last, j, i)),
);

for (let l = last; l > 1; l--) {
  const owners = shown[l],
    each = l === last;
  chapter(each ? "wishes" : l === last - 1 ? "one layer back" : `back to layer ${l - 1}`);
  if (!each) throughActivations(l);
  const parts = each ? owners.length : Math.min(4, owners.length); // one column at a time, or a few
  let before = 0;
  for (const part of range(parts)) {
    const upto = Math.ceil(((part + 1) * owners.length) / parts),
      j = owners[upto - 1];
    step(
      () =>
        each ? `What ${told(l, j)} asks of the layer before` : `What each neuron of layer ${l} asks of layer ${l - 1}`,
      () =>
        each
          ? ["One column of plus and minus: `−δ·w` for every neuron of the layer before.", avenueTable(l, j, 3)]
          : ["Again one column for each neuron: `−δ·w`."],
      wishes(l, upto, before, false),
    );
    before = upto;
  }
  step(
    () => "All wishes, added up",
    () => [
      "Each neuron is pulled many ways at once. The sum, on the left, is what the whole layer above " +
        "asks of it: exactly `−∂C/∂a`.",
      sumTable(l - 1),
    ],
    wishes(l, owners.length, owners.length, true),
  );
}
if (last > 1) {
  if (last === 2) chapter("one layer back");
  throughActivations(1);
}
/** The step from what is asked of a layer's activations to its δ. */
function throughActivations(l) {
  const layer = l === last ? "the outputs" : `layer ${l}`;
  step(
    () => `Through the ${mixed(l) ? "activations" : kinds[l - 1][0]} of ${layer}`,
    () => [
      "What is asked of an activation passes to its weighted sum: `δ = ∂C/∂a · f′(z)`, " +
        (formula(l) ? `where \`f′(z) = ${formula(l)}\`. ` : "with the slope f′ of each neuron's own activation. ") +
        "Where f is flat, little gets through.",
      deafest(l),
      deltaTable(l),
    ],
    () => ({lit: last, targets: l === last, nudge: (k, j) => (k === l ? faced(delta(l, j)) : undefined)}),
  );
}
chapter("weights");
step(
  () => "Every weight's nudge",
  () => [
    `\`−∂C/∂w = −δ·a\`, for all ${count.toLocaleString("en")} weights and biases at once. Its size is how sensitive the ` +
      `cost is to each. Rings show the biases. ` +
      (side ? "Beside each neuron of layer 1, its weights' nudges as an image. " : "") +
      "Click a neuron to see its numbers.",
  ],
  everything(() => now.example),
);
chapter("average");
if (examples.length > 1)
  step(
    () => "What every example asks of the weights",
    () => [
      "One row for each of a few weights, one column for each example: −∂C/∂w. Each example has its own idea of how " +
        "every weight should change; the last column is the average of all of them, and that is what is followed.",
    ],
    () => ({table: filmTable}),
  );
step(
  () => "Who agrees with whom?",
  () => [
    examples.length > 1
      ? `Each of these ${examples.length} examples has wishes of its own. The bar shows how far its gradient points along with their average ` +
        "(the cosine, from −1 to 1): blue agrees, orange pulls against."
      : "There is only one example here, so it is its own average.",
    agreeList(),
  ],
  everything(() => now.example),
);
step(
  () => `The average over ${examples.length} example${examples.length > 1 ? "s" : ""}`,
  () => [
    "This is minus the gradient of the mini-batch. One step of learning moves every weight and bias a little this way. " +
      "Click a neuron: which examples push its bias up, which down?",
  ],
  () => ({...everything(() => null)(), average: true}),
);
chapter("the step");
const stepPanel = trainer(() => {
  drawStage(false);
  marks();
  if (now.moved && !byId("restore")) drawPanel(); // once, for a button that is drawn anew cannot be pressed
});
step(
  () => "Take the step",
  () => [
    "Every weight and bias moves at once, `θ ← θ − η ∂C/∂θ`. The smaller the step, the nearer to what is foretold.",
    stepPanel.element,
  ],
  () => ({...everything(() => (training.all ? null : now.example))(), targets: true, average: training.all}),
);

// Words and numbers

/** Words, of which what stands between backticks is a formula, that no line breaks. */
const unbroken = text => text.split("`").map((part, i) => (i % 2 ? html("span", {class: "formula"}, part) : part));
const note = text => html("small", {}, text);
/** Significant digits in a table: fewer where the panel is narrow. */
const digits = () => (byId("panel").clientWidth < 280 ? 3 : 4);
const cell = x => html("td", {class: sign(x)}, signed(x, digits()));
const arrow = x => html("td", {class: sign(x)}, x > 0 ? "▲" : x < 0 ? "▼" : "");
function table(head, rows) {
  return html(
    "table",
    {},
    ...(head.length ? [html("tr", {}, ...head.map(text => html("th", {scope: "col"}, text)))] : []),
    ...rows.map(row =>
      html("tr", {}, ...row.map(part => (part instanceof Node && part.tagName === "TD" ? part : html("td", {}, part)))),
    ),
  );
}
function costTable() {
  const {a, cost} = passOf(),
    {y} = example();
  if (!data.squared)
    return table(
      ["output", "a", "target"],
      shown[last].map(j => [names[j], num(a[last][j]), num(y[j] ?? y[0])]),
    );
  const rows = shown[last].map(j => [names[j], num(a[last][j]), num(y[j]), num((a[last][j] - y[j]) ** 2)]);
  const total = [html("td", {colspan: 3}, "added up"), html("td", {class: "total"}, num(cost))];
  return table(["output", "a", "target", "(a − y)²"], [...rows, total]);
}
function nudgeTable() {
  const rows = shown[last].map(j => faced(passOf().da[last - 1][j]));
  return table(
    ["output", "", of("∂C/∂a")],
    rows.map((v, n) => [names[shown[last][n]], arrow(v), cell(v)]),
  );
}
function biasTable() {
  return table(
    ["bias of", "", of("∂C/∂b")],
    shown[last].map(j => [names[j], arrow(faced(delta(last, j))), cell(faced(delta(last, j)))]),
  );
}
function avenueTable(l, j, upto) {
  const d = of("δ"),
    rows = [["bias", d, cell(faced(delta(l, j)))]];
  const strongest = f =>
    range(sizes[l - 1])
      .sort((p, q) => Math.abs(f(q)) - Math.abs(f(p)))
      .slice(0, 5);
  if (upto === 2)
    for (const i of strongest(i => slope(l, j, i)))
      rows.push([`weight from ${i}`, `${d} × ${num(passOf().a[l - 1][i])}`, cell(faced(slope(l, j, i)))]);
  if (upto === 3)
    for (const i of strongest(i => asked(l, j, i)))
      rows.push([told(l - 1, i), `${d} × ${num(weight(l, j, i))}`, cell(faced(-asked(l, j, i)))]);
  return table([told(l, j), ["", "", `${d} × a`, `${d} × w`][upto], called()], rows);
}
/** Buttons to choose the output whose avenues are told. */
function followers() {
  if (outputs === 1) return "";
  const options = shown[last].map(j => [j, names[j]]);
  return html("div", {class: "outputs"}, "of ", choice("the output to follow", options, focus(), follow));
}
function follow(j) {
  followed = outputs > 1 && shown[last].includes(j) ? j : null;
  if (player) player.again();
}
function hebb() {
  const j = focus(),
    i = shown[last - 1].reduce((best, k) => (Math.abs(slope(last, j, k)) > Math.abs(slope(last, j, best)) ? k : best));
  const should =
    delta(last, j) < 0 ? "should become brighter" : delta(last, j) > 0 ? "should become darker" : "is right as it is";
  return (
    `The largest nudge to a weight of ${told(last, j)}, which ${should}, is the one from ${told(last - 1, i)}, ` +
    `whose activation is ${num(passOf().a[last - 1][i])}: ${num(0 - slope(last, j, i))}.`
  );
}
function sumTable(l) {
  const rows = shown[l].map(i => [i, faced(passOf().da[l - 1][i])]);
  return table(
    ["neuron", "", `sum = ${of("∂C/∂a")}`],
    rows.map(([i, v]) => [String(i), arrow(v), cell(v)]),
  );
}
function deltaTable(l) {
  const {da, dz, slopes} = passOf();
  const row = i => [
    l === last ? names[i] : mixed(l) ? `${i} ${kinds[l - 1][i]}` : String(i),
    cell(faced(da[l - 1][i])),
    num(slopes[l - 1][i], digits()),
    cell(faced(dz[l - 1][i])),
  ];
  return table([l === last ? "output" : "neuron", of("∂C/∂a"), "f′(z)", of("δ")], shown[l].map(row));
}
/** The neuron that is pulled most, and how much of it is heard. */
function deafest(l) {
  const {da, dz} = passOf(),
    j = shown[l].reduce((best, k) => (Math.abs(da[l - 1][k]) > Math.abs(da[l - 1][best]) ? k : best));
  const share = dz[l - 1][j] / da[l - 1][j];
  if (!(share < 0.99)) return ""; // all of it, or nothing is pulled
  const who = l === last ? told(l, j) : `neuron ${j}`;
  return `The strongest pull is on ${who}, and ${num(100 * share, 3)} % of it gets through: ${num(faced(da[l - 1][j]))} becomes ${num(faced(dz[l - 1][j]))}.`;
}
const bar = share => {
  const from = share < 0 ? "right:50%" : "left:50%";
  return html(
    "span",
    {class: `bar ${sign(share)}`},
    html("i", {style: `width:${Math.min(1, Math.abs(share)) * 50}%;${from}`}),
  );
};
function agreeList() {
  const cosines = agreement();
  const rows = range(examples.length)
    .sort((e, f) => cosines[f] - cosines[e])
    .map(e => {
      const label = `example ${e}, ${examples[e].name}: ${num(cosines[e], 2)}`,
        text = html("span", {class: sign(cosines[e])}, cosines[e].toFixed(2).replace("-", "−"));
      const parts = [thumb(examples[e]), html("span", {}, examples[e].name), bar(cosines[e]), text];
      return html(
        "button",
        {class: "agree", "aria-label": label, onclick: () => choose(e), "data-key": `agree.${e}`},
        ...parts,
      );
    });
  return html("div", {class: "agreement"}, ...rows);
}

/** The strongest weight of each neuron that is drawn, on average, the strongest first; of layer 1 if inputs are drawn. */
function strongestWeights() {
  const {weights} = gradientOf(null),
    found = [];
  for (const l of range(last))
    for (const j of side && last > 1 && !l ? [] : shown[l + 1]) {
      const value = i => weights[l][j * sizes[l] + i],
        i = shown[l].reduce((best, k) => (Math.abs(value(k)) > Math.abs(value(best)) ? k : best));
      found.push({place: [l + 1, j, i], average: value(i)});
    }
  return found.sort((p, q) => Math.abs(q.average) - Math.abs(p.average));
}

/** Weights down, examples across, and their average: as many of each as there is room for. */
function filmTable() {
  const stage = byId("stage"),
    tall = (stage.clientHeight - 70) / (parseFloat(getComputedStyle(stage).fontSize) * 1.75),
    across = Math.max(1, Math.min(examples.length, Math.floor((stage.clientWidth - 190) / 78)));
  const some = range(across).map(n => (now.example + n) % examples.length);
  const rows = strongestWeights().slice(0, Math.max(2, Math.min(12, Math.floor(tall))));
  const head = some.map(k => html("th", {scope: "col"}, side ? thumb(examples[k]) : "", examples[k].name));
  const more = examples.length > across ? [html("th", {}, "…")] : [];
  const lines = rows.map(({place: [l, j, i], average}) =>
    html(
      "tr",
      {},
      html("th", {scope: "row"}, l === last ? `${i} → ${told(l, j)}` : `${i} → ${j} of layer ${l}`),
      ...some.map(k => cell(faced(slope(l, j, i, k)))),
      ...more.map(() => html("td", {}, "")),
      html("td", {class: `mean ${sign(faced(average))}`}, signed(faced(average))),
    ),
  );
  const title = html(
    "tr",
    {},
    html("th", {}, of("∂C/∂w")),
    ...head,
    ...more,
    html("th", {scope: "col"}, `average of ${examples.length}`),
  );
  return html("table", {class: "film"}, title, ...lines);
}

// One number, held

/** The numbers of the neuron that was clicked, each of them a button that holds it. */
function details(scene) {
  const [l, j] = picked;
  const close = html("button", {onclick: () => pick(l, j), "aria-label": "close", "data-key": "close"}, "×");
  const heading = html("h3", {}, html("span", {}, told(l, j)), close);
  if (!l)
    return html(
      "div",
      {class: "details"},
      heading,
      table([], [["activation a", holder({input: j}, num(example().x[j]))]]),
    );
  const {a, z, slopes, da, dz} = passOf();
  const facts = table(
    [],
    [
      ["weighted sum z", html("td", {id: "z"}, num(z[l - 1][j]))],
      [`activation a = ${curve(l, j)}`, html("td", {id: "a"}, num(a[l][j]))],
      ["slope f′(z)", html("td", {id: "slope"}, num(slopes[l - 1][j]))],
      ["bias b", html("td", {id: "b"}, holder({bias: [l, j]}, num(bias(l, j))))],
      ["∂C/∂a", html("td", {id: "da"}, num(da[l - 1][j]))],
      ["δ = ∂C/∂z = ∂C/∂b", html("td", {id: "dz"}, num(dz[l - 1][j]))],
    ],
  );
  const who = scene.average ? null : now.example,
    slopesNow = slopesOf(l, j, who);
  const box = html("div", {class: "details"}, heading, facts);
  if (l === 1 && side) box.append(imagesOf(j, slopesNow, scene.average));
  const order = range(sizes[l - 1])
    .sort((p, q) => Math.abs(slopesNow[q]) - Math.abs(slopesNow[p]))
    .slice(0, 4);
  box.append(
    table(
      ["from", "w", of(`${scene.average ? "average " : ""}∂C/∂w`)],
      order.map(i => [
        side && l === 1 ? told(0, i) : String(i),
        holder({weight: [l, j, i]}, num(weight(l, j, i))),
        cell(faced(slopesNow[i])),
      ]),
    ),
    anyWeight(l, j),
  );
  if (scene.average && examples.length > 1) box.append(...biasesOf(l, j));
  return box;
}

/** A number that can be held. */
function holder(place, text) {
  if (still) return text;
  return html("button", {onclick: () => hold(place), "data-key": JSON.stringify(place), title: "change it"}, text);
}

function anyWeight(l, j) {
  if (still || sizes[l - 1] <= 4) return "";
  const number = html("input", {
    type: "number",
    min: 0,
    max: sizes[l - 1] - 1,
    "aria-label": "the number of a neuron before",
    "data-key": "any",
  });
  number.onchange = () => {
    const i = Math.round(Number(number.value));
    if (i >= 0 && i < sizes[l - 1]) hold({weight: [l, j, i]});
  };
  return html("p", {}, "or the weight from ", number);
}

function imagesOf(j, slopesNow, average) {
  const weights = range(sizes[0]).map(i => weight(1, j, i)),
    nudges = slopesNow.map(faced);
  const figure = (values, text) => {
    const canvas = image(values, true, most(values));
    if (!still)
      canvas.onclick = event => {
        const part = size => Math.min(side - 1, Math.floor((size * side) / canvas.clientWidth));
        hold({weight: [1, j, part(event.offsetY) * side + part(event.offsetX)]});
      };
    return html("figure", {}, canvas, html("figcaption", {}, `${text}, to ±${num(most(values), 2)}`));
  };
  const nudgeText = `${average ? "average " : ""}${of("∂C/∂w")}`;
  return html("div", {class: "pair"}, figure(weights, "weights"), figure(nudges, nudgeText));
}

function biasesOf(l, j) {
  const each = examples.map((_, k) => faced(delta(l, j, k))),
    top = most(each) || 1;
  const rows = each.map((v, k) =>
    html(
      "div",
      {class: "agree"},
      thumb(examples[k]),
      html("span", {}, examples[k].name),
      bar(v / top),
      html("span", {class: sign(v)}, num(v, 2)),
    ),
  );
  return [
    html("p", {}, `${of("∂C/∂b")} of each example, average ${num(mean(each))}`),
    html("div", {class: "agreement"}, ...rows),
  ];
}

function nameOf(place) {
  if (place.bias) return `bias of ${told(...place.bias)}`;
  if (place.weight)
    return `weight from ${side && place.weight[0] === 1 ? told(0, place.weight[2]) : place.weight[2]} to ${told(place.weight[0], place.weight[1])}`;
  return told(0, place.input);
}

function hold(place) {
  if (still) return;
  if (held && JSON.stringify(held.place) !== JSON.stringify(place)) rival = held.place;
  stepPanel.stop();
  player.pause();
  const there = () => numberAt(place);
  const {row, at: index, given: from} = there();
  const number = {
    name: nameOf(place),
    of: "C",
    given: from(given.networks[now.trained])[index],
    bounds: place.input !== undefined && side ? [0, 1] : null,
    get: () => there().row[index],
    set: x => {
      const why = change(place, x);
      if (!why) {
        drawStage(false);
        marks();
        drawPanel();
      }
      return why;
    },
    result: x => costIf(place, x),
    slope: () => there().slope(),
    rival:
      rival && JSON.stringify(rival) !== JSON.stringify(place)
        ? {name: nameOf(rival), slope: numberAt(rival).slope()}
        : null,
    drop: () => {
      held = null;
      player.again();
    },
  };
  held = {place, ...instrument(number)};
  render(player.step, false);
  byId("panel").scrollTop = 0;
}

/** Arrow keys at the image move the pixel that is held. */
function onpixel(i) {
  hold({input: i});
}

function pick(l, j) {
  picked = picked?.[0] === l && picked[1] === j ? null : [l, j];
  if (l === last && steps[player.step].scene().focus >= 0 && followed !== j && picked) follow(j);
  else player.again();
  byId("panel").scrollTop = 0;
}

function turnRound() {
  turned = !turned;
  player.again();
}

// Render

function drawStage(moving) {
  const scene = {called: called(), ...steps[player?.step ?? 0].scene()};
  if (scene.table) return byId("stage").replaceChildren(scene.table());
  const held_place = held?.place ?? null;
  byId("stage").replaceChildren(
    picture(scene, {picked, held: held_place, onpick: pick, onpixel: still ? null : onpixel, moving}),
  );
  if (!still) byId("stage").firstChild.onclick = onstage;
}

/** A click near a wire holds its weight. */
function onstage(event) {
  if (event.target.closest(".neuron, .image")) return;
  const box = byId("stage").firstChild.getBoundingClientRect(),
    found = wireAt(event.clientX - box.left, event.clientY - box.top);
  if (found) hold({weight: found});
}

function drawPanel() {
  const k = player?.step ?? 0,
    {title, words, scene} = steps[k],
    n = chapters.findLastIndex(([first]) => first <= k);
  const story = html(
    "div",
    {class: "words"},
    html("p", {class: "over"}, `${n + 1} · ${chapters[n][1]}`),
    html("h2", {}, ...[title()].flat()),
    ...words()
      .filter(part => part !== "")
      .map(part => (part instanceof Node ? part : html("p", {}, ...unbroken(part)))),
  );
  if (now.moved) {
    const back = html("button", {id: "restore", onclick: restore, "data-key": "restore"}, "put all back");
    story.prepend(html("p", {class: "over"}, "Numbers have been changed. ", back));
  }
  const parts = [...(picked ? [details(scene())] : []), story];
  const panel = byId("panel");
  if (held && held.element.parentNode === panel) {
    // the instrument must stay where it is, or it could not be dragged
    for (const part of [...panel.children]) if (part !== held.element) part.remove();
    panel.append(...parts);
  } else panel.replaceChildren(...(held ? [held.element] : []), ...parts);
  for (const table of panel.querySelectorAll("table"))
    table.classList.toggle("dense", table.scrollWidth > table.parentNode.clientWidth);
}

function render(k, moving) {
  const focused = document.activeElement?.dataset?.key;
  steps[k].colours();
  drawStage(moving);
  drawPanel();
  held?.update();
  if (k === steps.length - 1) stepPanel.update();
  else stepPanel.stop();
  if (focused && document.activeElement?.dataset?.key !== focused)
    document.querySelector(`[data-key='${CSS.escape(focused)}']`)?.focus();
}

/** Everything as it was given, to the last bit. */
function restore() {
  putBack();
  training.costs.length = 0;
  training.latest = null;
  training.failed = false;
  choices();
  player.again();
}

// What is chosen: the network, and the example

function choose(k) {
  if (k !== now.example) {
    followed = null;
    if (held?.place.input !== undefined) held = null;
  }
  now.example = Math.max(0, Math.min(examples.length - 1, Math.round(k) || 0));
  [...byId("examples").children].forEach((button, i) => button.setAttribute("aria-pressed", i === now.example));
  const chosen = byId("examples").children[now.example],
    strip = byId("examples");
  if (chosen)
    strip.scrollLeft = Math.max(
      Math.min(strip.scrollLeft, chosen.offsetLeft - strip.offsetLeft - 4),
      chosen.offsetLeft - strip.offsetLeft + chosen.offsetWidth - strip.clientWidth,
    );
  if (player) player.again();
}

function train(n) {
  now.trained = Math.max(0, Math.min(data.networks.length - 1, Math.round(n) || 0));
  stepPanel.stop();
  held = rival = null;
  trained();
  if (player) restore();
  else putBack();
}

/** The switch between the networks, if there are several. */
function trained() {
  const options = data.networks.map((net, n) => [n, net.name]);
  byId("trained").replaceChildren(
    ...(options.length > 1 ? ["trained so far ", choice("trained so far", options, now.trained, train)] : []),
  );
}

/** The row of examples to choose from; those that are read wrongly say so. */
function choices() {
  byId("choices").hidden = examples.length < 2 && data.networks.length < 2;
  byId("examples").replaceChildren(
    ...(examples.length > 1 ? examples : []).map((example, k) =>
      html(
        "button",
        {onclick: () => choose(k), "aria-pressed": k === now.example, "data-key": `example.${k}`},
        thumb(example),
        html("span", {}),
      ),
    ),
  );
  marks();
}

function marks() {
  [...byId("examples").children].forEach((button, k) => {
    const wrong = outputs > 1 && areClasses && !isRight(k),
      {name} = examples[k];
    button.className = wrong ? "wrong" : "";
    button.title = `example ${k}: ${name}${wrong ? `, read as ${names[readAs(k)]}` : ""}`;
    button.lastChild.textContent = side && wrong ? `${name}→${names[readAs(k)]}` : name;
  });
}

/** Time follows the words; at the end of each chapter it rests. */
function lasts(k) {
  const {title, words} = steps[k];
  const text = [...[title()].flat(), ...words()].map(part => (typeof part === "string" ? part : "")).join(" ");
  const rests = chapters.some(([first]) => first === k + 1) ? 1500 : 0;
  return 1100 + 170 * text.split(" ").length + rests;
}

trained();
choices();
player = transport({
  last: steps.length - 1,
  chapters,
  show: render,
  lasts,
  address: {
    trained: {get: () => (data.networks.length > 1 ? now.trained : null), set: train},
    example: {get: () => now.example, set: choose},
    output: {get: () => followed, set: follow},
  },
});
new ResizeObserver(() => player.again()).observe(byId("stage"));
addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  if (held) held.drop();
  else if (picked) pick(...picked);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  choices();
  player.again();
});

/** As if the page had been opened with the fonts and the window that are there now. */
function fresh() {
  widths.clear();
  player.again();
}

/** For the console, and for whoever drives the page. */
globalThis.page = {
  player,
  steps,
  chapters,
  now,
  examples,
  passOf,
  slope,
  asked,
  slopesOf,
  agreement,
  change,
  costNow,
  numberAt,
  training,
  hold,
  pick,
  choose,
  train,
  restore,
  shown,
  stepPanel,
  weight,
  gradientOf,
  still,
  fresh,
};
