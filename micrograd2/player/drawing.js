// An image of one's own: a pad to draw on, whose ink is made into an image as those of MNIST were made.
//
// There the ink's bounding box was scaled to fit into 20 × 20 of the 28 × 28 pixels, with its aspect ratio kept, and by
// averaging over areas, from which the greys come; then it was moved by whole pixels, until its centre of mass lay in
// pixel 14, 14. Other images are made as large as the ink of the page's own examples is, by their median: 20 in MNIST.
//
// What is drawn is one more example of the page, as long as there is ink, or the pad is open. The pad is left out where
// images are not ink on paper, and where examples are not of classes, for there it could not be said what it should be.

import {byId, choice, html, range} from "./page.js";
import {areClasses, classes, classOf, dropExample, examples, given, now, putExample, targetName} from "./model.js";
import {isDigit, side} from "./picture.js";

const ACROSS = side * Math.round(280 / side); // pixels of the pad, a whole number of them for each of the image's
const PEN = ACROSS / 11;

/** The rectangle that has all ink of a square of numbers. */
function bounds(values, across) {
  let left = across,
    right = -1,
    top = across,
    bottom = -1;
  for (let p = 0; p < values.length; p++) {
    if (!values[p]) continue;
    const x = p % across,
      y = (p - x) / across;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    bottom = y;
  }
  return {left, top, wide: Math.max(0, right - left + 1), high: Math.max(0, bottom - top + 1)};
}

const isPaper = examples.flatMap(({x}) => [...x]).filter(pixel => !pixel).length >= examples.length * side ** 2 * 0.25;
/** Whether an image can be drawn here. */
export const canDraw = side > 0 && areClasses && classes.length > 0 && isPaper;
const extents = examples.map(({x}) => bounds(x, side)).map(({wide, high}) => Math.max(wide, high));
/** How many pixels the ink is wide or high, whichever is more. */
const BOX = Math.max(1, extents.sort((a, b) => a - b)[extents.length >> 1]);

/**
 * Rows of so many numbers made into n each, and turned: each is the average of a stretch of `size`, the first of which
 * begins at `from`.
 */
function average(values, across, from, size, n) {
  const rows = values.length / across,
    turned = new Float64Array(n * rows);
  for (const i of range(n)) {
    const begin = from + i * size,
      end = Math.min(across, begin + size);
    for (let x = Math.floor(begin); x < end; x++) {
      const share = (Math.min(end, x + 1) - Math.max(begin, x)) / size;
      for (let y = 0; y < rows; y++) turned[i * rows + y] += share * values[y * across + x];
    }
  }
  return turned;
}

/** The image, side × side from 0 to 1, of ink from 0 to 255 on a square so many pixels wide. */
function imageOf(ink, across) {
  const image = new Float64Array(side * side),
    {left, top, wide, high} = bounds(ink, across),
    size = Math.max(wide, high) / BOX; // of one pixel
  if (!size) return image;
  const parts = length => Math.ceil(length / size - 1e-9), // rounding makes no pixel
    [columns, rows] = [parts(wide), parts(high)];
  const box = average(average(ink, across, left, size, columns), across, top, size, rows);
  const mass = box.reduce((sum, v) => sum + v, 0),
    middle = where => box.reduce((sum, v, p) => sum + v * (where(p) + 0.5), 0) / mass,
    start = (centre, length) => Math.max(0, Math.min(side - length, (side >> 1) - Math.floor(centre)));
  const x = start(middle(p => p % columns), columns),
    y = start(middle(p => Math.floor(p / columns)), rows);
  box.forEach((v, p) => {
    image[(y + Math.floor(p / columns)) * side + x + (p % columns)] = Math.round(v) / 255; // as many greys as in MNIST
  });
  return image;
}

/**
 * The pad. Its `element` stays the same. `choose(k)` shows an example; `listExamples()` is called when there is one
 * more or one less, `redraw()` when the image has changed.
 */
export function pad({choose, listExamples, redraw}) {
  const canvas = html("canvas", {
      width: ACROSS,
      height: ACROSS,
      tabindex: 0,
      role: "application",
      "aria-label": "draw here: arrow keys move the pen, space sets it down or lifts it, backspace undoes",
      "data-key": "pad",
    }),
    context = canvas.getContext("2d", {willReadFrequently: true}),
    pen = html("i", {class: "pen"}),
    reading = html("p", {class: "reading"}),
    labels = html("div", {}),
    undo = html("button", {onclick: () => takeBack(strokes.length - 1), "data-key": "undo"}, "undo"),
    clear = html("button", {onclick: () => takeBack(0), "data-key": "clear"}, "clear"),
    close = html("button", {onclick: () => shut(), "aria-label": "put the pad away", "data-key": "shut"}, "×");
  const element = html(
    "div",
    {class: "pad"},
    html("h3", {}, html("span", {}, isDigit ? "Draw a digit" : "Draw an image"), undo, clear, close),
    html("div", {class: "paper"}, canvas, pen),
    html("div", {class: "beside"}, reading, labels),
  );

  let strokes = [], // of points
    label = null, // the class that was chosen; null: what it is read as
    exampleNumber = -1, // of what is drawn; none while the pad was never opened, or put away empty
    before = 0, // the example that was chosen before
    isOpen = false,
    due = 0;
  const at = {x: ACROSS / 2, y: ACROSS / 2, down: false}; // the pen that keys move

  // The ink

  function drawInk() {
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
    Object.assign(context, {lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: ink});
    context.clearRect(0, 0, ACROSS, ACROSS);
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
  }

  function begin(point) {
    strokes.push([point]);
    readSoon();
  }

  function goOn(point) {
    strokes.at(-1).push(point);
    readSoon();
  }

  function takeBack(n) {
    strokes.length = Math.max(0, n);
    lift();
    if (!strokes.length) label = null;
    readSoon();
  }

  /** Draws and reads with the next frame, once for all points that have come by then. */
  function readSoon() {
    due ||= requestAnimationFrame(() => {
      due = 0;
      drawInk();
      read();
    });
  }

  /** What is on the pad now, as an image. */
  function image() {
    const {data} = context.getImageData(0, 0, ACROSS, ACROSS),
      ink = new Uint8Array(ACROSS * ACROSS);
    for (let p = 0; p < ink.length; p++) ink[p] = data[4 * p + 3]; // how opaque it is
    return imageOf(ink, ACROSS);
  }

  function read() {
    if (exampleNumber < 0) return; // the pad was put away before the frame came
    const x = image();
    putExample(exampleNumber, x, label ?? classOf(x));
    redraw();
  }

  // The example

  /** What it should have been is chosen; its pixels stay as they are now, though they be others than were drawn. */
  function setClass(c) {
    const {x} = examples[exampleNumber];
    label = c;
    putExample(exampleNumber, given.inputs[exampleNumber], c);
    examples[exampleNumber].x.set(x);
    redraw();
  }

  function open() {
    if (exampleNumber < 0) {
      exampleNumber = examples.length;
      before = now.example;
      putExample(exampleNumber, new Float64Array(side * side), 0);
      listExamples();
      read();
    }
    isOpen = true;
    choose(exampleNumber);
    canvas.focus({preventScroll: true});
  }

  function shut() {
    if (!isOpen) return;
    isOpen = false;
    if (element.contains(document.activeElement)) byId("draw").focus();
    if (!strokes.length) {
      const chosen = now.example === exampleNumber ? before : now.example;
      exampleNumber = -1;
      dropExample();
      listExamples();
      choose(chosen);
    } else redraw();
  }

  // Pointer and keys

  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * ACROSS,
      ((event.clientY - box.top) / box.height) * ACROSS,
    ];
  };
  canvas.onpointerdown = event => {
    if (event.button || !event.isPrimary) return; // one finger draws
    canvas.setPointerCapture(event.pointerId);
    lift();
    begin(place(event));
    canvas.onpointermove = moved => {
      if (!moved.isPrimary) return;
      const all = moved.getCoalescedEvents();
      for (const one of all.length ? all : [moved]) goOn(place(one));
    };
  };
  canvas.onpointerup = canvas.onpointercancel = event => event.isPrimary && lift();
  canvas.onkeydown = event => {
    const isUndo = event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey));
    if (!isUndo && (event.altKey || event.ctrlKey || event.metaKey)) return;
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (way) {
      at.x = Math.max(0, Math.min(ACROSS, at.x + (way[0] * ACROSS) / 28));
      at.y = Math.max(0, Math.min(ACROSS, at.y + (way[1] * ACROSS) / 28));
      if (at.down) goOn([at.x, at.y]);
    } else if (event.key === " " || event.key === "Enter") {
      at.down = !at.down;
      if (at.down) begin([at.x, at.y]);
    } else if (isUndo) takeBack(strokes.length - 1);
    else if (event.key === "Delete") takeBack(0);
    else return;
    event.preventDefault();
    showPen();
  };
  function lift() {
    canvas.onpointermove = null;
    at.down = false;
    showPen();
  }
  function showPen() {
    pen.classList.toggle("down", at.down);
    pen.style.left = `${(100 * at.x) / ACROSS}%`;
    pen.style.top = `${(100 * at.y) / ACROSS}%`;
  }
  canvas.onblur = lift;
  showPen();

  /** Tells how it is read now, and offers what it should have been. */
  function update() {
    if (!isOpen) return;
    undo.disabled = clear.disabled = !strokes.length;
    const name = targetName(classes[classOf(examples[exampleNumber].x)].y);
    reading.replaceChildren(strokes.length ? "It" : "An empty sheet", " is read as ", html("b", {}, name), ".");
    const options = classes.map(({y}, c) => [c, targetName(y)]),
      chosen = classes.findIndex(({y}) => y === examples[exampleNumber].y);
    const focused = labels.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    labels.replaceChildren(
      html("p", {}, "It should have been"),
      choice("what it should have been", options, chosen, setClass),
    );
    if (focused) labels.querySelector(`[data-key="${focused}"]`)?.focus({preventScroll: true});
  }

  return {
    element,
    open,
    shut,
    update,
    drawInk,
    image,
    get isOpen() {
      return isOpen;
    },
    get exampleNumber() {
      return exampleNumber;
    },
  };
}
