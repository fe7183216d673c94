// What is said of a network, in words and tables: of the example that is chosen, with the numbers that are there now.

import {byId, choice, data, html, num, range, signClass, signedNum} from "./page.js";
import {
  agreement,
  delta,
  examples,
  formulas,
  gradientOf,
  isPaired,
  kinds,
  last,
  names,
  now,
  passOf,
  sizes,
  weight,
  weightGradient,
  wish,
} from "./model.js";
import {exampleName, neuronName, outputs, shown, side, thumb} from "./picture.js";

export const example = () => examples[now.example];

/** The output that the words are about: the chosen one, or what the example is, or the one with the largest nudge. */
export const focus = () => {
  if (now.output !== null) return now.output;
  const {y} = example(),
    upstream = passOf().da[last - 1];
  if (outputs > 1 && y.length === outputs && y.filter(t => t === 1).length === 1) return y.indexOf(1);
  return upstream.reduce((best, v, j) => (Math.abs(v) > Math.abs(upstream[best]) ? j : best), 0);
};
/** A gradient as it is shown: its nudge, which is minus it; or, turned round, the gradient. */
export const shownGradient = v => (now.showsGradient ? v : 0 - v);
export const nudgeOrGradient = () => (now.showsGradient ? "gradient" : "nudge");
/** What it is called, "−∂C/∂w", or turned round "∂C/∂w". */
export const shownLabel = text => (now.showsGradient ? "" : "−") + text;

/** How the neurons of a layer make their activations, each way once: "tanh(z)". */
export const activationText = (l, j) => (formulas[l - 1][j] === "1" ? "z" : `${kinds[l - 1][j]}(z)`);
export const activationTexts = l => [...new Set(range(sizes[l]).map(j => activationText(l, j)))];
export const isMixed = l => new Set(kinds[l - 1]).size > 1;
/** f′ as a formula, where all neurons of a layer have the same, and one is known. */
export const slopeFormula = l => new Set(formulas[l - 1]).size === 1 && formulas[l - 1][0];
export const isLinear = l => slopeFormula(l) === "1";

/** Words, of which what stands between backticks is a formula, that no line breaks. */
export const withFormulas = text =>
  text.split("`").map((part, i) => (i % 2 ? html("span", {class: "formula"}, part) : part));
export const note = text => html("small", {}, text);
/** Significant digits in a table: fewer where the panel is narrow. */
const digits = () => (byId("panel").clientWidth < 280 ? 3 : 4);
export const cell = x => html("td", {class: signClass(x)}, signedNum(x, digits()));
const arrow = x => html("td", {class: signClass(x)}, x > 0 ? "▲" : x < 0 ? "▼" : "");
export function table(head, rows) {
  return html(
    "table",
    {},
    ...(head.length ? [html("tr", {}, ...head.map(text => html("th", {scope: "col"}, text)))] : []),
    ...rows.map(row =>
      html("tr", {}, ...row.map(part => (part instanceof Node && part.tagName === "TD" ? part : html("td", {}, part)))),
    ),
  );
}
export function costTable() {
  const {a, cost} = passOf(),
    {y} = example();
  if (!data.squared)
    return table(
      ["output", "a", ...(isPaired ? ["target"] : [])],
      shown[last].map(j => [names[j], num(a[last][j]), ...(isPaired ? [num(y[j])] : [])]),
    );
  const rows = shown[last].map(j => [names[j], num(a[last][j]), num(y[j]), num((a[last][j] - y[j]) ** 2)]);
  const total = [html("td", {colspan: 3}, "added up"), html("td", {class: "total"}, num(cost))];
  return table(["output", "a", "target", "(a − y)²"], [...rows, total]);
}
export function nudgeTable() {
  const rows = shown[last].map(j => shownGradient(passOf().da[last - 1][j]));
  return table(
    ["output", "", shownLabel("∂C/∂a")],
    rows.map((v, n) => [names[shown[last][n]], arrow(v), cell(v)]),
  );
}
export function biasTable() {
  return table(
    ["bias of", "", shownLabel("∂C/∂b")],
    shown[last].map(j => [names[j], arrow(shownGradient(delta(last, j))), cell(shownGradient(delta(last, j)))]),
  );
}
export function avenueTable(l, j, upto) {
  const d = shownLabel("δ"),
    rows = [["bias", d, cell(shownGradient(delta(l, j)))]];
  const strongest = f =>
    range(sizes[l - 1])
      .sort((p, q) => Math.abs(f(q)) - Math.abs(f(p)))
      .slice(0, 5);
  if (upto === 2)
    for (const i of strongest(i => weightGradient(l, j, i)))
      rows.push([
        `weight from ${i}`,
        `${d} × ${num(passOf().a[l - 1][i])}`,
        cell(shownGradient(weightGradient(l, j, i))),
      ]);
  if (upto === 3)
    for (const i of strongest(i => wish(l, j, i)))
      rows.push([neuronName(l - 1, i), `${d} × ${num(weight(l, j, i))}`, cell(shownGradient(-wish(l, j, i)))]);
  return table([neuronName(l, j), ["", "", `${d} × a`, `${d} × w`][upto], nudgeOrGradient()], rows);
}
/** Buttons to choose the output whose avenues are shown. */
export function followButtons(follow) {
  if (outputs === 1) return "";
  const options = shown[last].map(j => [j, names[j]]);
  return html("div", {class: "outputs"}, "of ", choice("the output to follow", options, focus(), follow));
}
export function hebbText() {
  const j = focus(),
    size = i => Math.abs(weightGradient(last, j, i)),
    i = shown[last - 1].reduce((best, k) => (size(k) > size(best) ? k : best));
  const should =
    delta(last, j) < 0
      ? "should become brighter"
      : delta(last, j) > 0
        ? "should become darker"
        : Number.isNaN(delta(last, j))
          ? "has no nudge that is a number"
          : "is right as it is";
  return (
    `The largest nudge to a weight of ${neuronName(last, j)}, which ${should}, ` +
    `is the one from ${neuronName(last - 1, i)}, whose activation is ${num(passOf().a[last - 1][i])}: ` +
    `${num(0 - weightGradient(last, j, i))}.`
  );
}
export function sumTable(l) {
  const rows = shown[l].map(i => [i, shownGradient(passOf().da[l - 1][i])]);
  return table(
    ["neuron", "", `sum = ${shownLabel("∂C/∂a")}`],
    rows.map(([i, v]) => [String(i), arrow(v), cell(v)]),
  );
}
export function deltaTable(l) {
  const {da, dz, slopes} = passOf();
  const row = i => [
    l === last ? names[i] : isMixed(l) ? `${i} ${kinds[l - 1][i]}` : String(i),
    cell(shownGradient(da[l - 1][i])),
    num(slopes[l - 1][i], digits()),
    cell(shownGradient(dz[l - 1][i])),
  ];
  return table([l === last ? "output" : "neuron", shownLabel("∂C/∂a"), "f′(z)", shownLabel("δ")], shown[l].map(row));
}
/** The neuron with the largest nudge to its activation, and how much of that gets through to its weighted sum. */
export function letThroughText(l) {
  const {da, dz} = passOf(),
    j = shown[l].reduce((best, k) => (Math.abs(da[l - 1][k]) > Math.abs(da[l - 1][best]) ? k : best));
  const share = dz[l - 1][j] / da[l - 1][j];
  if (!(share < 0.99)) return ""; // all of it, or there is no nudge
  const name = l === last ? neuronName(l, j) : `neuron ${j}`;
  return (
    `The largest \`${shownLabel("∂C/∂a")}\` is that of ${name}, and ${num(100 * share, 3)} % of it gets through: ` +
    `${num(shownGradient(da[l - 1][j]))} becomes ${num(shownGradient(dz[l - 1][j]))}.`
  );
}
export const bar = share => {
  const from = share < 0 ? "right:50%" : "left:50%";
  return html(
    "span",
    {class: `bar ${signClass(share)}`},
    html("i", {style: `width:${Math.min(1, Math.abs(share)) * 50}%;${from}`}),
  );
};
export function agreeList(choose) {
  const cosines = agreement();
  const rows = range(examples.length)
    .sort((e, f) => cosines[f] - cosines[e])
    .map(e => {
      const label = `example ${e}, ${exampleName(e)}: ${num(cosines[e], 2)}`,
        text = html("span", {class: signClass(cosines[e])}, cosines[e].toFixed(2).replace("-", "−"));
      const parts = [thumb(examples[e]), html("span", {}, exampleName(e)), bar(cosines[e]), text];
      return html(
        "button",
        {class: "agree", "aria-label": label, onclick: () => choose(e), "data-key": `agree.${e}`},
        ...parts,
      );
    });
  return html("div", {class: "agreement"}, ...rows);
}

/** The strongest weight of each neuron on average, the strongest first; of layer 1 if its inputs are drawn. */
function strongestWeights() {
  const {weights} = gradientOf(null),
    found = [];
  for (const l of range(last))
    for (const j of side && last > 1 && !l ? [] : shown[l + 1]) {
      const value = i => weights[l][j * sizes[l] + i],
        i = shown[l].reduce((best, k) => (Math.abs(value(k)) > Math.abs(value(best)) ? k : best));
      found.push({place: [l + 1, j, i], average: value(i)});
    }
  return found.sort((p, q) => Math.abs(q.average) - Math.abs(p.average));
}

/** Weights down, examples across, and their average: as many of each as there is room for. */
export function filmTable() {
  const stage = byId("stage"),
    tall = (stage.clientHeight - 70) / (parseFloat(getComputedStyle(stage).fontSize) * 1.75),
    across = Math.max(1, Math.min(examples.length, Math.floor((stage.clientWidth - 190) / 78)));
  const some = range(across).map(n => (now.example + n) % examples.length);
  const rows = strongestWeights().slice(0, Math.max(2, Math.min(12, Math.floor(tall))));
  const head = some.map(k => html("th", {scope: "col"}, side ? thumb(examples[k]) : "", exampleName(k)));
  const more = examples.length > across ? [html("th", {}, "…")] : [];
  const lines = rows.map(({place: [l, j, i], average}) =>
    html(
      "tr",
      {},
      html("th", {scope: "row"}, l === last ? `${i} → ${neuronName(l, j)}` : `${i} → ${j} of layer ${l}`),
      ...some.map(k => cell(shownGradient(weightGradient(l, j, i, k)))),
      ...more.map(() => html("td", {}, "")),
      html("td", {class: `mean ${signClass(shownGradient(average))}`}, signedNum(shownGradient(average))),
    ),
  );
  const title = html(
    "tr",
    {},
    html("th", {}, shownLabel("∂C/∂w")),
    ...head,
    ...more,
    html("th", {scope: "col"}, `average of ${examples.length}`),
  );
  return html("table", {class: "film"}, title, ...lines);
}
