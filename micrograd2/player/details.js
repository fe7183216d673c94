// The numbers of the neuron that was clicked, each of them a button that holds it.

import {html, largestSize, mean, num, range, signClass} from "./page.js";
import {bias, delta, examples, now, passOf, sizes, still, weight, weightGradients} from "./model.js";
import {exampleName, image, neuronName, side, thumb} from "./picture.js";
import {activationText, bar, cell, example, shownGradient, shownLabel, table} from "./words.js";

/** What `hold` does with the place of a number, and `pick` with a neuron, its buttons do. */
export function details(scene, {hold, pick}) {
  const [l, j] = now.picked;
  const close = html("button", {onclick: () => pick(l, j), "aria-label": "close", "data-key": "close"}, "×");
  const heading = html("h3", {}, html("span", {}, neuronName(l, j)), close);
  if (!l)
    return html(
      "div",
      {class: "details"},
      heading,
      table([], [["activation a", holdButton(hold, {input: j}, num(example().x[j]))]]),
    );
  const {a, z, slopes, da, dz} = passOf();
  const facts = table(scene.average ? [`of example ${now.example}`, ""] : [], [
    ["weighted sum z", html("td", {id: "z"}, num(z[l - 1][j]))],
    [`activation a = ${activationText(l, j)}`, html("td", {id: "a"}, num(a[l][j]))],
    ["slope f′(z)", html("td", {id: "slope"}, num(slopes[l - 1][j]))],
    ["bias b", html("td", {id: "b"}, holdButton(hold, {bias: [l, j]}, num(bias(l, j))))],
    ["∂C/∂a", html("td", {id: "da"}, num(da[l - 1][j]))],
    ["δ = ∂C/∂z = ∂C/∂b", html("td", {id: "dz"}, num(dz[l - 1][j]))],
  ]);
  const k = scene.average ? null : now.example,
    gradients = weightGradients(l, j, k);
  const box = html("div", {class: "details"}, heading, facts);
  if (l === 1 && side) box.append(weightImages(hold, j, gradients, scene.average));
  const order = range(sizes[l - 1])
    .sort((p, q) => Math.abs(gradients[q]) - Math.abs(gradients[p]))
    .slice(0, 4);
  box.append(
    table(
      ["from", "w", shownLabel(`${scene.average ? "average " : ""}∂C/∂w`)],
      order.map(i => [
        side && l === 1 ? neuronName(0, i) : String(i),
        holdButton(hold, {weight: [l, j, i]}, num(weight(l, j, i))),
        cell(shownGradient(gradients[i])),
      ]),
    ),
    anyWeight(hold, l, j),
  );
  if (scene.average && examples.length > 1) box.append(...biasList(l, j));
  return box;
}

/** A number that can be held. */
function holdButton(hold, place, text) {
  if (still) return text;
  return html("button", {onclick: () => hold(place), "data-key": JSON.stringify(place), title: "change it"}, text);
}

function anyWeight(hold, l, j) {
  if (still || sizes[l - 1] <= 4) return "";
  const number = html("input", {
    type: "number",
    min: 0,
    max: sizes[l - 1] - 1,
    "aria-label": "the number of a neuron before",
    "data-key": "any",
  });
  number.onchange = () => {
    const i = Math.round(Number(number.value));
    if (i >= 0 && i < sizes[l - 1]) hold({weight: [l, j, i]});
  };
  return html("p", {}, "or the weight from ", number);
}

function weightImages(hold, j, gradients, average) {
  const weights = range(sizes[0]).map(i => weight(1, j, i)),
    nudges = gradients.map(shownGradient);
  const figure = (values, text) => {
    const canvas = image(values, true, largestSize(values));
    if (!still)
      canvas.onclick = event => {
        const part = size => Math.min(side - 1, Math.floor((size * side) / canvas.clientWidth));
        hold({weight: [1, j, part(event.offsetY) * side + part(event.offsetX)]});
      };
    return html("figure", {}, canvas, html("figcaption", {}, `${text}, to ±${num(largestSize(values), 2)}`));
  };
  const nudgeText = `${average ? "average " : ""}${shownLabel("∂C/∂w")}`;
  return html("div", {class: "pair"}, figure(weights, "weights"), figure(nudges, nudgeText));
}

function biasList(l, j) {
  const each = examples.map((_, k) => shownGradient(delta(l, j, k))),
    top = largestSize(each) || 1;
  const rows = each.map((v, k) =>
    html(
      "div",
      {class: "agree"},
      thumb(examples[k]),
      html("span", {}, exampleName(k)),
      bar(v / top),
      html("span", {class: signClass(v)}, num(v, 2)),
    ),
  );
  return [
    html("p", {}, `${shownLabel("∂C/∂b")} of each example, average ${num(mean(each))}`),
    html("div", {class: "agreement"}, ...rows),
  ];
}
