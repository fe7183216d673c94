// Where an expression stands: in layers, each value just before the first that uses it, so that arrows lead one way.
//
// After Sugiyama, Tagawa & Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers
// by the longest path, a point for every layer that an edge passes, an order with few crossings by the means of the
// neighbours, and then places near those neighbours. No card is covered by another, or crossed by an edge.

import {mean, range} from "./page.js";

const SWEEPS = 16, // through all layers, for their order
  ROUNDS = 60, // through all layers, for the places in them
  APART = {card: 22, point: 14}, // pixels between neighbours in a layer
  GAP = {right: 68, down: 44}, // between layers: room for a number on every edge
  MARGIN = 14,
  PORT = 13; // between two edges at one side of a card, at most

/**
 * Both layouts of an expression, to the right and down: {width, height, nodes: [[x, y]], edges: [SVG path]}, in pixels.
 * `sizes` are [width, height] of every card; `edges` are [operand, result], the last card being the result of all.
 */
export function layouts(sizes, edges) {
  const ordered = putInOrder(intoLayers(sizes.length, edges));
  return [false, true].map(down => placePoints(ordered, sizes, edges, down));
}

/** The layers of points, and for each edge the points it goes through; a card is a point of its own number. */
function intoLayers(count, edges) {
  const layer = range(count).map(() => 0);
  for (const [operand, result] of [...edges].sort((one, other) => other[1] - one[1]))
    layer[operand] = Math.max(layer[operand], layer[result] + 1);
  const last = Math.max(...layer);
  const points = layer.map((n, i) => ({card: i, layer: last - n, before: [], after: []}));
  const ways = edges.map(([operand, result]) => {
    const way = [points[operand]];
    for (let n = points[operand].layer + 1; n < points[result].layer; n++)
      points.push({card: null, layer: n, before: [], after: []}), way.push(points.at(-1));
    way.push(points[result]);
    way.slice(1).forEach((point, k) => {
      point.before.push(way[k]);
      way[k].after.push(point);
    });
    return way;
  });
  return {points, ways, layers: range(last + 1).map(() => [])};
}

/** Puts every point in its layer, in an order with few crossings: of all that were tried, the one with the fewest. */
function putInOrder({points, ways, layers}) {
  const seen = new Set();
  const visit = point => {
    // operands as they are written: a tree has no crossings then
    if (seen.has(point)) return;
    seen.add(point);
    layers[point.layer].push(point);
    point.before.forEach(visit);
  };
  visit(ways.length ? ways[0].at(-1) : points[0]);
  const number = layer => layer.forEach((point, at) => (point.at = at));
  layers.forEach(number);
  let best = layers.map(layer => [...layer]),
    fewest = crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && fewest; sweep++) {
    const side = sweep % 2 ? "before" : "after";
    for (const layer of side === "before" ? layers : [...layers].reverse()) {
      for (const point of layer)
        point.mean = point[side].length ? mean(point[side].map(({at}) => at)) : point.at;
      layer.sort((one, other) => one.mean - other.mean);
      number(layer);
    }
    const found = crossings(layers);
    if (found < fewest) {
      fewest = found;
      best = layers.map(layer => [...layer]);
    }
  }
  best.forEach(number);
  return {points, ways, layers: best};
}

function crossings(layers) {
  let found = 0;
  for (const layer of layers) {
    const ends = layer.flatMap(point => point.after.map(({at}) => at).sort((one, other) => one - other));
    ends.forEach((end, k) => {
      for (let i = 0; i < k; i++) if (ends[i] > end) found++;
    });
  }
  return found;
}

/** Places for the points, and paths for the edges; `thick` goes along the layers' direction, `wide` across it. */
function placePoints({points, ways, layers}, sizes, edges, down) {
  for (const point of points) {
    const [width, height] = point.card === null ? [0, 0] : sizes[point.card];
    [point.thick, point.wide] = down ? [height, width] : [width, height];
  }
  for (const layer of layers) layer.gaps = layer.slice(1).map((point, k) => distance(layer[k], point));
  for (const layer of layers) settle(layer, () => [0, 1]);
  for (let round = 0; round < ROUNDS; round++) {
    const turn = round % 2 ? [...layers].reverse() : layers;
    for (const layer of turn) settle(layer, idealPlace);
  }
  const least = Math.min(...points.map(({across, wide}) => across - wide / 2));
  let along = MARGIN;
  for (const layer of layers) {
    const thick = Math.max(...layer.map(point => point.thick));
    for (const point of layer) Object.assign(point, {from: along, to: along + thick, along: along + thick / 2});
    along += thick + (down ? GAP.down : GAP.right);
  }
  for (const point of points) point.across += MARGIN - least;
  const length = Math.max(...points.map(({to}) => to)) + MARGIN,
    breadth = Math.max(...points.map(({across, wide}) => across + wide / 2)) + MARGIN;
  const pair = (a, b) => (down ? [b, a] : [a, b]).map(x => Math.round(x * 10) / 10);
  const [width, height] = pair(length, breadth);
  const leaves = ports(points, ways, "after", 0, way => way[1]),
    arrives = ports(points, ways, "before", 1, way => way.at(-2));
  const paths = ways.map((way, k) => {
    const first = way[0],
      last = way.at(-1);
    const stops = [[first.along + first.thick / 2, first.to, leaves[k]]];
    for (const {from, to, across} of way.slice(1, -1)) stops.push([from, to, across]);
    stops.push([last.from, last.along - last.thick / 2, arrives[k]]);
    let path = `M${pair(stops[0][0], stops[0][2])}`;
    stops.forEach(([from, to, across], i) => {
      if (i) {
        const [, before, there] = stops[i - 1],
          middle = (before + from) / 2;
        path += `C${pair(middle, there)} ${pair(middle, across)} ${pair(from, across)}`;
      }
      path += `L${pair(to, across)}`;
    });
    return path;
  });
  return {width, height, nodes: sizes.map((_, i) => pair(points[i].along, points[i].across)), edges: paths};
}

const distance = (one, other) =>
  (one.wide + other.wide) / 2 + (one.card === null && other.card === null ? APART.point : APART.card);

/** Where a point would best stand, and how much that weighs: at the mean of its neighbours, where leaves count least,
 * and what makes a long edge straight most. */
function idealPlace(point) {
  let sum = 0,
    weight = 0;
  for (const other of [...point.before, ...point.after]) {
    const leaf = !point.before.length || !other.before.length,
      w = leaf ? 1 : point.card === null && other.card === null ? 8 : 3;
    sum += w * other.across;
    weight += w;
  }
  return weight ? [sum / weight, weight] : [point.across, 1];
}

/**
 * Moves the points of a layer as near to their ideal places, in least squares, as their order and the room between them
 * allow: those that would come too near to each other move as one block, to the mean of these places.
 */
function settle(layer, idealOf) {
  let offset = 0;
  const blocks = [];
  const place = ({sum, weight}) => sum / weight;
  layer.forEach((point, k) => {
    offset += k ? layer.gaps[k - 1] : 0;
    point.offset = offset;
    const [across, weight] = idealOf(point);
    let block = {members: [point], sum: weight * (across - offset), weight};
    while (blocks.length && place(blocks.at(-1)) >= place(block)) {
      const {members, ...other} = blocks.pop();
      block = {
        members: [...members, ...block.members],
        sum: other.sum + block.sum,
        weight: other.weight + block.weight,
      };
    }
    blocks.push(block);
  });
  for (const block of blocks) for (const point of block.members) point.across = place(block) + point.offset;
}

/** Where on the side of its card each edge begins or ends, in the order in which the other ends stand. */
function ports(points, ways, side, end, next) {
  const found = [];
  for (const point of points.filter(({card}) => card !== null)) {
    const mine = range(ways.length).filter(k => ways[k].at(end ? -1 : 0) === point);
    mine.sort((one, other) => next(ways[one]).across - next(ways[other]).across || one - other);
    const step = Math.min(PORT, (point.wide - 16) / Math.max(1, mine.length - 1));
    mine.forEach((k, n) => (found[k] = point.across + (n - (mine.length - 1) / 2) * step));
  }
  return found;
}
