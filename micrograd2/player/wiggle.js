// One number, held: dragged or typed, with the true result as a curve over it, its tangent, and the way back.

import {html, num, range, signClass, svg, typedNumber} from "./page.js";

const WIDE = 280, // of the curve, and how high, and how far it stays from the edge
  HIGH = 98,
  EDGE = 8;

/**
 * What holds one number. `held` has its `name`; `resultName`, of what it changes; `get` and `given`, the number now and
 * as it was given; `set(x)`, which puts another there and returns why that cannot be, or ""; `result(x)`, what would
 * come out if it were x; `slope()`, the gradient of the result in it; `bounds`, between which it may be, if any;
 * `rival`, another number to compare with: {name(), slope()}, or null; `drop()`, when it is let go.
 */
export function instrument(held) {
  const spread = Math.max(1, 2 * Math.abs(held.get()));
  const [low, high] = held.bounds ?? [held.get() - spread, held.get() + spread];
  const slider = html("input", {
    type: "range",
    min: low,
    max: high,
    step: (high - low) / 256,
    "data-key": "slider",
    "aria-label": `${held.name}, dragged`,
  });
  const typed = html("input", {
    type: "text",
    inputmode: "decimal",
    size: 9,
    "data-key": "typed",
    "aria-label": held.name,
  });
  const plot = svg("svg", {class: "plot", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img"});
  const words = html("p", {class: "slope", "aria-live": "polite"});
  const back = html("button", {onclick: () => put(held.given), "data-key": "put back"}, "put back");
  const close = html("button", {onclick: held.drop, class: "close", "aria-label": "let go", "data-key": "let go"}, "×");

  let refused = "";
  function put(x) {
    refused = Number.isFinite(x) ? held.set(x) : "That is no number.";
    update();
  }
  slider.oninput = () => put(Number(slider.value));
  typed.onchange = () => put(typedNumber(typed.value));
  plot.onpointerdown = event => {
    plot.setPointerCapture(event.pointerId);
    follow(event);
    plot.onpointermove = follow;
  };
  plot.onpointerup = plot.onpointercancel = () => (plot.onpointermove = null);
  function follow(event) {
    const box = plot.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width - EDGE / WIDE) / (1 - (2 * EDGE) / WIDE);
    put(low + (high - low) * Math.max(0, Math.min(1, share)));
  }

  function update() {
    const x = held.get(),
      slope = held.slope();
    slider.value = x;
    if (document.activeElement !== typed || !typed.matches(":focus-visible")) typed.value = shortText(x);
    back.disabled = Object.is(x, held.given);
    drawCurve(plot, low, high, x, slope, held);
    const rate = ["slope ", html("b", {class: signClass(slope)}, num(slope))];
    words.replaceChildren(...(refused ? [html("b", {}, refused)] : [...rate, comparison(slope, held.rival)]));
  }

  update();
  const head = html("div", {class: "held"}, html("label", {}, html("b", {}, held.name), " = ", typed), back, close);
  const element = html("div", {class: "instrument"}, head, slider, words, plot);
  return {element, update, put, drop: held.drop};
}

/** As few digits as tell the number apart from what a slider or a tangent can show. */
const shortText = x => String(Number(x.toPrecision(6)));

function comparison(slope, rival) {
  const other = rival?.slope();
  if (!other || !slope) return "";
  const ratio = Math.abs(slope / other);
  return ratio >= 1
    ? `: as sensitive as ${num(ratio, 3)} of ${rival.name()}`
    : `: ${rival.name()} is as sensitive as ${num(1 / ratio, 3)} of it`;
}

/** The true result over the number, and its tangent where it is now. */
function drawCurve(plot, low, high, x, slope, held) {
  const from = Math.min(low, x),
    to = Math.max(high, x);
  const points = range(65).map(i => from + ((to - from) * i) / 64);
  const results = points.map(held.result);
  const here = held.result(x),
    known = [...results.filter(Number.isFinite), here];
  let bottom = Math.min(...known),
    top = Math.max(...known);
  if (top - bottom < 1e-12 * Math.max(1, Math.abs(top))) [bottom, top] = [bottom - 0.5, top + 0.5];
  const across = u => EDGE + ((u - from) / (to - from)) * (WIDE - 2 * EDGE),
    up = v => HIGH - 22 - ((v - bottom) / (top - bottom)) * (HIGH - 38);
  let path = "";
  results.forEach((v, i) => {
    const pen = Number.isFinite(v) && (i === 0 || !Number.isFinite(results[i - 1])) ? "M" : "L";
    if (Number.isFinite(v)) path += `${pen}${across(points[i]).toFixed(1)} ${up(v).toFixed(1)}`;
  });
  const tangent = [from, to].map(u => `${across(u)} ${up(here + slope * (u - x))}`);
  const label = (attributes, text) => svg("text", {y: HIGH - 6, ...attributes}, text);
  const curve = `${held.resultName} over ${held.name}`;
  plot.setAttribute("aria-label", `${curve}: ${num(here)} at ${num(x)}, slope ${num(slope)}`);
  plot.replaceChildren(
    svg("path", {class: "axis", d: `M${EDGE} ${HIGH - 18}H${WIDE - EDGE}`}),
    svg(
      "svg",
      {width: WIDE, height: HIGH - 18},
      svg("path", {class: `tangent ${signClass(slope)}`, d: `M${tangent.join("L")}`}),
    ),
    svg("path", {class: "curve", d: path}),
    svg("circle", {class: "here", cx: across(x), cy: up(here), r: 5}),
    label({x: EDGE}, num(from, 3)),
    label({x: WIDE - EDGE, class: "end"}, num(to, 3)),
    svg("text", {class: "end", x: WIDE - EDGE, y: 10}, `${held.resultName} = ${num(here)}`),
  );
}

/** Dragging an element sideways changes a number: `start()` when it begins, then `move(pixels)`. */
export function onDrag(element, start, move) {
  element.addEventListener("pointerdown", event => {
    if (event.button) return;
    const from = event.clientX;
    let begun = false;
    const onmove = at => {
      if (!begun && Math.abs(at.clientX - from) < 4) return;
      if (!begun) start();
      begun = true;
      move(at.clientX - from);
    };
    const done = () => {
      removeEventListener("pointermove", onmove);
      removeEventListener("pointerup", done);
      removeEventListener("pointercancel", done);
    };
    addEventListener("pointermove", onmove);
    addEventListener("pointerup", done);
    addEventListener("pointercancel", done);
  });
}
