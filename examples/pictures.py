"""Every picture of the README. Writes neuron.svg, digits.svg, backward.svg, each also for a dark page.

    python examples/pictures.py [--epochs N] [--all] [--out FOLDER]

With `--all` it writes those of the lessons and the gallery too, by running them, and page.png, if there is a Chromium
to look at the played network. `--out docs --all` makes them where the README looks for them, in some minutes.
"""

import argparse
import copy
import shutil
import subprocess
import sys
from pathlib import Path

from micrograd2 import MLP, SGD, Value, data, dot, draw, fit, play
from micrograd2.files import write_whole
from micrograd2.pictures import animate

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=30, help="of training for digits.svg")
options.add_argument("--all", action="store_true", help="the pictures of the lessons and of the page, and the gallery")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pictures")
args = options.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# A neuron that should have been 1.
w, x, b = [Value(0.5, "w0"), Value(1.5, "w1")], [Value(2.0, "x0"), Value(-1.0, "x1")], Value(1.0, "b")
z = dot(w, x, b)
z.label = "z"
a = z.sigmoid()
a.label = "a"
cost = (a - 1) ** 2
cost.label = "C"
cost.backward()

# A small expression whose backward pass moves: `a` is used twice, so its gradient is seen to add up.
p, q = Value(2.0, "a"), Value(-1.5, "b")
product = p * q
product.label = "c"
difference = product + p
difference.label = "d"
small = difference ** 2
small.label = "C"
small.backward()

# The network of 3Blue1Brown's films on neural networks, trained, and the first digit that it has never seen.
digits = data.digits()
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=3)
before = copy.deepcopy(net)
fit(net, digits.x_train, data.one_hot(digits.y_train, 10), optimizer=SGD(lr=4.0), epochs=args.epochs, seed=3)
image, target = digits.x_test[0], data.one_hot(digits.y_test[:1], 10)[0]

for dark, ending in ((False, ".svg"), (True, "-dark.svg")):
    print(draw(cost, dark=dark).save_svg(args.out / f"neuron{ending}"))
    print(draw(net, image, target, dark=dark).save_svg(args.out / f"digits{ending}"))
    print(write_whole(args.out / f"backward{ending}", animate(small, dark=dark)))

if args.all:
    here = Path(__file__).parent
    for lesson in [*sorted(here.glob("[01]*.py")), here / "moons.py"]:
        subprocess.run([sys.executable, lesson, "--out", args.out / "lessons"], check=True, stdout=subprocess.DEVNULL)
    (args.out / "lessons" / "moons.html").unlink()  # the gallery has this page
    subprocess.run([sys.executable, here / "gallery.py", "--out", args.out], check=True)
    if chromium := shutil.which("chromium"):
        states = {"0": before, f"{args.epochs} epochs": net}
        story = play(states, digits.x_test[:20], data.one_hot(digits.y_test[:20], 10))
        page = story.save(args.out / "page.html").resolve()
        subprocess.run([chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,820",
                        f"--screenshot={args.out / 'page.png'}", f"{page.as_uri()}#example=1&step=23"], check=True,
                       stderr=subprocess.DEVNULL)
        page.unlink()
