// What both pages share: the data, elements, numbers as text, and the transport: play, step, scrub, keys, address.

export const data = JSON.parse(document.getElementById("data").textContent);
/** Whether motion is unwelcome. */
export const calm = matchMedia("(prefers-reduced-motion: reduce)");

export const byId = id => document.getElementById(id);

/** An HTML element; children that are strings become text, never markup. */
export function html(tag, attributes = {}, ...children) {
  return fillElement(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fillElement(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** An attribute that is a function is what a click does. */
function fillElement(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === "function") element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const range = n => [...Array(n).keys()];
/** The largest of some numbers in size, whatever their signs. */
export const largestSize = values => values.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
export const mean = values => values.reduce((total, v) => total + v, 0) / values.length;

/** A number in four significant digits, as Python's `.4g`, with a true minus and powers of ten. */
export function num(x, digits = 4) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  const small = power < -4 || power >= digits;
  const text = String(Number(small ? mantissa : x.toPrecision(digits))).replace("-", "−");
  return small
    ? text + "·10" + [...power.replace("+", "")].map(c => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("")
    : text;
}

/** A number as somebody types it, with a decimal point or comma; NaN for none, and where 1,000 may be a thousand. */
export const typedNumber = text =>
  /[1-9]\d*,\d{3}(?!\d)/.test(text) ? NaN : Number(text.trim().replace("−", "-").replace(",", ".") || NaN);

/** The same with its sign always there, but for 0: +0.5. */
export const signedNum = (x, digits = 4) => (x > 0 ? "+" : "") + num(x, digits);

/** The class that colours a number by its sign. */
export const signClass = x => (x > 0 ? "plus" : x < 0 ? "minus" : "none");

/** A text of at most so many letters. */
export const shorten = (text, limit) => {
  const letters = [...text];
  return letters.length > limit ? letters.slice(0, limit - 1).join("") + "…" : text;
};

/** SVG text that fits: letters are taken off its end until it is at most so many pixels wide. */
export function fit(text, width) {
  const letters = [...text.textContent];
  while (letters.length > 1 && text.getComputedTextLength() > width) {
    letters.length = Math.min(letters.length - 1, Math.ceil(letters.length * 0.9));
    text.textContent = letters.join("").trimEnd() + "…";
  }
}

/** SVG text that must stay whole, such as a number: it keeps all its letters, drawn closer together if need be. */
export function squeeze(text, width) {
  text.removeAttribute("textLength");
  if (text.getComputedTextLength() > width) {
    text.setAttribute("textLength", width);
    text.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
}

/** What the colours of a page mean, above it, and whatever else belongs there. */
export function legend(plus, minus, ...more) {
  byId("legend").replaceChildren(
    html("span", {class: "plus"}, html("i"), plus),
    html("span", {class: "minus"}, html("i"), minus),
    ...more.map(part => (part instanceof Node ? part : html("span", {class: "aside"}, part))),
  );
}

/** A group of buttons of which one is pressed. */
export function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, text]) =>
    html(
      "button",
      {"aria-pressed": value === chosen, "data-key": `${label}.${value}`, onclick: () => choose(value)},
      text,
    ),
  );
  return html("span", {class: "choice", role: "group", "aria-label": label}, ...buttons);
}

/**
 * Moves through the steps 0 … last. `show(step, moving)` draws one; `moving` is true when it follows from the step
 * before, so that something may be set in motion. `chapters` are [first step, name]; `duration(step)`, in milliseconds;
 * `ask(step)` is true if something is asked before a step follows, which then waits, with the same step shown again;
 * `address` holds further parts of the page's address: {name: {get, set, text}}; a part that is null is left out, and
 * one that is no `text` is a number. What it returns has `divide(last, chapters)`, for other steps than before.
 */
export function transport({last, chapters, show, duration, ask = () => false, address = {}}) {
  let step = 0,
    playing = false,
    timer = 0,
    writing = 0;
  const scrub = byId("scrub");
  let ticks = [];

  function divide(steps, parts) {
    scrub.max = last = steps;
    chapters = parts;
    ticks = chapters.map(([first, name], i) => {
      const end = i + 1 < chapters.length ? chapters[i + 1][0] : last + 1;
      const style = `flex-grow: ${end - first}`,
        text = html("span", {"data-name": name}, name); // the style keeps room for it in bold
      return html("button", {style, title: name, onclick: () => visit(first)}, text);
    });
    byId("chapters").replaceChildren(...ticks);
  }

  /** The names of the chapters stand there if all of them fit. */
  function nameChapters() {
    const bar = byId("chapters");
    bar.classList.remove("tight");
    bar.classList.toggle("tight", bar.scrollWidth > bar.clientWidth + 1);
  }

  const chapterOf = at => chapters.findLastIndex(([first]) => first <= at);

  function go(to, moving = false) {
    step = Math.max(0, Math.min(last, Math.round(to) || 0));
    scrub.value = step;
    const at = chapterOf(step);
    ticks.forEach((tick, i) => {
      tick.className = i < at ? "past" : i === at ? "now" : "";
      if (i === at) tick.setAttribute("aria-current", "step");
      else tick.removeAttribute("aria-current");
    });
    scrub.setAttribute("aria-valuetext", `step ${step} of ${last}, ${chapters[at][1]}`);
    scrub.style.setProperty("--done", last ? step / last : 1);
    byId("where").textContent = `${step} / ${last}`;
    show(step, moving);
    clearTimeout(writing);
    writing = setTimeout(write, 200);
  }

  function write() {
    // not in an iframe made of text, whose address is not its own
    if (location.protocol === "about:") return;
    const parts = Object.entries(address).filter(([, part]) => part.get() !== null),
      texts = parts.map(([name, part]) => `${name}=${encodeURIComponent(part.get())}`);
    history.replaceState(null, "", "#" + [...texts, `step=${step}`].join("&"));
  }

  function read() {
    const parts = new URLSearchParams(location.hash.slice(1));
    for (const [name, part] of Object.entries(address))
      if (parts.has(name)) part.set(part.text ? parts.get(name) : Number(parts.get(name)));
    go(Number(parts.get("step")));
  }

  function tick() {
    timer = setTimeout(
      () => {
        if (onward()) tick();
      },
      (step >= last ? 0 : duration(step)) / Number(byId("speed").value),
    );
  }

  /** One step on; false, and paused, where there is none, or something is asked before it. */
  function onward() {
    const waits = step < last && ask(step + 1);
    if (step >= last || waits) pause();
    if (waits) go(step);
    else if (step < last) go(step + 1, true);
    return playing;
  }

  function play() {
    if (playing) return;
    playing = true;
    document.body.classList.add("playing");
    byId("panel").setAttribute("aria-live", "off"); // a reader aloud would be left behind
    byId("play").setAttribute("aria-label", "pause");
    if (step >= last) go(0);
    else if (!onward()) return;
    tick();
  }

  function pause() {
    clearTimeout(timer);
    playing = false;
    document.body.classList.remove("playing");
    byId("panel").setAttribute("aria-live", "polite");
    byId("play").setAttribute("aria-label", "play");
  }

  function visit(to) {
    pause();
    go(to);
  }

  const moves = {
    home: () => visit(0),
    back: () => visit(step - 1),
    play: () => (playing ? pause() : play()),
    forth: () => {
      pause();
      onward();
    },
    end: () => visit(last),
    earlier: () => visit(chapters[Math.max(0, chapterOf(step - 1))][0]),
    later: () => visit(chapters[chapterOf(step) + 1]?.[0] ?? last),
  };
  for (const [name, move] of Object.entries(moves)) if (byId(name)) byId(name).onclick = move;
  const keys = {Home: "home", ArrowLeft: "back", " ": "play", ArrowRight: "forth", End: "end"};
  Object.assign(keys, {PageUp: "earlier", PageDown: "later"});
  addEventListener("keydown", event => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || !(event.key in keys)) return;
    // what has its own use for the key keeps it
    if (event.target.closest("select, summary, textarea, input:not(#scrub)")) return;
    if (event.key === " " && event.target.closest("button, [role=button]")) return;
    event.preventDefault();
    moves[keys[event.key]]();
  });
  scrub.oninput = () => visit(Number(scrub.value));
  addEventListener("hashchange", () => {
    pause();
    read();
  });
  new ResizeObserver(nameChapters).observe(byId("chapters"));
  divide(last, chapters);
  read();
  return {
    go,
    play,
    pause,
    divide,
    again: () => go(step),
    get step() {
      return step;
    },
    get playing() {
      return playing;
    },
  };
}
