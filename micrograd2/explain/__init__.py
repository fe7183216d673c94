"""Explanations: why a gradient is what it is, in words and exact numbers.

A *nudge* is minus a gradient: which way a number should move to lower the cost, and how eagerly. A *sensitivity* is the
size of a gradient. The story is that of the film "What is backpropagation really doing?" (3Blue1Brown, 2017): an output
that should rise has three avenues: its bias, its weights in proportion to the activations they meet, and those
activations in proportion to the weights. Every neuron asks such changes of the layer before; the wishes are added up,
and that layer asks in turn. With δ = ∂C/∂z for every neuron, as Nielsen writes it (Neural Networks and Deep Learning,
chapter 2), this is

    ∂C/∂b = δ        ∂C/∂w = a_prev · δ        ∂C/∂a_prev = Wᵀ δ        δ of the layer before = (Wᵀ δ) ∘ f′(z)

Every function returns an object that holds the numbers as attributes and prints itself as tables; in a notebook the
same tables have bars. None of them changes a gradient, a weight, or the random state.

Each function has a private module of its own name. In reading order: of a network, whose numbers `backprop` reads from
the engine's graph, `nudges`, `sensitivities`, `health`; of any graph, `paths`, `ledger`, `gradcheck`. `table` prints
what they return.

Left out: pictures (see `draw`), and how to train (see `train`).
"""

from ._gradcheck import GradcheckError, gradcheck
from ._health import TRY, Health, LayerHealth, NeuronHealth, health
from ._ledger import Entry, Ledger, ledger
from ._nudges import LayerNudges, NeuronNudges, Nudges, nudges
from ._paths import Path, Paths, paths
from ._sensitivities import Sensitivities, Sensitivity, Wiggle, sensitivities
from .table import Explanation, Table

__all__ = ["nudges", "sensitivities", "paths", "ledger", "gradcheck", "health", "Nudges", "LayerNudges", "NeuronNudges",
           "Sensitivities", "Sensitivity", "Wiggle", "Paths", "Path", "Ledger", "Entry", "GradcheckError", "Health",
           "LayerHealth", "NeuronHealth", "TRY", "Explanation", "Table"]
