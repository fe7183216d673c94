// The page of a network: what was chosen, clicked and changed, and everything drawn anew after it.

import {byId, choice, data, html, transport} from "./page.js";
import {
  agreement,
  areClasses,
  change,
  classOf,
  costIf,
  costNow,
  examples,
  given,
  gradientOf,
  isRight,
  last,
  now,
  numberAt,
  passOf,
  putBack,
  readName,
  still,
  weight,
  weightGradient,
  weightGradients,
  wish,
} from "./model.js";
import {
  exampleName,
  isPlane,
  neuronName,
  outputs,
  picture,
  shown,
  side,
  thumb,
  widths,
  wireAt,
  wireText,
} from "./picture.js";
import {planeOf} from "./plane.js";
import {trainer, training} from "./training.js";
import {canDraw, pad} from "./drawing.js";
import {quiz} from "./asking.js";
import {instrument} from "./wiggle.js";
import {nudgeOrGradient, withFormulas} from "./words.js";
import {details} from "./details.js";
import {story} from "./story.js";

let player = null;

const plane = isPlane ? planeOf({choose, run}) : null;
if (plane) byId("panel").before(plane.element);

const stepPanel = trainer({
  onstep: () => {
    drawStage(false);
    markWrong();
    if (now.isChanged && !byId("restore")) drawPanel(); // once, for a button that is drawn anew cannot be pressed
  },
  onrun: () => plane?.update(),
  playBack: () => {
    stepPanel.stop();
    player.go(chapters.find(([, name]) => name === "cost")[0]);
    player.play();
  },
});
const {steps, chapters} = story({choose, follow, toggleGradient, toggleWeights, panel: stepPanel.element});
const predict = quiz({
  question: k => steps[k].question?.() ?? null,
  again: () => player?.again(),
  go: k => player.go(k, true),
});
const sketch = canDraw ? pad({choose, listExamples, redraw}) : null;

/** Training runs, or stops, wherever in the story this is asked for. */
function run() {
  if (training.running) return stepPanel.stop();
  player.go(steps.length - 1);
  stepPanel.start();
}

function follow(j) {
  now.output = outputs > 1 && shown[last].includes(j) ? j : null;
  if (player) player.again();
}
function numberName(place) {
  if (place.bias) return `bias of ${neuronName(...place.bias)}`;
  if (place.weight) {
    const [l, j, i] = place.weight;
    return `weight from ${side && l === 1 ? neuronName(0, i) : i} to ${neuronName(l, j)}`;
  }
  return neuronName(0, place.input);
}

function hold(place) {
  if (still) return;
  if (now.held && JSON.stringify(now.held.place) !== JSON.stringify(place)) now.rival = now.held.place;
  stepPanel.stop();
  player.pause();
  sketch?.shut();
  const there = () => numberAt(place),
    rival = JSON.stringify(now.rival) === JSON.stringify(place) ? null : now.rival;
  const {at: index, givenRow} = there();
  const number = {
    name: numberName(place),
    resultName: "C",
    given: givenRow(given.networks[now.networkNumber])[index],
    bounds: place.input !== undefined && side ? [0, 1] : null,
    get: () => there().row[index],
    set: x => {
      const why = change(place, x);
      if (!why) {
        drawStage(false);
        markWrong();
        drawPanel();
      }
      return why;
    },
    result: x => costIf(place, x),
    slope: () => there().gradient(),
    rival: rival && {name: () => numberName(rival), slope: () => numberAt(rival).gradient()},
    drop: () => {
      now.held = null;
      player.again();
    },
  };
  now.held = {place, ...instrument(number)};
  render(now.step, false);
  byId("panel").scrollTop = 0;
}

/** The pad; and all layers are lit, so that one sees how the network reads what is drawn. */
function openPad() {
  stepPanel.stop();
  player.pause();
  now.held = now.picked = null;
  sketch.open();
  if (steps[now.step].scene().lit !== last) player.go(steps.findIndex(({scene}) => scene().lit === last));
  byId("panel").scrollTop = 0;
}

function redraw() {
  if (now.held?.place.input !== undefined) now.held = null;
  byId("examples").children[now.example]?.firstChild.replaceWith(thumb(examples[now.example]));
  drawStage(false);
  markWrong();
  drawPanel();
}

/** A click at the image holds a pixel, and arrow keys move to the next. */
function holdPixel(i) {
  hold({input: i});
}

function pick(l, j) {
  sketch?.shut();
  now.picked = now.picked?.[0] === l && now.picked[1] === j ? null : [l, j];
  if (l === last && steps[now.step].scene().focus >= 0 && now.output !== j && now.picked) follow(j);
  else player.again();
  byId("panel").scrollTop = 0;
}

function toggleGradient() {
  now.showsGradient = !now.showsGradient;
  player.again();
}

function toggleWeights() {
  now.showsWeights = !now.showsWeights;
  player.again();
}

// Render

let drawnRoom = ""; // the size for which the stage was drawn
const room = () => `${byId("stage").clientWidth} × ${byId("stage").clientHeight}`;

/** What moves goes on moving where only the legend above has grown, since the stage was drawn for that already. */
function onResize() {
  if (room() !== drawnRoom) player.again();
}

function drawStage(moving) {
  const scene = {quantity: nudgeOrGradient(), ...steps[now.step].scene()};
  drawnRoom = room();
  const looks = {
    picked: now.picked,
    held: now.held?.place ?? null,
    onpick: pick,
    onpixel: still ? null : holdPixel,
    moving,
  };
  const drawing = scene.table ? scene.table() : picture(scene, looks);
  byId("stage").title = "";
  byId("stage").replaceChildren(drawing);
  plane?.update();
  if (scene.table) return;
  for (const [l, j] of predict.panelParts(now.step).marks ?? [])
    drawing.querySelector(`[data-key="${l}.${j}"]`)?.classList.add("asked");
  drawing.onpointermove = onHover;
  if (!still) drawing.onclick = onClick;
}

function wireUnder(event) {
  if (event.target.closest(".neuron, .image")) return null;
  const box = byId("stage").firstChild.getBoundingClientRect();
  return wireAt(event.clientX - box.left, event.clientY - box.top);
}
/** A click near a wire holds its weight. */
function onClick(event) {
  const found = wireUnder(event);
  if (found) hold({weight: found});
}
/** Near a wire the pointer's tooltip says what the wire shows. */
function onHover(event) {
  const found = wireUnder(event);
  byId("stage").title = found ? wireText(steps[now.step].scene(), found) : "";
}

function drawPanel() {
  const k = now.step,
    {title, words, scene} = steps[k],
    n = chapters.findLastIndex(([first]) => first <= k);
  const text = html(
    "div",
    {class: "words"},
    html("p", {class: "over"}, `${n + 1} · ${chapters[n][1]}`),
    html("h2", {}, ...[title()].flat()),
    ...words()
      .filter(part => part !== "")
      .map(part => (part instanceof Node ? part : html("p", {}, ...withFormulas(part)))),
  );
  if (now.isChanged) {
    const back = html("button", {id: "restore", onclick: restore, "data-key": "restore"}, "put all back");
    text.prepend(html("p", {class: "over"}, "Numbers have been changed. ", back));
  }
  const {question, verdict} = predict.panelParts(k);
  const parts = [...(now.picked ? [details(scene(), {hold, pick})] : []), ...(question ? [] : [text])];
  const panel = byId("panel"),
    kept = (now.held ?? (sketch?.isOpen ? sketch : null))?.element;
  if (kept && kept.parentNode === panel) {
    // the instrument, or the pad, must stay where it is, or it could not be dragged on
    for (const part of [...panel.children]) if (part !== kept) part.remove();
    panel.append(...parts);
  } else panel.replaceChildren(...(kept ? [kept] : []), ...parts);
  if (question || verdict) panel.prepend(question ?? verdict);
  sketch?.update();
  for (const table of panel.querySelectorAll("table"))
    table.classList.toggle("dense", table.scrollWidth > table.parentNode.clientWidth);
}

function render(k, moving) {
  const focused = document.activeElement?.dataset?.key;
  now.step = k;
  steps[k].colours();
  drawStage(moving);
  drawPanel();
  now.held?.update();
  if (k === steps.length - 1) stepPanel.update();
  else stepPanel.stop();
  if (focused && document.activeElement?.dataset?.key !== focused)
    document.querySelector(`[data-key='${CSS.escape(focused)}']`)?.focus();
}

/** Everything as it was given, to the last bit. */
function restore() {
  putBack();
  training.rate = null;
  training.costs.length = 0;
  training.latest = null;
  training.failed = false;
  listExamples();
  player?.again();
}

// What is chosen: the network, and the example

function choose(k) {
  if (k !== now.example) {
    now.output = null;
    if (now.held?.place.input !== undefined) now.held = null;
    if (k !== sketch?.exampleNumber) sketch?.shut();
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

function chooseNetwork(n) {
  now.networkNumber = Math.max(0, Math.min(data.networks.length - 1, Math.round(n) || 0));
  stepPanel.stop();
  now.held = now.rival = null;
  listNetworks();
  restore();
}

/** The switch between the networks, if there are several. */
function listNetworks() {
  const options = data.networks.map((net, n) => [n, net.name]);
  byId("trained").replaceChildren(
    ...(options.length > 1
      ? ["trained so far ", choice("trained so far", options, now.networkNumber, chooseNetwork)]
      : []),
  );
}

/** The row of examples to choose from. */
function listExamples() {
  const some = examples.length > 1 && !isPlane ? examples : []; // on a plane they are points
  byId("choices").hidden = !some.length && data.networks.length < 2 && !sketch;
  byId("examples").replaceChildren(
    ...some.map((example, k) =>
      html(
        "button",
        {onclick: () => choose(k), "aria-pressed": k === now.example, "data-key": `example.${k}`},
        thumb(example),
        html("span", {}),
      ),
    ),
  );
  markWrong();
}

/** Those that are read wrongly say so. */
function markWrong() {
  [...byId("examples").children].forEach((button, k) => {
    const wrong = outputs > 1 && areClasses && !isRight(k),
      name = exampleName(k);
    button.className = wrong ? "wrong" : "";
    button.title = `example ${k}: ${name}${wrong ? `, read as ${readName(k)}` : ""}`;
    button.lastChild.textContent = side && wrong ? `${name}→${readName(k)}` : name;
  });
}

/** How long a step stays: time follows the words, and at the end of each chapter it rests. */
function duration(k) {
  const {title, words} = steps[k];
  const text = [...[title()].flat(), ...words()].map(part => (typeof part === "string" ? part : "")).join(" ");
  const rests = chapters.some(([first]) => first === k + 1) ? 1500 : 0;
  return 1100 + 170 * text.split(" ").length + rests;
}

byId("draw").hidden = !sketch;
byId("draw").onclick = openPad;
listNetworks();
listExamples();
player = transport({
  last: steps.length - 1,
  chapters,
  show: render,
  duration,
  ask: predict.ask,
  address: {
    predict: {get: () => (predict.isOn ? 1 : null), set: predict.turn},
    trained: {get: () => (data.networks.length > 1 ? now.networkNumber : null), set: chooseNetwork},
    example: {get: () => (now.example === sketch?.exampleNumber ? null : now.example), set: choose},
    output: {get: () => now.output, set: follow},
  },
});
new ResizeObserver(onResize).observe(byId("stage"));
addEventListener(
  "keydown",
  event => {
    if (event.key !== " " || !training.running || event.target.closest("button, select, input, [role=button]")) return;
    event.preventDefault(); // it pauses what runs
    stepPanel.stop();
  },
  true,
);
addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  if (now.held) now.held.drop();
  else if (now.picked) pick(...now.picked);
  else sketch?.shut();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  sketch?.drawInk();
  listExamples();
  player.again();
});

/** As if the page had been opened with the fonts and the window that are there now. */
function refresh() {
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
  weightGradient,
  weightGradients,
  wish,
  agreement,
  change,
  costNow,
  numberAt,
  training,
  hold,
  pick,
  choose,
  chooseNetwork,
  restore,
  shown,
  stepPanel,
  sketch,
  predict,
  classOf,
  weight,
  gradientOf,
  still,
  refresh,
  plane,
};
