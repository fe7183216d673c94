"""Pictures read back from their SVG, as a learner sees them; and what there is to draw."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from micrograd2.costs import squared_error
from micrograd2.engine import Value, topological_order
from micrograd2.nn import MLP
from micrograd2.pictures import Picture

SILENT = [pytest.mark.filterwarnings("error"),
          pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")]
SVG, TITLE = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}title"
PRODUCT = re.compile(r"∂(?P<of>.+?)/∂(?P<by>.+) \+= "
                     r"upstream (?P<upstream>\S+) × local (?P<local>\S+) = (?P<adds>[^\s,]+)")
GRADIENT = re.compile(r"\bgrad -?\d|upstream|δ = |∂C/∂")


# A `dot` to draw with

BESIDE = os.pathsep.join([os.path.dirname(sys.executable), sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
DOTS = {name: found for name in ("dot", "graphviz-pure") if (found := shutil.which(name, path=BESIDE))}


def executable(path: Path, script: str = "exit 0") -> Path:
    """A program that reads its input to the end, as `dot` does, and then runs the script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nwhile read -r line; do :; done\n{script}\n")
    path.chmod(0o755)
    return path


# Reading a picture back

class Node(NamedTuple):
    texts: list[str]
    tooltip: str
    place: tuple[float, float] | None     # of a circle


class Edge(NamedTuple):
    tail: str
    head: str
    colour: str
    width: float
    tooltips: list[str]

    def product(self) -> re.Match:
        """The multiplication that the tooltip tells."""
        return PRODUCT.search(self.tooltips[0])

    def numbers(self) -> tuple[float, float, float]:
        """Upstream, local and contribution, as the tooltip tells them."""
        return tuple(map(number, self.product().group("upstream", "local", "adds")))


class Drawn(NamedTuple):
    nodes: dict[str, Node]
    edges: list[Edge]
    texts: list[str]
    tooltips: list[str]
    anatomy: list[tuple]     # every element and the names of its attributes: all but texts and numbers


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def texts_of(element: ET.Element) -> list[str]:
    return [(text.text or "").replace("\xa0", " ").strip() for text in element.iter(f"{SVG}text")]


def tooltips_of(element: ET.Element) -> list[str]:
    return [a.get(TITLE, "") for a in element.iter(f"{SVG}a")]


def read_node(group: ET.Element) -> Node:
    circle = group.find(f".//{SVG}ellipse")
    place = None if circle is None else (float(circle.get("cx")), float(circle.get("cy")))
    return Node(texts_of(group), "".join(tooltips_of(group)), place)


def read_edge(group: ET.Element) -> Edge:
    line = group.find(f".//{SVG}path")
    tail, head = group.find(f"{SVG}title").text.split("->")
    return Edge(tail, head, hue(line.get("stroke")), float(line.get("stroke-width", 1)), tooltips_of(group))


def hue(colour: str) -> str:
    red, _, blue = bytes.fromhex(colour.lstrip("#"))
    return "blue" if blue > red + 60 else "orange" if red > blue + 60 else "grey"


def read(picture: Picture) -> Drawn:
    root = ET.fromstring(picture.svg())
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") in ("node", "edge")]
    nodes = {group.find(f"{SVG}title").text: read_node(group) for group in groups if group.get("class") == "node"}
    edges = [read_edge(group) for group in groups if group.get("class") == "edge"]
    anatomy = [(element.tag, element.get("class"), sorted(element.keys())) for element in root.iter()]
    return Drawn(nodes, edges, texts_of(root), tooltips_of(root), anatomy)


def names_of(root: Value) -> dict[Value, str]:
    return {value: f"n{i}" for i, value in enumerate(topological_order(root))}


def rounded(x: float, abs: float = 0.0) -> Any:
    """Equal to four significant digits."""
    return pytest.approx(x, rel=6e-4, abs=abs)


def assert_stronger_is_wider(edges: list[tuple[float, float]]) -> None:
    """Of pairs of (contribution, width)."""
    for (adds, width), (more, wider) in combinations(sorted((abs(adds), width) for adds, width in edges), 2):
        assert width <= wider + 0.02, (adds, width, more, wider)


def sign_hue(x: float) -> str:
    return "blue" if x > 0 else "orange" if x < 0 else "grey"


# What to draw

def neuron() -> Value:
    """tanh(x · w + b), everything with a label, after backward; one contribution is 0."""
    x, w = [Value(2.0, "x1"), Value(0.0, "x2")], [Value(-3.0, "w1"), Value(1.0, "w2")]
    z = x[0] * w[0] + x[1] * w[1] + Value(6.5, "b")
    o = z.tanh()
    z.label, o.label = "z", "o"
    o.backward()
    return o


def chain(nodes: int) -> Value:
    value = Value(0.5)
    for _ in range(nodes - 1):
        value = value.sin()
    return value


def labelled(label: str) -> Value:
    """A leaf and a result, both with this label."""
    leaf = Value(3.0, label)
    result = leaf * 2.0
    result.label = label
    result.backward()
    return result


def digit_cost() -> Value:
    return squared_error(MLP(784, [16, 16, 10], "sigmoid", "sigmoid", seed=0)([0.5] * 784), [1.0] + [0.0] * 9)


def network(output: str = "linear") -> MLP:
    return MLP(3, [4, 2], activation="tanh", output=output, seed=2)


X, OTHER_X, Y = [0.5, -1.0, 2.0], [-2.0, 0.25, 1.0], [1.0, 0.0]
