// The story: steps and chapters, from the inputs to the step of training.
//
// A step has a title, words, and a scene (see the picture), all functions, since they follow the example that is
// chosen and every number that is changed. Colours mean one thing from the nudges to the end: blue should rise, orange
// should fall; or, turned round, the gradient.

import {byId, data, html, legend, num, range} from "./page.js";
import {
  asked,
  delta,
  examples,
  kinds,
  last,
  now,
  passOf,
  readAs,
  sizes,
  slopesOf,
  still,
  weight,
} from "./model.js";
import {isDigit, isPlane, outputs, shown, side, told} from "./picture.js";
import {ofThePoint, training} from "./training.js";
import {canDraw} from "./drawing.js";
import {
  addedUp,
  biases,
  dearest,
  everywhere,
  loudest,
  pull,
  push,
  raised,
  sensitive,
  steepest,
  wanted,
  wish,
} from "./questions.js";
import {
  agreeList,
  avenueTable,
  biasTable,
  called,
  costTable,
  curves,
  deafest,
  deltaTable,
  example,
  faced,
  filmTable,
  focus,
  followers,
  formula,
  hebb,
  mixed,
  note,
  nudgeTable,
  of,
  plain,
  sumTable,
} from "./words.js";

const count = sizes.slice(1).reduce((total, n, l) => total + n * (sizes[l] + 1), 0);

// Scenes

/** Wires that show the product of two numbers. */
const multiplied = (unit, factors) => ({unit, factors, value: (j, i) => factors(j, i)[0] * factors(j, i)[1]});
const forwardTo = l => () => ({
  lit: l,
  fresh: l > 0,
  fan: l === 1,
  wires: k => k === l && multiplied("w·a", (j, i) => [weight(l, j, i), passOf().a[l - 1][i]]),
});
const nudgedOutputs = (l, j) => (l === last ? faced(passOf().da[last - 1][j]) : undefined);
const scored =
  (more = {}) =>
  () => ({lit: last, targets: true, ...more});
/** The wires of one output, δ times another number: what it asks of its weights, or of the neurons before. */
const avenue = other => () => {
  const chosen = focus(),
    wires = multiplied(called(), (j, i) => [faced(delta(last, j)), other(j, i)]);
  return {
    ...scored()(),
    nudge: (l, j) => (l === last ? faced(delta(last, j)) : undefined),
    focus: chosen,
    wires: l => l === last && {...wires, value: (j, i) => (j === chosen ? wires.value(j, i) : undefined)},
  };
};
const wishes = (l, upto, newest, summed) => () => ({
  lit: last,
  focus: l === last && !summed ? shown[l][upto - 1] : -1,
  nudge: (k, j) => {
    if (k === l) return faced(delta(l, j));
    return summed && k === l - 1 ? faced(passOf().da[l - 2][j]) : undefined;
  },
  columns: {layer: l, upto, newest, summed, turned: now.turned},
});
/** Every weight and bias at once: of one example, or for null on average; or, as they are, the weights. */
const everything = who => () => (now.weighed ? weighed : nudged)(who);
const weighed = () => ({
  lit: last,
  wires: l => ({unit: "w", value: (j, i) => weight(l, j, i)}),
  images: j => now.network.weights[0].subarray(j * sizes[0], (j + 1) * sizes[0]),
});
const nudged = who => ({
  lit: last,
  nudge: (l, j) => (l ? faced(delta(l, j, who())) : undefined),
  rings: true,
  wires: l => {
    const rows = shown[l].map(j => [j, slopesOf(l, j, who())]);
    const slopes = Object.fromEntries(rows),
      k = who(),
      factors = k === null ? null : (j, i) => [faced(delta(l, j, k)), passOf(k).a[l - 1][i]];
    return {unit: of("∂C/∂w"), factors, value: (j, i) => faced(slopes[j][i])};
  },
  images: j => slopesOf(1, j, who()).map(faced),
});

// The steps

/** All steps and chapters. What buttons in them do: `choose` an example, `follow` an output, `turnRound`, `weigh`;
 * `panel`, the element of the last chapter. */
export function story({choose, follow, turnRound, weigh, panel}) {
  const steps = [],
    chapters = [];
  const chapter = name => chapters.push([steps.length, name]);
  let question = null;
  /** What may be asked before the step that comes next here. */
  const asks = before => (question = before);
  const step = (title, words, scene, colours = nudgeColours) => {
    steps.push({title, words, scene, colours, question});
    question = null;
  };

  function nudgeColours() {
    const turn = html(
      "button",
      {
        id: "turn",
        "aria-pressed": now.turned,
        "data-key": "turn",
        title: "the gradient is the reverse",
        onclick: turnRound,
      },
      "show the gradient",
    );
    const group = html("span", {class: "choice"}, turn);
    if (now.turned) legend("raising it raises the cost", "raising it lowers the cost", group);
    else legend("▲ should rise", "▼ should fall", group);
  }
  function weightColours() {
    if (!now.weighed) nudgeColours();
    else legend("weight above 0", "weight below 0");
    const button = html(
      "button",
      {id: "weigh", "aria-pressed": now.weighed, "data-key": "weigh", onclick: weigh},
      "show the weights",
    );
    byId("legend").append(html("span", {class: "choice"}, button));
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
        : `A network ${sizes.join("-")} with ${count} weights and biases, and ` +
          (isPlane ? "one point of the plane: its inputs are where it lies." : "one example of what it should do."),
      "What would make it better at this one? Press play, or the right arrow key.",
      still || `Every number can be changed: click a neuron, ${side ? "a pixel" : "an input"} or a line.`,
      isPlane && !still ? "Or choose another point; or let it run, and watch the line between the colours bend." : "",
      canDraw ? `Or draw ${isDigit ? "a digit" : "an image"} of your own.` : "",
    ],
    forwardTo(0),
    noColours,
  );
  chapter("forward");
  for (const l of range(last).map(n => n + 1)) {
    if (l === last) asks(push);
    step(
      () => (l < last ? `Layer ${l} lights up` : "The outputs light up"),
      () => [
        "Each neuron takes a weighted sum of the layer before, `z = w·a + b`, and turns it into its activation, " +
          `\`a = ${curves(l).join("\` or \`")}\`.`,
        l === last && outputs > 1 ? `The brightest is ${told(last, readAs(now.example))}.` : "",
      ],
      forwardTo(l),
      flowColours,
    );
  }
  chapter("cost");
  step(
    () => "What the outputs should be",
    () => ["Beside each output stands its target. How far off are they?"],
    scored(),
    noColours,
  );
  asks(dearest);
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
  asks(pull);
  step(
    () => "Which way, and how much?",
    () => [
      data.squared
        ? "Each output should move toward its target: the nudge is `2·(target − output)`, so the farther, the stronger."
        : "The nudge to each output is `−∂C/∂a`.",
      nudgeTable(),
      note("A nudge is minus the gradient, for we want the cost to fall: blue should rise, orange should fall."),
    ],
    scored({nudge: nudgedOutputs}),
  );
  if (!plain(last)) throughActivations(last);
  chapter("avenues");
  asks(raised);
  step(
    () => `Avenue 1: the bias of ${told(last, focus())}`,
    () => [
      `How can ${told(last, focus())} be moved? First, by its bias. The nudge is ` +
        "`−∂C/∂b = −δ`, where `δ = ∂C/∂z` is the sensitivity of the cost to the weighted sum.",
      avenueTable(last, focus(), 1),
      followers(follow),
    ],
    avenue(() => 0),
  );
  if (outputs > 1) {
    asks(biases);
    step(
      () => "The biases of all outputs at once",
      () => ["`−∂C/∂b = −δ`: what passed through each output's activation is what its bias should do.", biasTable()],
      scored({nudge: (l, j) => (l === last ? faced(delta(last, j)) : undefined)}),
    );
  }
  asks(sensitive);
  step(
    () => "Avenue 2: its weights, in proportion to activations",
    () => [
      "`−∂C/∂w = −δ·a`. A weight that comes from a bright neuron counts for more: brighter neurons, wider lines.",
      avenueTable(last, focus(), 2),
      followers(follow),
    ],
    avenue((j, i) => passOf().a[last - 1][i]),
  );
  step(
    () => "What fires together",
    () => [
      hebb(),
      "Seen so, the connections that grow most join what is bright with what should become brighter: neurons that " +
        "fire together wire together, as Hebb put it for brains. It is a likeness, and no more than that: here a " +
        "slope " +
        "is followed, and whether brains do anything like it is not known.",
    ],
    avenue((j, i) => passOf().a[last - 1][i]),
  );
  asks(wanted);
  step(
    () => "Avenue 3: the activations, in proportion to weights",
    () => [
      "`−∂C/∂a = −δ·w`. We cannot set activations by hand, but we can note what this output would wish of the " +
        "layer before.",
      avenueTable(last, focus(), 3),
      followers(follow),
    ],
    avenue((j, i) => weight(last, j, i)),
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
      if (!part) asks(() => wish(l, j));
      step(
        () =>
          each
            ? `What ${told(l, j)} asks of the layer before`
            : `What each neuron of layer ${l} asks of layer ${l - 1}`,
        () =>
          each
            ? ["One column of plus and minus: `−δ·w` for every neuron of the layer before.", avenueTable(l, j, 3)]
            : ["Again one column for each neuron: `−δ·w`."],
        wishes(l, upto, before, false),
      );
      before = upto;
    }
    asks(() => addedUp(l));
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
    asks(() => (l === last ? steepest(l) : loudest(l)));
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
  asks(everywhere);
  step(
    () => "Every weight's nudge",
    () => [
      `\`−∂C/∂w = −δ·a\`, for all ${count.toLocaleString("en")} weights and biases at once. Its size is how ` +
        `sensitive the ` +
        `cost is to each. Rings show the biases. ` +
        (side ? "Beside each neuron of layer 1, its weights' nudges as an image. " : "") +
        "Click a neuron to see its numbers.",
    ],
    everything(() => now.example),
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
        ? `Each of these ${examples.length} examples has wishes of its own. The bar shows how far its gradient ` +
          `points along with their average ` +
          "(the cosine, from −1 to 1): blue agrees, orange pulls against."
        : "There is only one example here, so it is its own average.",
      agreeList(choose),
    ],
    everything(() => now.example),
    weightColours,
  );
  step(
    () => `The average over ${examples.length} example${examples.length > 1 ? "s" : ""}`,
    () => [
      "This is minus the gradient of the mini-batch. One step of learning moves every weight and bias a little " +
        "this way. " +
        "Click a neuron: which examples push its bias up, which down?",
      now.weighed || !isPlane ? "" : note(ofThePoint),
    ],
    () => ({...everything(() => null)(), average: true}),
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
    () => ({...everything(() => (training.all ? null : now.example))(), targets: true, average: training.all}),
    weightColours,
  );

  return {steps, chapters};
}
