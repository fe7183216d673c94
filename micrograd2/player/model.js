// A network on a few examples: its numbers as given and as they are now, forward, backward, and the step.
//
// Layer 0 are the inputs, layer `last` the outputs. What an activation and a cost are is printed above, from the
// engine's rows: each of `functions` maps numbers and its constants to [value, gradient].

import {data, largestSize, mean, num} from "./page.js";

/**
 * The `sizes` of the layers; by layer and neuron the `kinds` of activations, and `formulas` of f′; the `names` of the
 * outputs; `still`, why nothing can be changed, or "".
 */
export const {sizes, kinds, names, formulas, still} = data;
export const last = sizes.length - 1;

/** Numbers out of a text: bytes n/255 after a ":", or else float64. */
function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replace(":", "")), c => c.charCodeAt(0));
  return text.startsWith(":") ? Float64Array.from(bytes, n => n / 255) : new Float64Array(bytes.buffer);
}

/** What nobody has changed: the networks, the inputs, and in a page that does not compute, their passes. */
export const given = {
  networks: data.networks.map(net => ({weights: net.weights.map(unpack), biases: net.biases.map(unpack)})),
  inputs: data.examples.map(example => unpack(example.x)),
  passes: data.passes.map(passes =>
    passes.map(one => {
      const rows = Object.fromEntries(["a", "z", "slopes", "da", "dz"].map(part => [part, one[part].map(unpack)]));
      return {...rows, cost: Number(one.cost)};
    }),
  ),
};
export const examples = data.examples.map(({y}, k) => ({x: given.inputs[k].slice(), y: unpack(y)}));
const functionOf = ([which, constants]) => ({f: functions[which], constants: constants.map(Number)});
const activations = data.activations.map(layer => layer.map(functionOf));
const costs = still ? [] : data.costs.map(functionOf);
/** What one more example could be, if examples are of classes. */
export const classes = data.classes.map(({y, cost}) => ({y: unpack(y), cost: functionOf(cost)}));

/** What is shown, and what was chosen and clicked. */
export const now = {
  step: 0,
  networkNumber: 0, // which of the networks
  example: 0,
  network: null, // its numbers
  isChanged: false, // whether they, or the inputs, are others than were given
  showsGradient: false, // and not the nudges
  showsWeights: false, // whether lines show the weights, where else they show the nudges to these
  output: null, // the output whose avenues are shown; null: the one that the example is about
  picked: null, // the neuron whose numbers are shown, [layer, number]
  held: null, // the number that is held, at its place, and its instrument
  rival: null, // the place of the one that was held before
};

let cache = {};
/** Forgets all that was computed: a number has been changed. */
export function forget() {
  cache = {};
}
/** What was computed under this name is not computed again until something is changed. */
export const remember = (name, compute) => (cache[name] ??= compute());

export function putBack() {
  const {weights, biases} = given.networks[now.networkNumber];
  now.network = {weights: weights.map(w => w.slice()), biases: biases.map(b => b.slice())};
  examples.forEach((example, k) => example.x.set(given.inputs[k]));
  now.isChanged = false;
  forget();
}
putBack();

// One example through the network and back

export function forward(network, x) {
  const a = [x],
    z = [],
    slopes = [];
  for (let l = 0; l < last; l++) {
    const before = a[l],
      n = sizes[l],
      w = network.weights[l],
      zs = [], // short, and made at every place of a plane: there arrays of this kind are the fastest
      as = [],
      fs = [];
    for (let j = 0; j < sizes[l + 1]; j++) {
      let total = network.biases[l][j];
      for (let i = 0; i < n; i++) total += w[j * n + i] * before[i];
      zs.push(total);
      const {f, constants} = activations[l][j],
        made = f([total], constants);
      as.push(made[0]);
      fs.push(made[1][0]);
    }
    a.push(as);
    z.push(zs);
    slopes.push(fs);
  }
  return {a, z, slopes};
}

/**
 * All of z, a, the slopes f′(z), the cost, the upstream gradients `da` = ∂C/∂a and the deltas `dz` = ∂C/∂z; z, slopes,
 * da, dz from layer 1 on, at its number less one.
 */
export function computePass(network, x, k) {
  const {a, z, slopes} = forward(network, x);
  const {f, constants} = costs[k];
  const [cost, gradient] = f(a[last], constants);
  const da = [],
    dz = [];
  let upstream = Float64Array.from(gradient);
  for (let l = last - 1; l >= 0; l--) {
    da[l] = upstream;
    dz[l] = upstream.map((p, j) => p * slopes[l][j]);
    if (!l) break;
    const n = sizes[l],
      w = network.weights[l];
    upstream = new Float64Array(n);
    for (let j = 0; j < dz[l].length; j++) for (let i = 0; i < n; i++) upstream[i] += dz[l][j] * w[j * n + i];
  }
  return {a, z, slopes, cost, da, dz};
}

export const passOf = (k = now.example) =>
  remember(`pass ${k}`, () =>
    still ? given.passes[now.networkNumber][k] : computePass(now.network, examples[k].x, k),
  );

/** The activations of one example, layer by layer; on average over all for k = null. */
export function activationsOf(k) {
  if (k !== null) return passOf(k).a;
  const means = (row, l) => row.map((_, i) => mean(examples.map((_, e) => passOf(e).a[l][i])));
  return remember("mean activations", () => passOf(0).a.map(means));
}

/** The cost of one example; on average over all for k = null. */
export const costNow = k => (k === null ? mean(examples.map((_, e) => passOf(e).cost)) : passOf(k).cost);

export const weight = (l, j, i) => now.network.weights[l - 1][j * sizes[l - 1] + i];
export const bias = (l, j) => now.network.biases[l - 1][j];
/** ∂C/∂w = δ·a, of one example; on average over all for k = null. */
export const weightGradient = (l, j, i, k = now.example) =>
  k === null ? gradientOf(null).weights[l - 1][j * sizes[l - 1] + i] : passOf(k).dz[l - 1][j] * passOf(k).a[l - 1][i];
/** δ = ∂C/∂z = ∂C/∂b. */
export const delta = (l, j, k = now.example) =>
  k === null ? gradientOf(null).biases[l - 1][j] : passOf(k).dz[l - 1][j];
/** The wish of neuron j of layer l for the activation of neuron i of the layer before: −δ·w. */
export const wish = (l, j, i) => -passOf().dz[l - 1][j] * weight(l, j, i);

/**
 * The largest wish of a neuron of layer l, and the largest nudge to an activation before it, for the chosen example in
 * any state of the network: on this scale they are seen to shrink as it learns.
 */
export const wishScale = l =>
  remember(`wish scale ${l} ${now.example}`, () => {
    const k = now.example,
      before = still
        ? given.passes.map(passes => passes[k])
        : given.networks.map(net => computePass(net, examples[k].x, k));
    const largest = (network, {dz, da}) => {
      const n = sizes[l - 1],
        wishes = dz[l - 1].map((d, j) => d * largestSize(network.weights[l - 1].subarray(j * n, (j + 1) * n)));
      return [largestSize(wishes), largestSize(da[l - 2])];
    };
    const all = [...before.map((one, s) => largest(given.networks[s], one)), largest(now.network, passOf())];
    return {wish: largestSize(all.map(([wish]) => wish)), nudge: largestSize(all.map(([, nudge]) => nudge))};
  });

/** ∂C/∂w of all weights of a neuron. */
export const weightGradients = (l, j, k = now.example) =>
  gradientOf(k).weights[l - 1].subarray(j * sizes[l - 1], (j + 1) * sizes[l - 1]);

// The step

/** ∂C/∂w and ∂C/∂b of everything, of one example, or on average for k = null. */
export const gradientOf = k =>
  remember(`gradient ${k}`, () => gradientOver(k === null ? examples.map((_, e) => e) : [k]));

function gradientOver(rows) {
  const weights = now.network.weights.map(w => new Float64Array(w.length)),
    biases = now.network.biases.map(b => new Float64Array(b.length));
  for (const e of rows) {
    const {a, dz} = passOf(e);
    for (let l = 0; l < last; l++)
      for (let j = 0; j < sizes[l + 1]; j++) {
        const d = dz[l][j],
          n = sizes[l],
          row = weights[l],
          before = a[l];
        biases[l][j] += d;
        for (let i = 0; i < n; i++) row[j * n + i] += d * before[i];
      }
  }
  for (const row of [...weights, ...biases]) for (let i = 0; i < row.length; i++) row[i] /= rows.length;
  return {weights, biases};
}

const parts = ({weights, biases}) => [...weights, ...biases];

/** Goes to θ − η ∂C/∂θ, and back unless `stays` says so, which is called there with −η‖∂C/∂θ‖², what is predicted. */
function tryStep(rate, k, stays) {
  const gradient = parts(gradientOf(k)),
    theta = parts(now.network),
    saved = theta.map(row => row.slice());
  let square = 0;
  theta.forEach((row, r) => {
    for (let i = 0; i < row.length; i++) {
      square += gradient[r][i] ** 2;
      row[i] -= rate * gradient[r][i];
    }
  });
  forget();
  if (stays(-rate * square)) return;
  theta.forEach((row, r) => row.set(saved[r]));
  forget();
}

/** θ ← θ − η ∂C/∂θ: what the gradient predicts, −η‖∂C/∂θ‖², and what happened; null, and no step, if nothing can. */
export function descend(rate, k) {
  const before = costNow(k);
  let happened = null;
  tryStep(rate, k, predicted => {
    if (!isSound()) return false;
    happened = {predicted, actual: costNow(k) - before, before, after: costNow(k)};
    return (now.isChanged = true);
  });
  return happened;
}

/** The largest of some rates whose step lowers the cost by half of what is foretold, or more; else the smallest. */
export function sensibleRate(rates, k) {
  const before = costNow(k);
  const isSensible = rate => {
    let sensible = false;
    tryStep(rate, k, predicted => {
      sensible = isSound() && costNow(k) - before <= predicted / 2;
    });
    return sensible;
  };
  return rates.findLast(isSensible) ?? rates[0];
}

// How it does

const isOneHot = y => y.filter(t => t === 1).length === 1 && y.every(t => t === 0 || t === 1);
/** The first three of some numbers. */
export const inShort = row => [...row.slice(0, 3)].map(x => num(x, 3)).join(", ") + (row.length > 3 ? ", …" : "");
/** Whether each output has a target of its own; a cost may take others. */
export const isPaired = examples.every(({y}) => y.length === sizes[last]);
/** What targets are called: the number of their class, or else the numbers themselves. */
export const targetName = y => (isPaired && y.length > 1 && isOneHot(y) ? String(y.indexOf(1)) : inShort(y));
/** Whether targets are classes: one-hot rows, or −1 and 1 for a single output. */
export const areClasses =
  isPaired && examples.every(({y}) => (y.length > 1 ? isOneHot(y) : Math.abs(y[0]) === 1));
const argmax = row => row.indexOf(Math.max(...row));

/** Which class an example is read as: the largest output, or the sign of the only one. */
export const readAs = k => {
  const out = passOf(k).a[last];
  return out.length > 1 ? argmax(out) : Math.sign(out[0]);
};
export const readName = k => names[readAs(k)] ?? "nothing"; // where an output is no number, none is the largest
export const rightAnswer = k => (examples[k].y.length > 1 ? argmax(examples[k].y) : examples[k].y[0]);
export const isRight = k => readAs(k) === rightAnswer(k);

/**
 * How far the gradient of each example points along with their average (the cosine), without writing down all of a
 * network's numbers for each: two gradients multiply to Σ over layers of (δ·δ′)(1 + a·a′).
 */
export function agreement() {
  return remember("agreement", () => {
    const inner = (p, q) => p.reduce((total, v, i) => total + v * q[i], 0);
    const all = examples.map((_, k) => passOf(k));
    const overlap = all.map(p =>
      all.map(q => p.dz.reduce((total, d, l) => total + inner(d, q.dz[l]) * (1 + inner(p.a[l], q.a[l])), 0)),
    );
    const square = mean(overlap.map(mean));
    return overlap.map((row, k) => mean(row) / (Math.sqrt(row[k] * square) || 1));
  });
}

// One more example

/** Puts an input of class c, drawn by hand, in the place of example k, or after the last. */
export function putExample(k, x, c) {
  const {y, cost} = classes[c];
  examples[k] = {isDrawn: true, x: x.slice(), y};
  given.inputs[k] = x;
  costs[k] = cost;
  forget();
}

/** Takes away the last example. */
export function dropExample() {
  for (const row of [examples, given.inputs, costs]) row.pop();
  forget();
}

/** Which class an input would be read as. */
export function classOf(x) {
  const out = forward(now.network, x).a[last];
  return out.length > 1 ? argmax(out) : Number(out[0] > 0);
}

// One number, changed

/**
 * A number of the page, by its place: {weight: [l, j, i]}, {bias: [l, j]} or {input: i}, of the example that is chosen.
 * It is `row[at]`; `givenRow(network)` is that row as it was given, and `gradient()` the cost's in it.
 */
export function numberAt(place) {
  if (place.weight) {
    const [l, j, i] = place.weight;
    return {
      row: now.network.weights[l - 1],
      at: j * sizes[l - 1] + i,
      givenRow: network => network.weights[l - 1],
      gradient: () => weightGradient(l, j, i),
    };
  }
  if (place.bias) {
    const [l, j] = place.bias;
    return {
      row: now.network.biases[l - 1],
      at: j,
      givenRow: network => network.biases[l - 1],
      gradient: () => delta(l, j),
    };
  }
  const i = place.input,
    k = now.example;
  const gradient = () => passOf(k).dz[0].reduce((total, d, j) => total + d * weight(1, j, i), 0);
  return {row: examples[k].x, at: i, givenRow: () => given.inputs[k], gradient};
}

/** Whether every example has a cost and a gradient with the numbers that are there now. */
function isSound() {
  return examples.every((_, k) => {
    const {cost, dz} = passOf(k);
    return Number.isFinite(cost) && dz.every(row => row.every(Number.isFinite));
  });
}

/** Puts x there; why that cannot be, or "". */
export function change(place, x) {
  const {row, at} = numberAt(place),
    old = row[at];
  row[at] = x;
  forget();
  if (!isSound()) {
    row[at] = old;
    forget();
    return "There an example has no cost, or no slope.";
  }
  now.isChanged = true;
  return "";
}

/** The cost of the chosen example, were it x; nothing is changed. */
export function costIf(place, x) {
  const {row, at} = numberAt(place),
    old = row[at];
  row[at] = x;
  const {f, constants} = costs[now.example];
  const [cost] = f(forward(now.network, examples[now.example].x).a[last], constants);
  row[at] = old;
  return cost;
}
