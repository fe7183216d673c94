// The page of an expression that the engine made: the numbers as given are the engine's own.

import {data} from "./page.js";
import {perform} from "./graph.js";

const numbersOf = texts => texts.map(Number); // "NaN" and "Infinity" come as text
const enginePass = {
  numbers: numbersOf(data.nodes.map(node => node.data)),
  locals: data.nodes.map(node => numbersOf(node.locals)),
};
perform(
  data.nodes.map((node, i) => ({...node, data: enginePass.numbers[i], row: rows[node.row]})),
  {enginePass, why: data.still, invite: "Take any leaf, and drag it: everything follows."},
);
