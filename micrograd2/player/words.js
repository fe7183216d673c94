// What is told of a network in words and tables: of the example that is chosen, with the numbers that are there now.

import {byId, choice, data, html, num, range, sign, signed} from "./page.js";
import {
  agreement,
  asked,
  delta,
  examples,
  formulas,
  gradientOf,
  kinds,
  last,
  names,
  now,
  passOf,
  sizes,
  slope,
  weight,
} from "./model.js";
import {outputs, shown, side, thumb, told} from "./picture.js";

export const example = () => examples[now.example];

export const focus = () => {
  if (now.followed !== null) return now.followed;
  const {y} = example(),
    pulls = passOf().da[last - 1];
  if (outputs > 1 && y.length === outputs && y.filter(t => t === 1).length === 1) return y.indexOf(1);
  return pulls.reduce((best, pull, j) => (Math.abs(pull) > Math.abs(pulls[best]) ? j : best), 0);
};
/** A slope as it is to be shown: minus it, as a nudge, or it. */
export const faced = v => (now.turned ? v : 0 - v);
export const called = () => (now.turned ? "gradient" : "nudge");
/** "−∂C/∂w", or turned round "∂C/∂w". */
export const of = text => (now.turned ? "" : "−") + text;

/** How the neurons of a layer make their activations, each way once: "tanh(z)". */
export const curve = (l, j) => (formulas[l - 1][j] === "1" ? "z" : `${kinds[l - 1][j]}(z)`);
export const curves = l => [...new Set(range(sizes[l]).map(j => curve(l, j)))];
export const mixed = l => new Set(kinds[l - 1]).size > 1;
/** f′ as a formula, where all neurons of a layer have the same, and one is known. */
export const formula = l => new Set(formulas[l - 1]).size === 1 && formulas[l - 1][0];
export const plain = l => formula(l) === "1";

/** Words, of which what stands between backticks is a formula, that no line breaks. */
export const unbroken = text =>
  text.split("`").map((part, i) => (i % 2 ? html("span", {class: "formula"}, part) : part));
export const note = text => html("small", {}, text);
/** Significant digits in a table: fewer where the panel is narrow. */
const digits = () => (byId("panel").clientWidth < 280 ? 3 : 4);
export const cell = x => html("td", {class: sign(x)}, signed(x, digits()));
const arrow = x => html("td", {class: sign(x)}, x > 0 ? "▲" : x < 0 ? "▼" : "");
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
      ["output", "a", "target"],
      shown[last].map(j => [names[j], num(a[last][j]), num(y[j] ?? y[0])]),
    );
  const rows = shown[last].map(j => [names[j], num(a[last][j]), num(y[j]), num((a[last][j] - y[j]) ** 2)]);
  const total = [html("td", {colspan: 3}, "added up"), html("td", {class: "total"}, num(cost))];
  return table(["output", "a", "target", "(a − y)²"], [...rows, total]);
}
export function nudgeTable() {
  const rows = shown[last].map(j => faced(passOf().da[last - 1][j]));
  return table(
    ["output", "", of("∂C/∂a")],
    rows.map((v, n) => [names[shown[last][n]], arrow(v), cell(v)]),
  );
}
export function biasTable() {
  return table(
    ["bias of", "", of("∂C/∂b")],
    shown[last].map(j => [names[j], arrow(faced(delta(last, j))), cell(faced(delta(last, j)))]),
  );
}
export function avenueTable(l, j, upto) {
  const d = of("δ"),
    rows = [["bias", d, cell(faced(delta(l, j)))]];
  const strongest = f =>
    range(sizes[l - 1])
      .sort((p, q) => Math.abs(f(q)) - Math.abs(f(p)))
      .slice(0, 5);
  if (upto === 2)
    for (const i of strongest(i => slope(l, j, i)))
      rows.push([`weight from ${i}`, `${d} × ${num(passOf().a[l - 1][i])}`, cell(faced(slope(l, j, i)))]);
  if (upto === 3)
    for (const i of strongest(i => asked(l, j, i)))
      rows.push([told(l - 1, i), `${d} × ${num(weight(l, j, i))}`, cell(faced(-asked(l, j, i)))]);
  return table([told(l, j), ["", "", `${d} × a`, `${d} × w`][upto], called()], rows);
}
/** Buttons to choose the output whose avenues are told. */
export function followers(follow) {
  if (outputs === 1) return "";
  const options = shown[last].map(j => [j, names[j]]);
  return html("div", {class: "outputs"}, "of ", choice("the output to follow", options, focus(), follow));
}
export function hebb() {
  const j = focus(),
    i = shown[last - 1].reduce((best, k) => (Math.abs(slope(last, j, k)) > Math.abs(slope(last, j, best)) ? k : best));
  const should =
    delta(last, j) < 0 ? "should become brighter" : delta(last, j) > 0 ? "should become darker" : "is right as it is";
  return (
    `The largest nudge to a weight of ${told(last, j)}, which ${should}, is the one from ${told(last - 1, i)}, ` +
    `whose activation is ${num(passOf().a[last - 1][i])}: ${num(0 - slope(last, j, i))}.`
  );
}
export function sumTable(l) {
  const rows = shown[l].map(i => [i, faced(passOf().da[l - 1][i])]);
  return table(
    ["neuron", "", `sum = ${of("∂C/∂a")}`],
    rows.map(([i, v]) => [String(i), arrow(v), cell(v)]),
  );
}
export function deltaTable(l) {
  const {da, dz, slopes} = passOf();
  const row = i => [
    l === last ? names[i] : mixed(l) ? `${i} ${kinds[l - 1][i]}` : String(i),
    cell(faced(da[l - 1][i])),
    num(slopes[l - 1][i], digits()),
    cell(faced(dz[l - 1][i])),
  ];
  return table([l === last ? "output" : "neuron", of("∂C/∂a"), "f′(z)", of("δ")], shown[l].map(row));
}
/** The neuron that is pulled most, and how much of it is heard. */
export function deafest(l) {
  const {da, dz} = passOf(),
    j = shown[l].reduce((best, k) => (Math.abs(da[l - 1][k]) > Math.abs(da[l - 1][best]) ? k : best));
  const share = dz[l - 1][j] / da[l - 1][j];
  if (!(share < 0.99)) return ""; // all of it, or nothing is pulled
  const who = l === last ? told(l, j) : `neuron ${j}`;
  return (
    `The strongest pull is on ${who}, and ${num(100 * share, 3)} % of it gets through: ` +
    `${num(faced(da[l - 1][j]))} becomes ${num(faced(dz[l - 1][j]))}.`
  );
}
export const bar = share => {
  const from = share < 0 ? "right:50%" : "left:50%";
  return html(
    "span",
    {class: `bar ${sign(share)}`},
    html("i", {style: `width:${Math.min(1, Math.abs(share)) * 50}%;${from}`}),
  );
};
export function agreeList(choose) {
  const cosines = agreement();
  const rows = range(examples.length)
    .sort((e, f) => cosines[f] - cosines[e])
    .map(e => {
      const label = `example ${e}, ${examples[e].name}: ${num(cosines[e], 2)}`,
        text = html("span", {class: sign(cosines[e])}, cosines[e].toFixed(2).replace("-", "−"));
      const parts = [thumb(examples[e]), html("span", {}, examples[e].name), bar(cosines[e]), text];
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
  const head = some.map(k => html("th", {scope: "col"}, side ? thumb(examples[k]) : "", examples[k].name));
  const more = examples.length > across ? [html("th", {}, "…")] : [];
  const lines = rows.map(({place: [l, j, i], average}) =>
    html(
      "tr",
      {},
      html("th", {scope: "row"}, l === last ? `${i} → ${told(l, j)}` : `${i} → ${j} of layer ${l}`),
      ...some.map(k => cell(faced(slope(l, j, i, k)))),
      ...more.map(() => html("td", {}, "")),
      html("td", {class: `mean ${sign(faced(average))}`}, signed(faced(average))),
    ),
  );
  const title = html(
    "tr",
    {},
    html("th", {}, of("∂C/∂w")),
    ...head,
    ...more,
    html("th", {scope: "col"}, `average of ${examples.length}`),
  );
  return html("table", {class: "film"}, title, ...lines);
}
