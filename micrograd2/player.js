"use strict";
// What both pages share: the data, elements, numbers as text, and the transport: play, step, scrub, keys, address.

const data = JSON.parse(document.getElementById("data").textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const $ = id => document.getElementById(id);

/** An HTML element; children that are strings become text, never markup. */
function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A number in four significant digits, as Python's `.4g`, with a true minus and powers of ten. */
function num(x, digits = 4) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  const small = power < -4 || power >= digits;
  const text = String(Number(small ? mantissa : x.toPrecision(digits))).replace("-", "−");
  return small
    ? text + "·10" + [...power.replace("+", "")].map(c => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("")
    : text;
}

/** The same with its sign always there: +0.5. */
const signed = x => (x >= 0 ? "+" : "") + num(x);

/** The class that colours a number by its sign. */
const sign = x => (x > 0 ? "plus" : x < 0 ? "minus" : "none");

const short = (text, most) => {
  const letters = [...text];
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
};

/** SVG text that fits: letters are taken off its end until it is at most so many pixels wide. */
function fit(text, width) {
  const letters = [...text.textContent];
  while (letters.length > 1 && text.getComputedTextLength() > width) {
    letters.length = Math.min(letters.length - 1, Math.ceil(letters.length * 0.9));
    text.textContent = letters.join("").trimEnd() + "…";
  }
}

/** SVG text that must stay whole, such as a number: it keeps all its letters, drawn closer together if need be. */
function squeeze(text, width) {
  text.removeAttribute("textLength");
  if (text.getComputedTextLength() > width) {
    text.setAttribute("textLength", width);
    text.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
}

/** What the colours of a page mean, told above it. */
function legend(plus, minus, width) {
  $("legend").replaceChildren(
    html("span", {class: "plus"}, html("i"), plus),
    html("span", {class: "minus"}, html("i"), minus),
    html("span", {}, width),
  );
}

/**
 * Moves through the steps 0 … last. `show(step, moving)` draws one; `moving` is true when it follows from the step
 * before, so that something may be set in motion. `chapters` are [first step, name]; `lasts(step)` is in milliseconds;
 * `address` holds further parts of the page's address: {name: {get, set}}; a part that is null is left out.
 */
function transport({last, chapters, show, lasts, address = {}}) {
  let step = 0,
    playing = false,
    timer = 0,
    writing = 0;
  const scrub = $("scrub");
  scrub.max = last;
  const ticks = chapters.map(([first, name], i) => {
    const end = i + 1 < chapters.length ? chapters[i + 1][0] : last + 1;
    const tick = html("button", {style: `flex-grow: ${end - first}`, title: name}, html("span", {}, name));
    tick.onclick = () => {
      pause();
      go(first);
    };
    return tick;
  });
  $("chapters").replaceChildren(...ticks);

  function go(to, moving = false) {
    step = Math.max(0, Math.min(last, Math.round(to) || 0));
    scrub.value = step;
    const at = chapters.findLastIndex(([first]) => first <= step);
    ticks.forEach((tick, i) => {
      tick.className = i < at ? "past" : i === at ? "now" : "";
      if (i === at) tick.setAttribute("aria-current", "step");
      else tick.removeAttribute("aria-current");
    });
    scrub.setAttribute("aria-valuetext", `step ${step} of ${last}, ${chapters[at][1]}`);
    scrub.style.setProperty("--done", last ? step / last : 1);
    $("where").textContent = `${step} / ${last}`;
    show(step, moving);
    clearTimeout(writing);
    writing = setTimeout(write, 200);
  }

  function write() {
    // not in an iframe made of text, whose address is not its own
    if (location.protocol === "about:") return;
    const told = Object.entries(address).filter(([, part]) => part.get() !== null);
    const parts = told.map(([name, part]) => `${name}=${part.get()}`);
    history.replaceState(null, "", "#" + [...parts, `step=${step}`].join("&"));
  }

  function read() {
    const parts = new URLSearchParams(location.hash.slice(1));
    for (const [name, part] of Object.entries(address)) if (parts.has(name)) part.set(Number(parts.get(name)));
    go(Number(parts.get("step")));
  }

  function tick() {
    timer = setTimeout(
      () => {
        if (step >= last) return pause();
        go(step + 1, true);
        tick();
      },
      (step >= last ? 0 : lasts(step)) / Number($("speed").value),
    );
  }

  function play() {
    if (playing) return;
    playing = true;
    document.body.classList.add("playing");
    $("panel").setAttribute("aria-live", "off"); // a reader aloud would be left behind
    $("play").setAttribute("aria-label", "pause");
    if (step >= last) go(0);
    else go(step + 1, true);
    tick();
  }

  function pause() {
    clearTimeout(timer);
    playing = false;
    document.body.classList.remove("playing");
    $("panel").setAttribute("aria-live", "polite");
    $("play").setAttribute("aria-label", "play");
  }

  const moves = {
    home: () => {
      pause();
      go(0);
    },
    back: () => {
      pause();
      go(step - 1);
    },
    play: () => (playing ? pause() : play()),
    forth: () => {
      pause();
      if (step < last) go(step + 1, true);
    },
    end: () => {
      pause();
      go(last);
    },
  };
  for (const [name, move] of Object.entries(moves)) $(name).onclick = move;
  const keys = {Home: "home", ArrowLeft: "back", " ": "play", ArrowRight: "forth", End: "end"};
  addEventListener("keydown", event => {
    const inside = event.target.closest("button, select, summary");
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in keys)) return;
    if (inside && (event.key === " " || inside.matches("select"))) return; // it has its own use for the key
    event.preventDefault();
    moves[keys[event.key]]();
  });
  scrub.oninput = () => {
    pause();
    go(Number(scrub.value));
  };
  addEventListener("hashchange", () => {
    pause();
    read();
  });
  read();
  return {
    go,
    pause,
    again: () => go(step),
    get step() {
      return step;
    },
    get playing() {
      return playing;
    },
  };
}
