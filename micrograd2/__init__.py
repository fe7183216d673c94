"""micrograd2: write it one number at a time, watch every gradient, and train at array speed.

A one-minute tour. A Value is a number that remembers how it was made:

>>> from micrograd2 import Value, MLP, draw, fit, data
>>> w, x, b = Value(-0.5, "w"), Value(2.0, "x"), Value(1.5, "b")
>>> a = (w * x + b).tanh()
>>> a.backward()                                   # how sensitive is a to each number behind it?
>>> print(f"{a:.4f}  ∂a/∂w {w.grad:.4f}  ∂a/∂x {x.grad:.4f}  ∂a/∂b {b.grad:.4f}")
0.4621  ∂a/∂w 1.5729  ∂a/∂x -0.3932  ∂a/∂b 0.7864

`draw(a)` is a picture of it, `play(a)` a page that plays the gradient flowing back. A network is made of
such numbers, and learns by following their gradients downhill:

>>> X, y = data.xor()
>>> net = MLP(2, [4, 1], activation="tanh", seed=1)
>>> history = fit(net, X, y, epochs=200, progress=False)
>>> [round(net(x).data, 1) for x in X]
[-1.0, 1.0, 1.0, -1.0]

The modules, in reading order: `engine` (the chain rule), `contributions` (the backward pass, edge by edge), `copies`,
`nn` (the network), `names` (of Values without a label), `costs`, `train`, `checkpoint` (what a killed run needs),
`live` (a curve that grows while it is watched), `backprop` (an example through a network and back), `pictures`,
`player`, `explain` (why a gradient is what it is, in words and numbers), `compiler`, `data`. Below them: `given` (what
a user gives, checked), `arrays` (the same for rows of numbers), `shown` (colours and text), `expressions` (arithmetic
on text), `files` (written whole or not at all).
"""

from . import copies, data, explain  # noqa: F401  (copies: so that Values can be copied and pickled)
from .compiler import CompileError, Program
from .compiler import compile as compile  # noqa: F401  (public, but not in __all__: Python has a compile of its own)
from .costs import cross_entropy, max_margin, squared_error
from .engine import Value, dot, gradient, logsumexp, maximum, minimum, total
from .nn import MLP, Layer, Neuron
from .pictures import draw, draw_dot
from .player import play
from .train import SGD, Adam, accuracy, fit

__all__ = ["Value", "dot", "total", "logsumexp", "maximum", "minimum", "gradient", "Neuron", "Layer", "MLP",
           "squared_error", "cross_entropy", "max_margin", "fit", "accuracy", "SGD", "Adam", "Program", "CompileError",
           "draw", "draw_dot", "play", "data", "explain"]
__version__ = "1.0.0"
