// The numbers of the neuron that was clicked, each of them a button that holds it.

import {html, mean, most, num, range, sign} from "./page.js";
import {bias, delta, examples, now, passOf, sizes, slopesOf, still, weight} from "./model.js";
import {image, side, thumb, told} from "./picture.js";
import {bar, cell, curve, example, faced, of, table} from "./words.js";

/** What `hold` does with the place of a number, and `pick` with a neuron, its buttons do. */
export function details(scene, {hold, pick}) {
  const [l, j] = now.picked;
  const close = html("button", {onclick: () => pick(l, j), "aria-label": "close", "data-key": "close"}, "×");
  const heading = html("h3", {}, html("span", {}, told(l, j)), close);
  if (!l)
    return html(
      "div",
      {class: "details"},
      heading,
      table([], [["activation a", holder(hold, {input: j}, num(example().x[j]))]]),
    );
  const {a, z, slopes, da, dz} = passOf();
  const facts = table(scene.average ? [`of example ${now.example}`, ""] : [], [
    ["weighted sum z", html("td", {id: "z"}, num(z[l - 1][j]))],
    [`activation a = ${curve(l, j)}`, html("td", {id: "a"}, num(a[l][j]))],
    ["slope f′(z)", html("td", {id: "slope"}, num(slopes[l - 1][j]))],
    ["bias b", html("td", {id: "b"}, holder(hold, {bias: [l, j]}, num(bias(l, j))))],
    ["∂C/∂a", html("td", {id: "da"}, num(da[l - 1][j]))],
    ["δ = ∂C/∂z = ∂C/∂b", html("td", {id: "dz"}, num(dz[l - 1][j]))],
  ]);
  const who = scene.average ? null : now.example,
    slopesNow = slopesOf(l, j, who);
  const box = html("div", {class: "details"}, heading, facts);
  if (l === 1 && side) box.append(imagesOf(hold, j, slopesNow, scene.average));
  const order = range(sizes[l - 1])
    .sort((p, q) => Math.abs(slopesNow[q]) - Math.abs(slopesNow[p]))
    .slice(0, 4);
  box.append(
    table(
      ["from", "w", of(`${scene.average ? "average " : ""}∂C/∂w`)],
      order.map(i => [
        side && l === 1 ? told(0, i) : String(i),
        holder(hold, {weight: [l, j, i]}, num(weight(l, j, i))),
        cell(faced(slopesNow[i])),
      ]),
    ),
    anyWeight(hold, l, j),
  );
  if (scene.average && examples.length > 1) box.append(...biasesOf(l, j));
  return box;
}

/** A number that can be held. */
function holder(hold, place, text) {
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

function imagesOf(hold, j, slopesNow, average) {
  const weights = range(sizes[0]).map(i => weight(1, j, i)),
    nudges = slopesNow.map(faced);
  const figure = (values, text) => {
    const canvas = image(values, true, most(values));
    if (!still)
      canvas.onclick = event => {
        const part = size => Math.min(side - 1, Math.floor((size * side) / canvas.clientWidth));
        hold({weight: [1, j, part(event.offsetY) * side + part(event.offsetX)]});
      };
    return html("figure", {}, canvas, html("figcaption", {}, `${text}, to ±${num(most(values), 2)}`));
  };
  const nudgeText = `${average ? "average " : ""}${of("∂C/∂w")}`;
  return html("div", {class: "pair"}, figure(weights, "weights"), figure(nudges, nudgeText));
}

function biasesOf(l, j) {
  const each = examples.map((_, k) => faced(delta(l, j, k))),
    top = most(each) || 1;
  const rows = each.map((v, k) =>
    html(
      "div",
      {class: "agree"},
      thumb(examples[k]),
      html("span", {}, examples[k].name),
      bar(v / top),
      html("span", {class: sign(v)}, num(v, 2)),
    ),
  );
  return [
    html("p", {}, `${of("∂C/∂b")} of each example, average ${num(mean(each))}`),
    html("div", {class: "agreement"}, ...rows),
  ];
}
