// What is asked of a network before a step of its story: the three avenues (its bias; its weights, in proportion to
// activations; the activations before it, in proportion to weights), the wishes that are added up, and what a flat
// activation lets through.
//
// Each number that is asked about has a name and a place, such as ["weight", layer, neuron, neuron before], and is the
// one that the step shows. What tempts is offered too: a large weight from a dark neuron, a strong pull on a flat one.

import {data, most, num, range, signed} from "./page.js";
import {asked, delta, kinds, last, now, passOf, sizes, slope, weight} from "./model.js";
import {outputs, shown, side, told} from "./picture.js";
import {example, faced, focus, mixed, of, unbroken} from "./words.js";
import {whichMost, whichSign} from "./asking.js";

const numbers = {
  flow: (l, j, i) => weight(l, j, i) * passOf().a[l - 1][i],
  part: j => (passOf().a[last][j] - example().y[j]) ** 2,
  pull: (l, j) => passOf().da[l - 1][j],
  passes: (l, j) => passOf().slopes[l - 1][j],
  bias: delta,
  weight: (l, j, i) => slope(l, j, i),
  wish: asked,
  wishes: (l, i) => 0 - passOf().da[l - 1][i], // added up
};
const numbered = ([name, ...place]) => ({of: [name, ...place], value: numbers[name](...place)});
const from = (l, i) => (l === 1 ? told(0, i) : `neuron ${i}`); // before layer l
const activation = (l, j) => passOf().a[l][j];
/** Whether each output has a target of its own. */
const isPaired = () => example().y.length === outputs;
const stand = j => `a = ${num(activation(last, j), 3)}, target ${num(example().y[j], 2)}`;
const which = (of, text, more, tempting, mark) => ({...numbered(of), text, more, tempting, mark});
/** One of some, by the example and the place, so that not every question is about the same. */
const oneOf = (some, salt) => some[(now.example + salt) % some.length];
/** What has a size worth asking about: a tenth of the largest, or more. */
const strong = (some, value) => {
  const top = most(some.map(value));
  return some.filter(one => Math.abs(value(one)) >= 0.1 * top && top > 0);
};

const meant = v => `raising it ${v > 0 ? "raises" : "lowers"} the cost, so its nudge is ${signed(0 - v)}.`;

/** Forward: which way does a neuron push an output? */
export function push() {
  const j = focus(),
    i = oneOf(strong(shown[last - 1], n => numbers.flow(last, j, n)), 0);
  if (i === undefined) return null;
  return whichSign({
    title: "Up or down?",
    words: [
      `The activation of ${from(last, i)} is ${num(activation(last - 1, i))}, its weight to ${told(last, j)} ` +
        `${num(weight(last, j, i))}. Does it push the weighted sum of ${told(last, j)} up or down?`,
    ],
    ...numbered(["flow", last, j, i]),
    signs: ["up", "down"],
    told: value => `w·a = ${num(weight(last, j, i))} × ${num(activation(last - 1, i))} = ${num(value)}.`,
    marks: [
      [last, j],
      [last - 1, i],
    ],
  });
}

/** Which output costs most? */
export function dearest() {
  if (!data.squared || outputs < 2) return null;
  return whichMost({
    title: "Which output costs most?",
    words: ["The cost adds up how far each output is from its target, squared. Whose part is the largest?"],
    candidates: shown[last].map(j => which(["part", j], told(last, j), stand(j), undefined, [last, j])),
    unit: () => "(a − y)²",
  });
}

/** What if an output itself were larger? */
export function pull() {
  const j = oneOf(strong(shown[last], n => numbers.pull(last, n)), 1);
  if (j === undefined || !isPaired()) return null;
  return whichSign({
    title: "Up or down?",
    words: [`Of ${told(last, j)}: ${stand(j)}. If it were a little larger, would the cost go up or down?`],
    ...numbered(["pull", last, j]),
    signs: ["up", "down"],
    told: value => `∂C/∂a = ${signed(value)}: ${meant(value)}`,
    marks: [[last, j]],
  });
}

const state = (l, j) =>
  (mixed(l) ? `${kinds[l - 1][j]}, ` : "") +
  (/sigmoid|tanh/.test(kinds[l - 1][j]) ? `a = ${num(activation(l, j), 3)}` : `z = ${num(passOf().z[l - 1][j], 3)}`);

/** Whose activation is the steepest? */
export function steepest(l) {
  return whichMost({
    title: "Which hears most?",
    words: [
      `What is asked of an activation passes to its weighted sum through its slope, f′(z): where the ` +
        `${mixed(l) ? "activation" : kinds[l - 1][0]} is flat, little gets through. Which lets most of it through?`,
    ],
    candidates: shown[l].map(j =>
      which(["passes", l, j], told(l, j), state(l, j), Math.abs(numbers.pull(l, j)), [l, j]),
    ),
    unit: () => "f′(z)",
  });
}

/** Whose δ is the largest, a strong pull through a flat activation or a weak one through a steep? */
export function loudest(l) {
  return whichMost({
    title: "Which δ is the strongest?",
    words: [unbroken("`δ = ∂C/∂a · f′(z)`: what is asked of it, and how much of that is let through.")],
    candidates: shown[l].map(j =>
      which(
        ["bias", l, j],
        told(l, j),
        `${of("∂C/∂a")} = ${num(faced(numbers.pull(l, j)), 3)}, ${state(l, j)}`,
        Math.abs(numbers.pull(l, j)),
        [l, j],
      ),
    ),
    unit: () => of("δ"),
    facing: faced,
  });
}

/** Avenue 1: what if the bias were larger? */
export function raised() {
  const j = focus();
  if (!isPaired()) return null;
  return whichSign({
    title: "Up or down?",
    words: [`Of ${told(last, j)}: ${stand(j)}. Raise its bias a little: does the cost go up or down?`],
    ...numbered(["bias", last, j]),
    signs: ["up", "down"],
    told: value => `∂C/∂b = δ = ${signed(value)}: ${meant(value)}`,
    marks: [[last, j]],
  });
}

/** Which output's bias matters most? */
export function biases() {
  if (!isPaired()) return null;
  return whichMost({
    title: "Which bias matters most?",
    words: ["For the cost of this example: look how far each is off, and how much its activation lets through."],
    candidates: shown[last].map(j =>
      which(["bias", last, j], told(last, j), stand(j), Math.abs(numbers.pull(last, j)), [last, j]),
    ),
    unit: () => of("∂C/∂b"),
    facing: faced,
  });
}

const both = (l, j, i) => `a = ${num(activation(l - 1, i), 3)}, w = ${num(weight(l, j, i), 3)}`;

/** Avenue 2: which weight matters most? A large one from a dark neuron tempts. */
export function sensitive() {
  const j = focus();
  return whichMost({
    title: "Which weight most?",
    words: [`Change one weight of ${told(last, j)} a little. With which of these does the cost change most?`],
    candidates: shown[last - 1].map(i =>
      which(["weight", last, j, i], `from ${from(last, i)}`, both(last, j, i), Math.abs(weight(last, j, i)), [
        last - 1,
        i,
      ]),
    ),
    unit: () => of("∂C/∂w"),
    facing: faced,
  });
}

/** Avenue 3: of which neuron is most asked? A bright one with a small weight tempts. */
export function wanted() {
  const j = focus();
  return whichMost({
    title: "Which activation most?",
    words: [`If it could choose, which of these should change most, to move ${told(last, j)}?`],
    candidates: shown[last - 1].map(i =>
      which(["wish", last, j, i], from(last, i), both(last, j, i), Math.abs(activation(last - 1, i)), [last - 1, i]),
    ),
    unit: () => of("∂C/∂a"),
    facing: v => faced(0 - v),
  });
}

/** What does neuron j of layer l ask of one before? */
export function wish(l, j) {
  const i = oneOf(strong(shown[l - 1], n => numbers.wish(l, j, n)), l + j);
  if (i === undefined) return null;
  const should = delta(l, j) < 0 ? "rise" : "fall";
  return whichSign({
    title: "Plus or minus?",
    words: [
      `The weighted sum of ${told(l, j)} should ${should}. Its weight from ${from(l, i)} is ${num(weight(l, j, i))}. ` +
        `What it asks of ${from(l, i)}: plus or minus?`,
    ],
    ...numbered(["wish", l, j, i]),
    signs: ["plus", "minus"],
    told: value => `−δ·w = ${num(0 - delta(l, j))} × ${num(weight(l, j, i))} = ${signed(value)}.`,
    marks: [
      [l, j],
      [l - 1, i],
    ],
  });
}

/** All wishes of layer l for one neuron before it: where they disagree most, and yet the strongest tell the sign. */
export function addedUp(l) {
  if (sizes[l] < 2) return null;
  const all = i => range(sizes[l]).map(j => [j, asked(l, j, i)]),
    strongest = i => all(i).sort(([, v], [, w]) => Math.abs(w) - Math.abs(v)).slice(0, 4),
    sum = pairs => pairs.reduce((total, [, v]) => total + v, 0),
    size = i => all(i).reduce((total, [, v]) => total + Math.abs(v), 0),
    agreed = i => numbers.wishes(l - 1, i) / size(i);
  const [i] = shown[l - 1]
    .filter(n => Math.abs(agreed(n)) > 0.2 && Math.sign(agreed(n)) * sum(strongest(n)) > 0.1 * size(n))
    .sort((p, q) => Math.abs(agreed(p)) - Math.abs(agreed(q)));
  if (i === undefined) return null;
  const list = strongest(i).map(([j, v]) => `${signed(v, 2)} by ${l === last ? told(l, j) : `neuron ${j}`}`),
    more = sizes[l] > 4 ? `, and less by ${sizes[l] - 4} more` : "";
  return whichSign({
    title: "Plus or minus?",
    words: [
      `Look along the row of ${told(l - 1, i)}. It is asked ${list.join(", ")}${more}. ` +
        "All wishes added up: plus or minus?",
    ],
    ...numbered(["wishes", l - 1, i]),
    signs: ["plus", "minus"],
    told: value => `The sum is ${signed(value)}, which is −∂C/∂a of ${told(l - 1, i)}.`,
    among: size(i),
    marks: [[l - 1, i]],
  });
}

/** Of weights of layer 1, one for each neuron: from ink, from grey, from paper. */
export function everywhere() {
  const {a} = passOf(),
    nearest = x => a[0].reduce((best, v, i) => (Math.abs(v - x) < Math.abs(a[0][best] - x) ? i : best), 0),
    inputs = side ? [1, 0.5, 0.2, 0].map(nearest) : shown[0];
  const pairs = shown[1].map(j => [j, oneOf(inputs, j)]);
  return whichMost({
    title: "Which weight most?",
    words: [unbroken("Which of these matters most for the cost? `∂C/∂w = δ·a`.")],
    candidates: pairs.map(([j, i]) =>
      which(
        ["weight", 1, j, i],
        `${from(1, i)} → ${last === 1 ? told(1, j) : `neuron ${j}`}`,
        `a = ${num(a[0][i], 3)}, ${of("δ")} = ${num(faced(delta(1, j)), 3)}`,
        Math.abs(delta(1, j)),
        [1, j],
      ),
    ),
    unit: () => of("∂C/∂w"),
    facing: faced,
  });
}
