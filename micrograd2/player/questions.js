// What is asked of a network before a step of its story: the three avenues (its bias; its weights, in proportion to
// activations; the activations before it, in proportion to weights), the wishes that are added up, and what a flat
// activation lets through.
//
// Each number that is asked about has a name and a place, such as ["weight", layer, neuron, neuron before], and is the
// one that the step shows. What tempts is offered too: a large weight from a dark neuron, a large nudge to a flat one.

import {data, largestSize, num, range, signedNum} from "./page.js";
import {delta, isPaired, kinds, last, now, passOf, sizes, weight, weightGradient, wish} from "./model.js";
import {neuronName, outputs, shown, side} from "./picture.js";
import {example, focus, isMixed, shownGradient, shownLabel, withFormulas} from "./words.js";
import {whichMost, whichSign} from "./asking.js";

const numbers = {
  flow: (l, j, i) => weight(l, j, i) * passOf().a[l - 1][i],
  part: j => (passOf().a[last][j] - example().y[j]) ** 2,
  upstream: (l, j) => passOf().da[l - 1][j],
  slope: (l, j) => passOf().slopes[l - 1][j],
  bias: delta,
  weight: (l, j, i) => weightGradient(l, j, i),
  wish,
  nudge: (l, i) => 0 - passOf().da[l - 1][i], // all wishes, added up
};
const withValue = ([name, ...place]) => ({number: [name, ...place], value: numbers[name](...place)});
const nameBefore = (l, i) => (l === 1 ? neuronName(0, i) : `neuron ${i}`); // before layer l
const activation = (l, j) => passOf().a[l][j];
const outputText = j => `a = ${num(activation(last, j), 3)}, target ${num(example().y[j])}`;
const candidate = (number, text, more, tempting, mark) => ({...withValue(number), text, more, tempting, mark});
/** One of some, by the example and the place, so that not every question is about the same. */
const oneOf = (some, salt) => some[(now.example + salt) % some.length];
/** What has a size worth asking about: a tenth of the largest, or more. */
const strongOf = (some, value) => {
  const top = largestSize(some.map(value));
  return some.filter(one => Math.abs(value(one)) >= 0.1 * top && top > 0);
};

const nudgeText = v => `raising it ${v > 0 ? "raises" : "lowers"} the cost, so its nudge is ${signedNum(0 - v)}.`;

/** Forward: which way does a neuron push an output? */
export function flowSign() {
  const j = focus(),
    i = oneOf(strongOf(shown[last - 1], n => numbers.flow(last, j, n)), 0);
  if (i === undefined) return null;
  return whichSign({
    title: "Up or down?",
    words: [
      `The activation of ${nameBefore(last, i)} is ${num(activation(last - 1, i))}, ` +
        `its weight to ${neuronName(last, j)} ${num(weight(last, j, i))}. ` +
        `Does it push the weighted sum of ${neuronName(last, j)} up or down?`,
    ],
    ...withValue(["flow", last, j, i]),
    signs: ["up", "down"],
    solution: value => `w·a = ${num(weight(last, j, i))} × ${num(activation(last - 1, i))} = ${num(value)}.`,
    marks: [
      [last, j],
      [last - 1, i],
    ],
  });
}

/** Whose part of the cost is the largest? */
export function largestCost() {
  if (!data.squared || outputs < 2) return null;
  return whichMost({
    title: "Which output costs most?",
    words: ["The cost adds up how far each output is from its target, squared. Whose part is the largest?"],
    candidates: shown[last].map(j => candidate(["part", j], neuronName(last, j), outputText(j), undefined, [last, j])),
    quantity: () => "(a − y)²",
  });
}

/** What if an output itself were larger? */
export function outputGradientSign() {
  const j = oneOf(strongOf(shown[last], n => numbers.upstream(last, n)), 1);
  if (j === undefined || !isPaired) return null;
  return whichSign({
    title: "Up or down?",
    words: [`Of ${neuronName(last, j)}: ${outputText(j)}. If it were a little larger, would the cost go up or down?`],
    ...withValue(["upstream", last, j]),
    signs: ["up", "down"],
    solution: value => `∂C/∂a = ${signedNum(value)}: ${nudgeText(value)}`,
    marks: [[last, j]],
  });
}

const neuronText = (l, j) =>
  (isMixed(l) ? `${kinds[l - 1][j]}, ` : "") +
  (/sigmoid|tanh/.test(kinds[l - 1][j]) ? `a = ${num(activation(l, j), 3)}` : `z = ${num(passOf().z[l - 1][j], 3)}`);

/** Whose slope f′(z) is the largest? */
export function largestSlope(l) {
  return whichMost({
    title: "Which hears most?",
    words: [
      `What is asked of an activation passes to its weighted sum through its slope, f′(z): where the ` +
        `${isMixed(l) ? "activation" : kinds[l - 1][0]} is flat, little gets through. Which lets most of it through?`,
    ],
    candidates: shown[l].map(j =>
      candidate(["slope", l, j], neuronName(l, j), neuronText(l, j), Math.abs(numbers.upstream(l, j)), [l, j]),
    ),
    quantity: () => "f′(z)",
  });
}

/** Whose δ is the largest, a large ∂C/∂a through a flat activation or a small one through a steep? */
export function largestDelta(l) {
  return whichMost({
    title: "Which δ is the strongest?",
    words: [withFormulas("`δ = ∂C/∂a · f′(z)`: what is asked of it, and how much of that is let through.")],
    candidates: shown[l].map(j =>
      candidate(
        ["bias", l, j],
        neuronName(l, j),
        `${shownLabel("∂C/∂a")} = ${num(shownGradient(numbers.upstream(l, j)), 3)}, ${neuronText(l, j)}`,
        Math.abs(numbers.upstream(l, j)),
        [l, j],
      ),
    ),
    quantity: () => shownLabel("δ"),
    asShown: shownGradient,
  });
}

/** Avenue 1: what if the bias were larger? */
export function biasSign() {
  const j = focus();
  if (!isPaired) return null;
  return whichSign({
    title: "Up or down?",
    words: [`Of ${neuronName(last, j)}: ${outputText(j)}. Raise its bias a little: does the cost go up or down?`],
    ...withValue(["bias", last, j]),
    signs: ["up", "down"],
    solution: value => `∂C/∂b = δ = ${signedNum(value)}: ${nudgeText(value)}`,
    marks: [[last, j]],
  });
}

/** To which output's bias is the cost most sensitive? */
export function largestBiasGradient() {
  if (!isPaired) return null;
  return whichMost({
    title: "Which bias matters most?",
    words: ["For the cost of this example: look how far each is off, and how much its activation lets through."],
    candidates: shown[last].map(j =>
      candidate(["bias", last, j], neuronName(last, j), outputText(j), Math.abs(numbers.upstream(last, j)), [last, j]),
    ),
    quantity: () => shownLabel("∂C/∂b"),
    asShown: shownGradient,
  });
}

const factorsText = (l, j, i) => `a = ${num(activation(l - 1, i), 3)}, w = ${num(weight(l, j, i), 3)}`;

/** Avenue 2: to which weight is the cost most sensitive? A large one from a dark neuron tempts. */
export function largestWeightGradient() {
  const j = focus();
  return whichMost({
    title: "Which weight most?",
    words: [`Change one weight of ${neuronName(last, j)} a little. With which of these does the cost change most?`],
    candidates: shown[last - 1].map(i =>
      candidate(
        ["weight", last, j, i],
        `from ${nameBefore(last, i)}`,
        factorsText(last, j, i),
        Math.abs(weight(last, j, i)),
        [last - 1, i],
      ),
    ),
    quantity: () => shownLabel("∂C/∂w"),
    asShown: shownGradient,
  });
}

/** Avenue 3: for which activation is its wish the largest? A bright one with a small weight tempts. */
export function largestWish() {
  const j = focus();
  return whichMost({
    title: "Which activation most?",
    words: [`If it could choose, which of these should change most, to move ${neuronName(last, j)}?`],
    candidates: shown[last - 1].map(i =>
      candidate(
        ["wish", last, j, i],
        nameBefore(last, i),
        factorsText(last, j, i),
        Math.abs(activation(last - 1, i)),
        [last - 1, i],
      ),
    ),
    quantity: () => shownLabel("∂C/∂a"),
    asShown: v => shownGradient(0 - v),
  });
}

/** Which sign has the wish of neuron j of layer l for one before? */
export function wishSign(l, j) {
  const i = oneOf(strongOf(shown[l - 1], n => numbers.wish(l, j, n)), l + j);
  if (i === undefined) return null;
  const should = delta(l, j) < 0 ? "rise" : "fall";
  return whichSign({
    title: "Plus or minus?",
    words: [
      `The weighted sum of ${neuronName(l, j)} should ${should}. Its weight from ${nameBefore(l, i)} is ` +
        `${num(weight(l, j, i))}. What it asks of ${nameBefore(l, i)}: plus or minus?`,
    ],
    ...withValue(["wish", l, j, i]),
    signs: ["plus", "minus"],
    solution: value => `−δ·w = ${num(0 - delta(l, j))} × ${num(weight(l, j, i))} = ${signedNum(value)}.`,
    marks: [
      [l, j],
      [l - 1, i],
    ],
  });
}

/** All wishes of layer l for one neuron before it: where they disagree most, and yet the strongest give the sign. */
export function nudgeSign(l) {
  if (sizes[l] < 2) return null;
  const all = i => range(sizes[l]).map(j => [j, wish(l, j, i)]),
    strongest = i => all(i).sort(([, v], [, w]) => Math.abs(w) - Math.abs(v)).slice(0, 4),
    sum = pairs => pairs.reduce((total, [, v]) => total + v, 0),
    size = i => all(i).reduce((total, [, v]) => total + Math.abs(v), 0),
    agreedShare = i => numbers.nudge(l - 1, i) / size(i);
  const [i] = shown[l - 1]
    .filter(n => Math.abs(agreedShare(n)) > 0.2 && Math.sign(agreedShare(n)) * sum(strongest(n)) > 0.1 * size(n))
    .sort((p, q) => Math.abs(agreedShare(p)) - Math.abs(agreedShare(q)));
  if (i === undefined) return null;
  const list = strongest(i).map(([j, v]) => `${signedNum(v, 2)} by ${l === last ? neuronName(l, j) : `neuron ${j}`}`),
    more = sizes[l] > 4 ? `, and less by ${sizes[l] - 4} more` : "";
  return whichSign({
    title: "Plus or minus?",
    words: [
      `Look along the row of ${neuronName(l - 1, i)}. It is asked ${list.join(", ")}${more}. ` +
        "All wishes added up: plus or minus?",
    ],
    ...withValue(["nudge", l - 1, i]),
    signs: ["plus", "minus"],
    solution: value => `The sum is ${signedNum(value)}, which is −∂C/∂a of ${neuronName(l - 1, i)}.`,
    among: size(i),
    marks: [[l - 1, i]],
  });
}

/** Of weights of layer 1, one for each neuron: from ink, from grey, from paper. */
export function largestInLayer1() {
  const {a} = passOf(),
    nearest = x => a[0].reduce((best, v, i) => (Math.abs(v - x) < Math.abs(a[0][best] - x) ? i : best), 0),
    inputs = side ? [1, 0.5, 0.2, 0].map(nearest) : shown[0];
  const pairs = shown[1].map(j => [j, oneOf(inputs, j)]);
  return whichMost({
    title: "Which weight most?",
    words: [withFormulas("Which of these matters most for the cost? `∂C/∂w = δ·a`.")],
    candidates: pairs.map(([j, i]) =>
      candidate(
        ["weight", 1, j, i],
        `${nameBefore(1, i)} → ${last === 1 ? neuronName(1, j) : `neuron ${j}`}`,
        `a = ${num(a[0][i], 3)}, ${shownLabel("δ")} = ${num(shownGradient(delta(1, j)), 3)}`,
        Math.abs(delta(1, j)),
        [1, j],
      ),
    ),
    quantity: () => shownLabel("∂C/∂w"),
    asShown: shownGradient,
  });
}
