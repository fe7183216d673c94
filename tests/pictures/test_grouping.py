"""Which Values stand together: a frame for every neuron and layer, and a box for what stands for many."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from micrograd2.costs import squared_error
from micrograd2.engine import DOT, SIGMOID, topological_order
from micrograd2.nn import MLP
from micrograd2.pictures import draw
from tests.pictures.read_back import SILENT, SVG, digit_cost, number, read, rounded, texts_of

pytestmark = SILENT


def test_the_values_of_a_neuron_stand_in_a_labelled_frame(a_dot):
    net = MLP(2, [3, 1], activation="tanh", seed=1)
    cost = squared_error(net([0.5, -1.0]), 1.0)
    root = ET.fromstring(draw(cost).svg())
    frames = [texts_of(group) for group in root.iter(f"{SVG}g") if group.get("class") == "cluster"]
    assert sorted(text for frame in frames for text in frame) == [
        "layers[0]", "layers[1].neurons[0]", "neurons[0]", "neurons[1]", "neurons[2]"]
    texts = read(draw(cost)).texts
    assert texts.count("w[0]") == 4 and texts.count("w[2]") == 1 and texts.count("b") == 4


def test_a_summary_of_a_digit_has_a_box_for_every_layer_and_its_bundles_add_up(a_dot):
    root = digit_cost()
    root.backward()
    drawn = read(draw(root))
    boxes = {node.texts[0]: name for name, node in drawn.nodes.items()}
    assert {"784 values", "layers[0]", "layers[1]", "layers[2]"} <= set(boxes)
    assert {"16 neurons", "10 neurons", "12,560 weights and biases"} <= set(drawn.texts)
    inputs = {x for z in topological_order(root) if z.op is DOT and len(z.args) > 700 for x in z.args[784:-1]}
    assert len(inputs) == 784
    outputs = [a for a in topological_order(root) if a.op is SIGMOID][-10:]
    for box, values, most in (("784 values", inputs, 2), ("layers[2]", outputs, 10)):
        told = [number(re.search(r"([+-]\S+) in all", edge.tooltips[0])[1]) for edge in drawn.edges
                if edge.tail == boxes[box]]
        assert len(told) <= most
        assert sum(told) == rounded(sum(x.grad for x in values), abs=1e-3 * sum(map(abs, told)))
