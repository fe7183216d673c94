// The story: steps and chapters, from the inputs to the step of training.
//
// A step has a title, words, and a scene (see the picture), all functions, since they follow the example that is
// chosen and every number that is changed. Colours mean one thing from the nudges to the end: blue should rise, orange
// should fall; or, turned round, the gradient.

import {byId, data, html, legend, num, range} from "./page.js";
import {
  delta,
  examples,
  isPaired,
  kinds,
  last,
  now,
  passOf,
  readAs,
  sizes,
  still,
  weight,
  weightGradients,
} from "./model.js";
import {exampleName, isDigit, isPlane, neuronName, outputs, shown, side, targetsText} from "./picture.js";
import {POINT_NOTE, training} from "./training.js";
import {canDraw} from "./drawing.js";
import {
  biasSign,
  flowSign,
  largestBiasGradient,
  largestCost,
  largestDelta,
  largestInLayer1,
  largestSlope,
  largestWeightGradient,
  largestWish,
  nudgeSign,
  outputGradientSign,
  wishSign,
} from "./questions.js";
import {
  activationTexts,
  agreeList,
  avenueTable,
  biasTable,
  costTable,
  deltaTable,
  example,
  filmTable,
  focus,
  followButtons,
  hebbText,
  isLinear,
  isMixed,
  letThroughText,
  note,
  nudgeOrGradient,
  nudgeTable,
  shownGradient,
  shownLabel,
  slopeFormula,
  sumTable,
} from "./words.js";

const parameterCount = sizes.slice(1).reduce((total, n, l) => total + n * (sizes[l] + 1), 0);

// Scenes

/** Wires that show the product of two numbers. */
const productWires = (quantity, factors) => ({quantity, factors, value: (j, i) => factors(j, i)[0] * factors(j, i)[1]});
const forwardScene = l => () => ({
  lit: l,
  fresh: l > 0,
  fan: l === 1,
  wires: k => k === l && productWires("w·a", (j, i) => [weight(l, j, i), passOf().a[l - 1][i]]),
});
const outputNudge = (l, j) => (l === last ? shownGradient(passOf().da[last - 1][j]) : undefined);
const targetScene =
  (more = {}) =>
  () => ({lit: last, targets: true, ...more});
/** The wires of one output, δ times another number: the nudges to its weights, or its wishes. */
const avenueScene = other => () => {
  const chosen = focus(),
    wires = productWires(nudgeOrGradient(), (j, i) => [shownGradient(delta(last, j)), other(j, i)]);
  return {
    ...targetScene()(),
    nudge: (l, j) => (l === last ? shownGradient(delta(last, j)) : undefined),
    focus: chosen,
    wires: l => l === last && {...wires, value: (j, i) => (j === chosen ? wires.value(j, i) : undefined)},
  };
};
const wishScene = (l, upto, newest, summed) => () => ({
  lit: last,
  focus: l === last && !summed ? shown[l][upto - 1] : -1,
  nudge: (k, j) => {
    if (k === l) return shownGradient(delta(l, j));
    return summed && k === l - 1 ? shownGradient(passOf().da[l - 2][j]) : undefined;
  },
  columns: {layer: l, upto, newest, summed, turned: now.showsGradient},
});
/** Every weight and bias at once: the nudges of one example, or for null on average; or the weights themselves. */
const networkScene = which => () => (now.showsWeights ? weightScene : nudgeScene)(which);
const weightScene = () => ({
  lit: last,
  wires: l => ({quantity: "w", value: (j, i) => weight(l, j, i)}),
  images: j => now.network.weights[0].subarray(j * sizes[0], (j + 1) * sizes[0]),
});
const nudgeScene = which => ({
  lit: last,
  nudge: (l, j) => (l ? shownGradient(delta(l, j, which())) : undefined),
  rings: true,
  wires: l => {
    const rows = shown[l].map(j => [j, weightGradients(l, j, which())]);
    const gradients = Object.fromEntries(rows),
      k = which(),
      factors = k === null ? null : (j, i) => [shownGradient(delta(l, j, k)), passOf(k).a[l - 1][i]];
    return {quantity: shownLabel("∂C/∂w"), factors, value: (j, i) => shownGradient(gradients[j][i])};
  },
  images: j => weightGradients(1, j, which()).map(shownGradient),
});

// The steps

/** All steps and chapters. What buttons in them do: `choose` an example, `follow` an output, `toggleGradient`,
 * `toggleWeights`; `panel`, the element of the last chapter. */
export function story({choose, follow, toggleGradient, toggleWeights, panel}) {
  const steps = [],
    chapters = [];
  const chapter = name => chapters.push([steps.length, name]);
  let question = null;
  /** What may be asked before the step that comes next here. */
  const askFirst = make => (question = make);
  const step = (title, words, scene, colours = nudgeColours) => {
    steps.push({title, words, scene, colours, question});
    question = null;
  };

  function nudgeColours() {
    const turn = html(
      "button",
      {
        id: "turn",
        "aria-pressed": now.showsGradient,
        "data-key": "turn",
        title: "the gradient is the reverse",
        onclick: toggleGradient,
      },
      "show the gradient",
    );
    const group = html("span", {class: "choice"}, turn);
    if (now.showsGradient) legend("raising it raises the cost", "raising it lowers the cost", group);
    else legend("▲ should rise", "▼ should fall", group);
  }
  function weightColours() {
    if (!now.showsWeights) nudgeColours();
    else legend("weight above 0", "weight below 0");
    const button = html(
      "button",
      {id: "weigh", "aria-pressed": now.showsWeights, "data-key": "weigh", onclick: toggleWeights},
      "show the weights",
    );
    byId("legend").append(html("span", {class: "choice"}, button));
  }
  const flowColours = () => legend("w·a above 0", "w·a below 0", "width is strength");
  const noColours = () =>
    byId("legend").replaceChildren(html("span", {class: "aside"}, "the fuller a neuron, the larger its activation"));

  chapter(side ? "image" : "input");
  step(
    () => (side ? `An image${isDigit ? ` of a ${exampleName()}` : ""}` : `The input ${exampleName()}`),
    () => [
      side
        ? `${sizes[0]} pixels, each a number from 0, paper, to 1, ink. They are the activations of the first layer. ` +
          `The network: ${sizes.join("-")}, ${parameterCount.toLocaleString("en")} weights and biases.`
        : `A network ${sizes.join("-")} with ${parameterCount} weights and biases, and ` +
          (isPlane ? "one point of the plane: its inputs are where it lies." : "one example of what it should do."),
      "What would make it better at this one? Press play, or the right arrow key.",
      still || `Every number can be changed: click a neuron, ${side ? "a pixel" : "an input"} or a line.`,
      isPlane && !still ? "Or choose another point; or let it run, and watch the line between the colours bend." : "",
      canDraw ? `Or draw ${isDigit ? "a digit" : "an image"} of your own.` : "",
    ],
    forwardScene(0),
    noColours,
  );
  chapter("forward");
  for (const l of range(last).map(n => n + 1)) {
    if (l === last) askFirst(flowSign);
    step(
      () => (l < last ? `Layer ${l} lights up` : "The outputs light up"),
      () => [
        "Each neuron takes a weighted sum of the layer before, `z = w·a + b`, and turns it into its activation, " +
          `\`a = ${activationTexts(l).join("\` or \`")}\`.`,
        l === last && outputs > 1 && readAs(now.example) >= 0
          ? `The brightest is ${neuronName(last, readAs(now.example))}.`
          : "",
      ],
      forwardScene(l),
      flowColours,
    );
  }
  chapter("cost");
  step(
    () => "What the outputs should be",
    () => [
      isPaired
        ? "Beside each output stands its target. How far off are they?"
        : `No output has a target of its own: the cost takes them all, and ${targetsText()}.`,
    ],
    targetScene(),
    noColours,
  );
  askFirst(largestCost);
  step(
    () => ["The cost is ", html("b", {id: "cost"}, num(passOf().cost))],
    () => [
      data.squared
        ? "Each output's difference from its target, squared; then all are added up."
        : `Here the cost is ${data.cost}, ` +
          `a function of the outputs and ${isPaired ? "their targets" : targetsText()}. ` +
          "Its gradient in each output says where to push.",
      costTable(),
    ],
    targetScene(),
    noColours,
  );
  chapter("nudges");
  askFirst(outputGradientSign);
  step(
    () => "Which way, and how much?",
    () => [
      data.squared
        ? "Each output should move toward its target: the nudge is `2·(target − output)`, so the farther, the stronger."
        : "The nudge to each output is `−∂C/∂a`.",
      nudgeTable(),
      note("A nudge is minus the gradient, for we want the cost to fall: blue should rise, orange should fall."),
    ],
    targetScene({nudge: outputNudge}),
  );
  if (!isLinear(last)) throughActivations(last);
  chapter("avenues");
  askFirst(biasSign);
  step(
    () => `Avenue 1: the bias of ${neuronName(last, focus())}`,
    () => [
      `How can ${neuronName(last, focus())} be moved? First, by its bias. The nudge is ` +
        "`−∂C/∂b = −δ`, where `δ = ∂C/∂z` is the sensitivity of the cost to the weighted sum.",
      avenueTable(last, focus(), 1),
      followButtons(follow),
    ],
    avenueScene(() => 0),
  );
  if (outputs > 1) {
    askFirst(largestBiasGradient);
    step(
      () => "The biases of all outputs at once",
      () => ["`−∂C/∂b = −δ`: what passed through each output's activation is what its bias should do.", biasTable()],
      targetScene({nudge: (l, j) => (l === last ? shownGradient(delta(last, j)) : undefined)}),
    );
  }
  askFirst(largestWeightGradient);
  step(
    () => "Avenue 2: its weights, in proportion to activations",
    () => [
      "`−∂C/∂w = −δ·a`. A weight that comes from a bright neuron counts for more: brighter neurons, wider lines.",
      avenueTable(last, focus(), 2),
      followButtons(follow),
    ],
    avenueScene((j, i) => passOf().a[last - 1][i]),
  );
  step(
    () => "What fires together",
    () => [
      hebbText(),
      "Seen so, the connections that grow most join what is bright with what should become brighter: neurons that " +
        "fire together wire together, as Hebb put it for brains. It is a likeness, and no more than that: here a " +
        "slope " +
        "is followed, and whether brains do anything like it is not known.",
    ],
    avenueScene((j, i) => passOf().a[last - 1][i]),
  );
  askFirst(largestWish);
  step(
    () => "Avenue 3: the activations, in proportion to weights",
    () => [
      "`−∂C/∂a = −δ·w`. We cannot set activations by hand, but we can note what this output would wish of the " +
        "layer before.",
      avenueTable(last, focus(), 3),
      followButtons(follow),
    ],
    avenueScene((j, i) => weight(last, j, i)),
  );

  for (let l = last; l > 1; l--) {
    const neurons = shown[l],
      isOutput = l === last;
    chapter(isOutput ? "wishes" : l === last - 1 ? "one layer back" : `back to layer ${l - 1}`);
    if (!isOutput) throughActivations(l);
    const parts = isOutput ? neurons.length : Math.min(4, neurons.length); // one column at a time, or a few
    let before = 0;
    for (const part of range(parts)) {
      const upto = Math.ceil(((part + 1) * neurons.length) / parts),
        j = neurons[upto - 1];
      if (!part) askFirst(() => wishSign(l, j));
      step(
        () =>
          isOutput
            ? `What ${neuronName(l, j)} asks of the layer before`
            : `What each neuron of layer ${l} asks of layer ${l - 1}`,
        () =>
          isOutput
            ? ["One column of plus and minus: `−δ·w` for every neuron of the layer before.", avenueTable(l, j, 3)]
            : ["Again one column for each neuron: `−δ·w`."],
        wishScene(l, upto, before, false),
      );
      before = upto;
    }
    askFirst(() => nudgeSign(l));
    step(
      () => "All wishes, added up",
      () => [
        "Each neuron is pulled many ways at once. The sum, on the left, is what the whole layer above " +
          "asks of it: exactly `−∂C/∂a`.",
        sumTable(l - 1),
      ],
      wishScene(l, neurons.length, neurons.length, true),
    );
  }
  if (last > 1) {
    if (last === 2) chapter("one layer back");
    throughActivations(1);
  }
  /** The step from the nudges to a layer's activations to its δ. */
  function throughActivations(l) {
    const layer = l === last ? "the outputs" : `layer ${l}`;
    askFirst(() => (l === last ? largestSlope(l) : largestDelta(l)));
    step(
      () => `Through the ${isMixed(l) ? "activations" : kinds[l - 1][0]} of ${layer}`,
      () => [
        "What is asked of an activation passes to its weighted sum: `δ = ∂C/∂a · f′(z)`, " +
          (slopeFormula(l)
            ? `where \`f′(z) = ${slopeFormula(l)}\`. `
            : "with the slope f′ of each neuron's own activation. ") +
          "Where f is flat, little gets through.",
        letThroughText(l),
        deltaTable(l),
      ],
      () => ({lit: last, targets: l === last, nudge: (k, j) => (k === l ? shownGradient(delta(l, j)) : undefined)}),
    );
  }
  chapter("weights");
  askFirst(largestInLayer1);
  step(
    () => "Every weight's nudge",
    () => [
      `\`−∂C/∂w = −δ·a\`, for all ${parameterCount.toLocaleString("en")} weights and biases at once. Its size is how ` +
        `sensitive the ` +
        `cost is to each. Rings show the biases. ` +
        (side ? "Beside each neuron of layer 1, its weights' nudges as an image. " : "") +
        "Click a neuron to see its numbers.",
    ],
    networkScene(() => now.example),
    weightColours,
  );
  chapter("average");
  if (examples.length > 1)
    step(
      () => "What every example asks of the weights",
      () => [
        "One row for each of a few weights, one column for each example: `−∂C/∂w`. Each example has its own idea " +
          "of how " +
          "every weight should change; the last column is the average of all of them, and that is what is followed.",
      ],
      () => ({table: filmTable}),
    );
  step(
    () => "Who agrees with whom?",
    () => [
      examples.length > 1
        ? `Each of these ${examples.length} examples has nudges of its own. The bar shows how far its gradient ` +
          `points along with their average ` +
          "(the cosine, from −1 to 1): blue agrees, orange pulls against."
        : "There is only one example here, so it is its own average.",
      agreeList(choose),
    ],
    networkScene(() => now.example),
    weightColours,
  );
  step(
    () => `The average over ${examples.length} example${examples.length > 1 ? "s" : ""}`,
    () => [
      "This is minus the gradient of the mini-batch. One step of learning moves every weight and bias a little " +
        "this way. " +
        "Click a neuron: which examples push its bias up, which down?",
      now.showsWeights || !isPlane ? "" : note(POINT_NOTE),
    ],
    () => ({...networkScene(() => null)(), average: true}),
    weightColours,
  );
  chapter("the step");
  step(
    () => "Take the step",
    () => [
      training.costs.length
        ? ""
        : "Every weight and bias moves at once, `θ ← θ − η ∂C/∂θ`. " +
          "The smaller the step, the nearer to what is foretold.",
      panel,
    ],
    () => ({...networkScene(() => (training.all ? null : now.example))(), targets: true, average: training.all}),
    weightColours,
  );

  return {steps, chapters};
}
