"""Larger than one machine: the digits once more, every mini-batch spread over all devices that JAX has.

    python examples/many_machines.py [--devices 4] [--processes 2] [--steps N] [--batch N]

The gradient of a mini-batch is an average over its examples. So each device works on its own share of them, with its
own copy of the parameters; they average what they found, and all take the same step: *data parallelism*. The cost below
is ordinary scalar code. `program.jax()` is its page as a function of JAX, which differentiates it and, seeing where the
examples lie, puts in the one place where devices must talk.

With `--devices 4`, JAX makes four devices of this processor (no faster, but the same to the program); with
`--processes 2`, two processes talk through sockets, as machines do.

What changes elsewhere:
- GPUs: install JAX for them, pip install "jax[cuda13]", and leave `--devices` out: `jax.devices()` is then the GPUs.
- Many hosts: start this script on each of them, with the address of the first, a port, and a number for each host:
  `--coordinator 10.0.0.1:9000 --processes 8 --process 0` … `--process 7`. A host needs no rows but its own.
"""

import argparse
import importlib.util
import math
import os
import re
import socket
import subprocess
import sys

import numpy as np

from micrograd2 import MLP, accuracy, compile, data, squared_error

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--devices", type=int, help="make so many devices of each process's processor")
options.add_argument("--processes", type=int, default=1, help="how many processes take part")
options.add_argument("--process", type=int, help="which of them this is; without it, all are started here")
options.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 can be reached")
options.add_argument("--steps", type=int, default=200)
options.add_argument("--batch", type=int, default=200, help="examples in a step, over all devices")
args = options.parse_args()
if importlib.util.find_spec("jax") is None:
    raise SystemExit("this example needs JAX: pip install 'micrograd2[jax]'")
if args.processes > 1 and args.process is None:
    with socket.create_server(("localhost", 0)) as free:
        here = f"--coordinator=localhost:{free.getsockname()[1]}"
    started = [subprocess.Popen([sys.executable, *sys.argv, here, f"--process={i}"]) for i in range(args.processes)]
    try:
        raise SystemExit(max(abs(process.wait()) for process in started))
    finally:
        for process in started:
            process.kill()

if args.devices:  # JAX looks once, when it is first used
    os.environ.update(XLA_FLAGS=f"--xla_force_host_platform_device_count={args.devices}", JAX_PLATFORMS="cpu")
import jax  # noqa: E402
from jax.sharding import Mesh, NamedSharding, PartitionSpec  # noqa: E402
jax.config.update("jax_enable_x64", True)  # to compare with NumPy; training itself is as good in single precision
if args.processes > 1:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(args.coordinator, args.processes, args.process, initialization_timeout=60)
devices = jax.devices()  # of all processes
if args.batch % len(devices):
    raise SystemExit(f"--batch must be a multiple of the {len(devices)} devices; got {args.batch}")
if jax.process_index() > 0:  # they all know the same, so one of them tells it
    sys.stdout = open(os.devnull, "w")

# The scalar code, its program, and the same as a function of JAX.
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=0)
digits = data.digits()
X, Y = digits.x_train, data.one_hot(digits.y_train, 10)
program = compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0])
average_cost, rate = program.jax(), 4.0
mesh = Mesh(np.array(devices), ("devices",))
shares, copies = NamedSharding(mesh, PartitionSpec("devices")), NamedSharding(mesh, PartitionSpec())


def spread(array, how):
    """The array on all devices, in shares or in copies; a process hands in what its own devices hold."""
    return jax.make_array_from_callback(array.shape, how, lambda part: array[part])


def one_step(theta, x, y):
    loss, gradient = jax.value_and_grad(average_cost)(theta, x, y)
    return loss, theta - rate * gradient


theta, alone = spread(program.theta, copies), program.theta
x, y = spread(X[:args.batch], shares), spread(Y[:args.batch], shares)
step = jax.jit(one_step, out_shardings=copies).lower(theta, x, y).compile()
print(f"devices: {len(devices)}, processes: {jax.process_count()}, examples of a step: {args.batch}")
if len(devices) == 1:
    print("one device has nobody to talk to: try --devices 4")
else:  # what goes between them is read from the step that JAX compiled
    talk = re.findall(r"= (.*) (all-\w+|reduce-scatter|collective-\w+)(?:-start)?\(", str(step.as_text()))
    shapes = [shape for text, _ in talk for shape in re.findall(r"f64\[([\d,]*)\]", text)]
    numbers = sum(math.prod(int(n or 1) for n in shape.split(",")) for shape in shapes)
    print(f"in one step they exchange {numbers:,} numbers, by {' and '.join({kind for _, kind in talk})}: the average "
          f"gradient, {len(program.theta):,} numbers, and the loss")
rng, apart = np.random.default_rng(0), 0.0  # of one seed, so every process draws the same
for k in range(args.steps):
    batch = rng.choice(len(X), args.batch, replace=False)
    loss, theta = step(theta, spread(X[batch], shares), spread(Y[batch], shares))
    loss_alone, gradient = program(alone, X[batch], Y[batch])  # the same step on one machine, in NumPy
    alone = alone - rate * gradient
    apart = max(apart, abs(float(loss) - loss_alone))
    if k % 50 == 0 or k == args.steps - 1:
        print(f"step {k:4}: loss {float(loss):.12f}, on one machine {loss_alone:.12f}")
program.store(theta)
print(f"\n{args.steps} steps, no loss more than {apart:.0e} from that of one machine; now "
      f"{accuracy(net, digits.x_test, digits.y_test):.1%} of the test digits are read\n")
print(__doc__[__doc__.index("What changes"):])
