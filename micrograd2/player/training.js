// The step: choose how far, and whom to listen to; press, and see what was foretold beside what happened.

import {choice, html, num, range, signedNum, svg} from "./page.js";
import {areClasses, costNow, descend, examples, isRight, names, now, readAs, sensibleRate, still} from "./model.js";
import {exampleName, isDigit, isPlane, outputs} from "./picture.js";

const RATES = [0.03, 0.1, 0.3, 1, 3, 10];
const CURVE = {wide: 280, high: 84};

/** What was chosen, the rate only once it is needed; and what happened: the average cost after every step. */
export const training = {rate: null, all: true, costs: [], latest: null, running: 0, failed: false};

/** How an average is shown. */
export const POINT_NOTE = "Neurons are filled as the chosen point makes them; rings and lines are averages over all.";

const thisExample = () => `this ${isDigit ? exampleName() : "example"}`;
const aloneText = () => `Listen only to ${thisExample()}`;
/** The example that a step is for; null for the average. */
const stepExample = () => (training.all ? null : now.example);

/**
 * The panel of the chapter; `onstep` is called after every step, to draw the rest, and `onrun` when it begins to run
 * and when it stops; `playBack` plays the backward pass of what has been reached. It stays the same element.
 */
export function trainer({onstep, onrun, playBack}) {
  const results = html("div", {}),
    curve = svg("svg", {class: "plot", viewBox: `0 0 ${CURVE.wide} ${CURVE.high}`, role: "img"}),
    choices = html("div", {class: "row"});
  const take = html("button", {class: "go", onclick: () => step(), "data-key": "take"}, "Take the step"),
    run = html("button", {onclick: () => (training.running ? stop() : start()), "data-key": "run"}),
    only = html("button", {onclick: () => listen(), "data-key": "only"}),
    back = html("button", {onclick: playBack, "data-key": "back"}, "Play the backward pass");
  const element = html(
    "div",
    {class: "trainer"},
    choices,
    html("div", {class: "row"}, take, run, only, back),
    results,
    curve,
  );

  function step() {
    if (!training.costs.length) training.costs.push(costNow(null));
    const happened = descend(training.rate, stepExample());
    training.failed = !happened;
    if (!happened) return stop();
    training.latest = happened;
    training.costs.push(costNow(null));
    onstep();
    update();
  }

  function start() {
    training.running = requestAnimationFrame(function frame() {
      training.running = requestAnimationFrame(frame);
      step();
    });
    update();
    onrun();
  }

  function stop() {
    const ran = training.running;
    cancelAnimationFrame(ran);
    training.running = 0;
    update();
    if (ran) onrun();
  }

  function listen() {
    choose({all: false});
    if (!training.running) start();
  }

  function choose(chosen) {
    Object.assign(training, chosen);
    onstep();
    update();
  }

  function options() {
    const rates = RATES.map(rate => [rate, String(rate)]),
      exampleOptions = [
        [false, "this example"],
        [true, `the average of ${examples.length}`],
      ];
    const focused = document.activeElement?.dataset?.key;
    choices.replaceChildren(
      "η ",
      choice("η", rates, training.rate, rate => choose({rate})),
      " downhill for ",
      choice("listen to", exampleOptions, training.all, all => choose({all})),
    );
    if (focused) choices.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  function update() {
    if (training.rate === null && element.isConnected && !still) training.rate = sensibleRate(RATES, stepExample());
    if (!training.running) options();
    only.hidden = examples.length < 2;
    run.textContent = training.running ? "Stop" : "Let it run";
    only.textContent = aloneText();
    for (const button of [take, run, only]) button.disabled = !!still;
    results.replaceChildren(still ? html("p", {}, still) : figures());
    drawCosts(curve);
  }

  return {element, update, start, stop};
}

function figures() {
  const {latest, costs, all, failed} = training,
    right = range(examples.length).filter(isRight).length;
  const rows = [
    ["foretold, −η‖∇C‖²", latest ? num(latest.predicted) : "", "predicted"],
    ["happened", latest ? signedNum(latest.actual) : "", "actual"],
    [
      `cost of ${thisExample()}`,
      num(costNow(now.example)),
      "this-cost",
    ],
    [`average cost of ${examples.length}`, num(costNow(null)), "mean-cost"],
    ["read rightly", areClasses ? `${right} of ${examples.length}` : "", "right"],
    ["steps taken", String(Math.max(0, costs.length - 1)), "taken"],
  ].filter(([, text]) => text !== "");
  const table = html(
    "table",
    {},
    ...rows.map(([name, text, id]) => html("tr", {}, html("td", {}, name), html("td", {id}, text))),
  );
  return html(
    "div",
    {},
    table,
    failed
      ? html("p", {}, html("b", {}, "So far a step leads to no finite cost: take a smaller η."))
      : readingText(all),
    html("small", {}, isPlane && all && !now.showsWeights ? POINT_NOTE : ""),
  );
}

/** What it has come to, if it listens to one alone. */
function readingText(all) {
  if (!areClasses || outputs < 2 || !training.costs.length) return "";
  const counts = new Map();
  for (const k of range(examples.length)) counts.set(readAs(k), (counts.get(readAs(k)) ?? 0) + 1);
  const [answer, times] = [...counts].sort((a, b) => b[1] - a[1])[0];
  const warning = !all && times > 0.6 * examples.length ? " This is why all must be heard." : "";
  return html("p", {}, `It reads ${times} of ${examples.length} as ${names[answer]}.${warning}`);
}

function drawCosts(plot) {
  const {costs} = training;
  if (costs.length < 2) return plot.replaceChildren();
  const top = Math.max(...costs),
    every = Math.ceil(costs.length / 400); // a point for each pixel and more
  const points = costs
    .map((cost, i) => [
      4 + (i / (costs.length - 1)) * (CURVE.wide - 8),
      14 + (1 - cost / (top || 1)) * (CURVE.high - 20),
      i,
    ])
    .filter(([, , i]) => i % every === 0 || i === costs.length - 1);
  plot.setAttribute(
    "aria-label",
    `average cost after each of ${costs.length - 1} steps, from ${num(costs[0])} to ${num(costs.at(-1))}`,
  );
  plot.replaceChildren(
    svg("path", {class: "axis", d: `M4 ${CURVE.high - 6}H${CURVE.wide - 4}`}),
    svg("path", {class: "curve", d: "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}),
    svg("text", {x: 4, y: 10}, num(top, 3)),
    svg("text", {x: CURVE.wide - 4, y: 10, class: "end"}, "average cost"),
  );
}
