// The plane of a network with two inputs: every example is a point of it, over what the network makes of every place.
//
// What is shown is one output: its number; or, where outputs are classes, how far it is ahead of the largest other one.
// Colour is sign and shade is strength, of this and of the targets alike, around the middle between the smallest target
// and the largest: around 0, where targets are −1 and 1. The line is where that middle is: there the answer changes.
// A point is chosen by a click, by an arrow key, which goes to the nearest in its direction, or in order.

import {choice, html, num} from "./page.js";
import {
  areClasses,
  examples,
  forward,
  given,
  isPaired,
  last,
  names,
  now,
  passOf,
  readName,
  remember,
  still,
  targetName,
} from "./model.js";
import {colour, outputs, paint, shown, targetsText} from "./picture.js";
import {training} from "./training.js";

const PLACES = {running: 1200, resting: 6000}; // at which the network is asked; the picture is smooth between them
const SHADE = 0.62; // of a place that is as strong as the largest target: points must stand out from it
const MARGIN = 0.09; // how much of the plane is around the points, on each side
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]},
  TURNS = {PageUp: -1, PageDown: 1};

const areMany = outputs > 1 && areClasses; // classes, an output for each
const grid = html("canvas").getContext("2d");

/** From which number to which a row goes, with some room. */
function span(row) {
  const [low, high] = [Math.min(...row), Math.max(...row)],
    room = MARGIN * (high - low) || 1;
  return [low - room, high + room];
}

/**
 * The plane: its element, and what brings it up to date after anything has changed. What is done in it: `choose` an
 * example, `run` the training or stop it.
 */
export function planeOf({choose, run}) {
  const canvas = html("canvas", {
    tabindex: 0,
    role: "slider",
    "data-key": "plane",
    "aria-label": "the chosen point: arrow keys go to the nearest, Page Up and Page Down in order",
    "aria-valuemin": 0,
    "aria-valuemax": examples.length - 1,
  });
  const pen = canvas.getContext("2d"),
    axes = html("p", {class: "axes"}, html("span", {}, "→ input 0"), html("span", {}, "↑ input 1")),
    outputRow = html("div", {class: "outputs"}),
    scale = html("p", {class: "scale"}),
    chosenText = html("p", {class: "chosen"}),
    runButton = html("button", {class: "go", onclick: run, "data-key": "live", title: "space stops it"});
  const parts = [canvas, axes, outputRow, scale, chosenText, runButton],
    element = html("section", {id: "plane", "aria-label": "the plane"}, ...parts);
  runButton.disabled = !!still;

  // What is shown

  let output, middle, reach; // the middle of its targets, and how far it is from there to the largest
  const others = row => row.filter((_, j) => j !== output),
    measure = row => row[output] - (areMany ? Math.max(...others(row)) : 0);

  function show(j) {
    output = j;
    const targets = isPaired ? examples.map(({y}) => measure(y)) : [-1, 1],
      [low, high] = [Math.min(...targets), Math.max(...targets)];
    middle = low < high ? (low + high) / 2 : 0;
    reach = low < high ? high - middle : Math.abs(low) || 1;
    scale.replaceChildren(num(middle - reach, 2), html("i"), num(middle + reach, 2));
    const options = shown[last].map(i => [i, names[i]]);
    const buttons = choice("output", options, output, chooseOutput);
    if (outputs > 1) outputRow.replaceChildren(areMany ? "class " : "output ", buttons);
  }
  function chooseOutput(j) {
    show(j);
    update();
    outputRow.querySelector("[aria-pressed=true]").focus();
  }
  show(0);

  // Where everything is

  let frame = null; // what is seen of the plane

  /** All points have room; where they spread about as far up as across, a unit is as long up as across. */
  function layOut() {
    const size = [canvas.clientWidth, canvas.clientHeight],
      spans = [0, 1].map(i => span(given.inputs.map(x => x[i]))),
      unit = size.map((pixels, i) => pixels / (spans[i][1] - spans[i][0]));
    if (Math.max(...unit) < 4 * Math.min(...unit)) unit.fill(Math.min(...unit));
    frame = {size, unit, low: size.map((pixels, i) => (spans[i][0] + spans[i][1]) / 2 - pixels / unit[i] / 2)};
  }
  const placeOf = (x, y) => [frame.low[0] + x / frame.unit[0], frame.low[1] + (frame.size[1] - y) / frame.unit[1]];
  const pixelOf = ([x, y]) => [(x - frame.low[0]) * frame.unit[0], frame.size[1] - (y - frame.low[1]) * frame.unit[1]];
  const points = () => examples.map(({x}) => pixelOf(x));

  // Choosing a point

  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId);
    pickAt(event);
    canvas.onpointermove = pickAt;
  };
  canvas.onpointerup = canvas.onpointercancel = () => (canvas.onpointermove = null);
  function pickAt({offsetX, offsetY}) {
    pick(least(points().map(([x, y]) => Math.hypot(x - offsetX, y - offsetY))));
  }
  canvas.onkeydown = event => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in ARROWS) pick(nearest(...ARROWS[event.key]));
    else if (event.key in TURNS) pick(now.example + TURNS[event.key]);
    else return;
    event.preventDefault();
  };
  /** The nearest point to the right or down, or where these are −1 to the left or up; aside counts as farther. */
  function nearest(right, down) {
    const all = points(),
      [x0, y0] = all[now.example];
    const far = all.map(([x, y]) => {
      const along = (x - x0) * right + (y - y0) * down,
        aside = (x - x0) * down + (y - y0) * right;
      return along > 0 ? along + 2.5 * Math.abs(aside) : Infinity;
    });
    return Math.min(...far) < Infinity ? least(far) : now.example;
  }
  function pick(k) {
    if (k !== now.example && k in examples) choose(k);
  }

  // Drawing

  /** What the network makes of places all over the plane, less the middle, row by row from the top. */
  function computeField() {
    const [wide, high] = frame.size,
      pitch = Math.sqrt((wide * high) / PLACES[training.running ? "running" : "resting"]),
      [columns, rows] = frame.size.map(pixels => Math.ceil(pixels / pitch) + 1),
      [right, down] = [wide / (columns - 1), high / (rows - 1)],
      values = new Float64Array(columns * rows);
    for (let r = 0, n = 0; r < rows; r++)
      for (let c = 0; c < columns; c++, n++)
        values[n] = measure(forward(now.network, placeOf(c * right, r * down)).a[last]) - middle;
    return {columns, rows, right, down, values};
  }
  const currentField = () => remember(`plane ${[output, ...frame.size, !!training.running]}`, computeField);

  function draw() {
    canvas.width = frame.size[0] * devicePixelRatio;
    canvas.height = frame.size[1] * devicePixelRatio;
    pen.scale(devicePixelRatio, devicePixelRatio);
    if (!still) drawField(currentField());
    drawPoints(points());
  }

  function drawField(field) {
    const {columns, rows, right, down, values} = field,
      [wide, high] = frame.size;
    grid.canvas.width = columns;
    grid.canvas.height = rows;
    paint(grid, values, true, reach);
    pen.globalAlpha = SHADE;
    pen.drawImage(grid.canvas, -right / 2, -down / 2, wide + right, high + down); // the middle of a pixel is its place
    pen.globalAlpha = 1;
    pen.strokeStyle = colour("--ink");
    pen.lineWidth = 1.5;
    pen.stroke(zeroLine(field));
  }

  function drawPoints(at) {
    const r = Math.max(2.5, Math.min(5.5, frame.size[0] / 60)),
      [plus, minus, soft, ink, paper] = ["--plus", "--minus", "--soft", "--ink", "--paper"].map(colour);
    function disc([x, y], radius, fill, alpha = 1) {
      pen.globalAlpha = alpha;
      pen.fillStyle = fill;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
      pen.globalAlpha = 1;
    }
    function point(k) {
      const v = isPaired ? (measure(examples[k].y) - middle) / reach : 0;
      disc(at[k], r + 1.2, paper);
      disc(at[k], r, v > 0 ? plus : v < 0 ? minus : soft, v ? Math.max(0.15, Math.abs(v)) : 0.5);
    }
    at.forEach((_, k) => point(k));
    disc(at[now.example], r + 6, paper);
    disc(at[now.example], r + 4.5, ink);
    disc(at[now.example], r + 2.2, paper);
    point(now.example);
  }

  function tell() {
    const {x, y} = examples[now.example],
      made = num(passOf().a[last][output], 3);
    let text = `should be ${num(y[output])}, ${outputs > 1 ? `output ${names[output]}` : "the output"} is ${made}`;
    if (areMany) text = `should be ${targetName(y)}, is read as ${readName(now.example)}`;
    else if (!isPaired) text = `${targetsText()}, output ${names[output]} is ${made}`;
    const lines = [html("b", {}, `point ${now.example}`), `  ${num(x[0], 3)}, ${num(x[1], 3)}`, html("br"), text];
    chosenText.replaceChildren(...lines);
    canvas.setAttribute("aria-valuenow", now.example);
    canvas.setAttribute("aria-valuetext", `point ${now.example}, ${num(x[0], 3)}, ${num(x[1], 3)}, ${text}`);
    runButton.textContent = training.running ? "Stop" : "Let it run";
  }

  function update() {
    if (!frame) layOut();
    draw();
    tell();
  }
  new ResizeObserver(() => {
    layOut();
    draw();
  }).observe(canvas);
  return {element, update, placeOf, points, chooseOutput, currentField};
}

/** Which of some numbers is the least. */
const least = row => row.indexOf(Math.min(...row));

/** Where numbers on a grid pass 0, as short lines from side to side of every square of it. */
function zeroLine({columns, rows, right, down, values}) {
  const path = new Path2D();
  for (let r = 0; r + 1 < rows; r++)
    for (let c = 0; c + 1 < columns; c++) {
      const corners = [
        [c, r],
        [c + 1, r],
        [c + 1, r + 1],
        [c, r + 1],
      ];
      const at = corners.map(([x, y]) => values[y * columns + x]),
        above = at.filter(v => v > 0).length;
      if (above === 0 || above === 4) continue;
      const met = [];
      for (let k = 0; k < 4; k++) {
        const [v, w] = [at[k], at[(k + 1) % 4]],
          [from, to] = [corners[k], corners[(k + 1) % 4]];
        if (v > 0 !== w > 0) met.push(from.map((x, i) => x + ((to[i] - x) * v) / (v - w)));
      }
      met.forEach(([x, y], i) => path[i % 2 ? "lineTo" : "moveTo"](x * right, y * down));
    }
  return path;
}
