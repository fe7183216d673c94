// An expression from the text that somebody typed: read, and never run as code.
//
//   program    = statement {(";" or the end of a line) statement}
//   statement  = [name "="] sum
//   sum        = term {("+" | "-") term}
//   term       = factor {("*" | "/") factor}
//   factor     = ("-" | "+") factor | power              so −a**2 is −(a**2)
//   power      = primary ["**" factor]                   so 2**-1 is ½, and a**b**c is a**(b**c)
//   primary    = operand {"." function "(" ")"}
//   operand    = number | name | function "(" arguments ")" | "(" sum ")"
//   arguments  = [argument {"," argument}],  argument = sum | "[" [sum {"," sum}] "]"
//
// These are Python's rules, so that a text means there what it means here. A name that has no number of its own is a
// leaf; so is a number, but as an exponent it belongs to the power. What is not understood is a Fault with its place.

const DEEPEST = 100, // of brackets within brackets
  OPERAND = "a number, a name or (";

/** What is wrong with a text, and where: from `at` on, so many `letters`. */
export class Fault extends Error {
  constructor(message, at, letters = 1) {
    super(message);
    this.at = at;
    this.letters = letters;
  }
}

const TOKEN = /([^\S\n]+|#.*)|(\n|;)|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|[^])/uy;
const KINDS = [null, "space", "end", "number", "name", "sign"];
const PLAIN = new Map(Object.entries({"−": "-", "×": "*", "·": "*", "÷": "/"})); // as pictures write them

/** The words of a text: {kind, text, at}; an end of line within brackets is none, the last is an end. */
function tokens(text) {
  const found = [];
  let depth = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex,
      match = TOKEN.exec(text),
      group = match.findIndex((part, i) => i && part !== undefined),
      kind = KINDS[group],
      word = PLAIN.get(match[0]) ?? match[0];
    if (kind === "sign") depth += "([".includes(word) ? 1 : ")]".includes(word) ? -1 : 0;
    if (kind !== "space" && !(word === "\n" && depth > 0)) found.push({kind, text: word, at});
  }
  found.push({kind: "end", text: "", at: text.length});
  return found;
}

/**
 * {nodes, notes, givens}: the expression of a text, operands before results; what was left out; and the lines `name =
 * number`: {name, from, to}. `table` has for each operator and function {symbol, sign, why, lists, rows}: how many
 * lists it takes, and a row for each number of operands. `most` is {values, letters}. The result is the last line that
 * is more than a number. A leaf whose `data` is undefined was given no number.
 */
export function parse(text, table, most) {
  const leaves = [], // that have a name
    others = [],
    scope = new Map(), // the node of each name
    statements = [];
  if (text.length > most.letters)
    throw new Fault(`These are ${text.length} letters, and at most ${most.letters} are read.`, most.letters);
  const words = tokens(text);
  let next = 0,
    depth = 0;

  const here = () => words[next];
  const is = (...signs) => here().kind === "sign" && signs.includes(here().text);
  const fault = (message, token = here()) => new Fault(message, token.at, Math.max(1, token.text.length));
  const isFunction = name => Object.hasOwn(table, name) && /^\p{L}{2}/u.test(name) && name !== "neg";

  function expect(sign, wanted = sign) {
    if (!is(sign)) throw unexpected(wanted);
    next++;
  }

  function unexpected(wanted) {
    const {kind, text: word} = here(),
      before = words[next - 1];
    if (word === "^") return fault("A power is written a**2.");
    if (word === "=") return fault("One = in a line, after a name, as in c = a*b.");
    if (kind === "end") return fault(`Here ${wanted} is missing.`);
    if (kind === "sign" && !/^([-+*/(),.[\]]|\*\*)$/.test(word)) return fault(`${word} means nothing here.`);
    if (wanted !== OPERAND && (kind !== "sign" || word === "("))
      return fault(`Between ${before.text} and ${word} an operator is missing, such as *.`);
    return fault(`Here ${wanted} should stand, not ${word}.`);
  }

  function push(node, token) {
    const plain = token.kind !== "name" && node.args.every(arg => arg.plain), // numbers and operators alone
      data = plain && node.args.length ? node.row.value(...node.args.map(arg => arg.data)) : node.data;
    const whole = {label: "", op: "", symbol: "", why: "", ...node, data, plain, at: token.at, word: token.text};
    others.push(whole);
    if (others.length + leaves.length > most.values) throw fault(`A page plays at most ${most.values} values.`, token);
    return whole;
  }

  function operation(name, args, token) {
    const {symbol, sign, why, rows: byCount} = table[name];
    return push({op: symbol, symbol: sign, why, args, row: byCount[args.length]}, token);
  }

  /** Operators of one strength, from the left. */
  function chain(operand, ...operators) {
    let left = operand();
    while (is(...operators)) {
      const token = words[next++];
      left = operation(token.text, [left, operand()], token);
    }
    return left;
  }

  const sum = () => chain(term, "+", "-");
  const term = () => chain(factor, "*", "/");

  function factor() {
    if (++depth > DEEPEST) throw fault("This is nested too deeply.");
    const minus = is("-") && here();
    let result;
    if (minus || is("+")) {
      next++;
      result = factor();
      if (minus && result.plain && !result.args.length) result.data = -result.data;
      else if (minus) result = operation("neg", [result], minus);
    } else result = power();
    depth--;
    return result;
  }

  function power() {
    const base = primary();
    if (!is("**")) return base;
    const token = words[next++],
      before = others.length,
      exponent = factor();
    if (!exponent.plain) return operation("**", [base, exponent], token);
    const numbers = others.splice(before).map(({data}) => data);
    if (!numbers.every(Number.isFinite)) throw fault("The exponent has no value.", token);
    return powerOf(base, exponent.data, token);
  }

  /** The row of x ** p for a number p is that of a ** b, along its base alone. */
  function powerOf(base, p, token) {
    const {value, local} = table["**"].rows[2],
      digits = String(p);
    const row = {value: x => value(x, p), local: (y, x) => [p ? local(y, x, p)[0] : 0]};
    const high = [...digits].map(c => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
    const symbol = Number.isInteger(p) && !digits.includes("e") ? `x${high}` : `x^${digits}`;
    return push({op: `**${digits}`, symbol, why: "The slope of xᵖ is p·xᵖ⁻¹.", args: [base], row}, token);
  }

  function primary() {
    let result = operand();
    while (is(".")) {
      next++;
      const token = words[next++];
      if (token.kind !== "name") throw fault("After a point comes a function, as in a.tanh().", token);
      if (!isFunction(token.text) || table[token.text].lists || !table[token.text].rows[1]) throw unknown(token);
      expect("(");
      expect(")");
      result = operation(token.text, [result], token);
    }
    return result;
  }

  function operand() {
    const token = here();
    if (is("[")) throw fault("A list stands in a function, as in total([a, b]).");
    if (token.kind !== "number" && token.kind !== "name" && !is("(")) throw unexpected(OPERAND);
    next++;
    if (token.text === "(") {
      const result = sum();
      expect(")", "an operator or )");
      return result;
    }
    if (token.kind === "number") {
      const x = Number(token.text);
      if (!Number.isFinite(x)) throw fault(`${token.text} is too large.`, token);
      return push({args: [], data: x}, token);
    }
    if (is("(")) return functionCall(token);
    if (isFunction(token.text)) throw fault(`${token.text} is a function: write ${spelling(token.text)}.`, token);
    return scope.get(token.text) ?? leaf(token);
  }

  function leaf(token) {
    const found = {label: token.text, op: "", symbol: "", why: "", args: [], at: token.at, word: token.text};
    leaves.push(found);
    scope.set(token.text, found);
    if (others.length + leaves.length > most.values) throw fault(`A page plays at most ${most.values} values.`, token);
    return found;
  }

  const unknown = token =>
    fault(`${token.text} is no function here; these are: ${Object.keys(table).filter(isFunction).join(", ")}.`, token);

  /** How a function is written. */
  function spelling(name) {
    const {lists, rows: byCount} = table[name];
    return `${name}(${["", "[a, b]", "[v, w], [x, y], b"][lists] || (byCount[2] ? "a, b" : "a")})`;
  }

  function functionCall(token) {
    if (!isFunction(token.text)) throw unknown(token);
    const {lists, rows: byCount} = table[token.text];
    next++;
    const given = list(")", () => (is("[") ? (next++, list("]", sum)) : sum()));
    const [first, second = first] = given,
      count = given.flat().length;
    const shape = given.slice(0, lists).every(Array.isArray) && !given.slice(lists).some(Array.isArray),
      alike = given.length >= lists && given.length < 2 * lists && second.length === first.length,
      right = shape && (alike || !lists),
      all = Object.keys(byCount).length;
    if (right && lists && count > all)
      throw fault(`${token.text} takes at most ${all} numbers here; these are ${count}.`, token);
    if (!right || !byCount[count]) throw fault(`${token.text} is written ${spelling(token.text)}.`, token);
    return operation(token.text, given.flat(), token);
  }

  /** What stands between commas, to the closing bracket. */
  function list(closing, one) {
    const found = [];
    while (!is(closing)) {
      if (found.length) expect(",", `, or ${closing}`);
      found.push(one());
    }
    next++;
    return found;
  }

  function statement() {
    const token = here(),
      name = token.kind === "name" && words[next + 1].text === "=" ? token.text : "";
    if (isFunction(name)) throw fault(`${name} is a function: take another name.`, token);
    if (name) next += 2;
    const node = sum();
    if (here().kind !== "end") throw unexpected("an operator");
    const given = name && node.plain && !node.args.length,
      earlier = scope.get(name),
      waits = earlier && !earlier.args.length && earlier.data === undefined;
    if (waits && !given) throw fault(`${name} is used before it is made: put this line first.`, token);
    if (earlier && !waits) throw fault(`${name} has been given already: take another name.`, token);
    if (given) {
      others.splice(others.indexOf(node), 1);
      (earlier ?? leaf(token)).data = node.data;
    } else if (name) {
      scope.set(name, node);
      if (!node.label) Object.assign(node, {label: name, plain: false});
    }
    statements.push({node: given ? scope.get(name) : node, name, given, from: token.at, to: here().at + 1});
  }

  while (next < words.length)
    if (here().kind === "end") next++;
    else statement();
  if (!statements.length) throw new Fault("Type an expression, such as (a*b + a)**2.", 0);
  const {node: root} = statements.findLast(({given}) => !given) ?? statements.at(-1);
  const needed = new Set([root]),
    all = [...leaves, ...others];
  for (const node of [...all].reverse()) if (needed.has(node)) node.args.forEach(arg => needed.add(arg));
  const loose = statements.filter(({node}) => !needed.has(node)).map(({name}) => name || "a line without a name");
  const nodes = all.filter(node => needed.has(node));
  return {
    nodes: nodes.map(node => ({...node, args: node.args.map(arg => nodes.indexOf(arg))})),
    notes: loose.length ? `Not used by the last line, so not shown: ${loose.join(", ")}.` : "",
    givens: statements.filter(({given}) => given),
  };
}
