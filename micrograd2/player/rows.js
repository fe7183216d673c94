// What the spellings of the engine's rows call beside Math: computed in the same way, so that the numbers are the same.

export function sigmoid(x) {
  const e = Math.exp(-Math.abs(x)); // never overflows
  return (x >= 0 ? 1 : e) / (1 + e);
}

export function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))); // never overflows; a NaN stays
}

export function less(a, b) {
  return Number.isNaN(a + b) ? NaN : Number(a < b);
}

export function sum(...numbers) {
  return numbers.reduce((total, x) => total + x, 0);
}

/** All weights, all inputs, and the bias, if there is one. */
export function dot(...operands) {
  const n = operands.length >> 1;
  let total = operands.length % 2 ? operands[2 * n] : 0;
  for (let i = 0; i < n; i++) total += operands[i] * operands[n + i];
  return total;
}

export function logsumexp(...numbers) {
  const most = Math.max(...numbers);
  if (!Number.isFinite(most)) return most; // and x − most is NaN
  return most + Math.log(sum(...numbers.map(x => Math.exp(x - most))));
}

/**
 * A value with its gradient; no numbers where the engine has none, for an overflow or a division by zero on the way,
 * among the numbers `between`, may leave no trace in the result.
 */
export function known(value, gradient, between) {
  const isKnown = Number.isFinite(value) && gradient.every(Number.isFinite) && between.every(Number.isFinite);
  return isKnown ? [value, gradient] : [NaN, gradient.map(() => NaN)];
}
