"""The demo's models: trained, exported and quantised at start, in about two seconds, always the same."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hybridobs.demo.fleet import CANARY, CLOUD_MODEL, CLOUD_VERSION, MODEL, STABLE
from hybridobs.errors import MissingExtra

SEED = 7
PIXELS = 64
_TRAINED = 1300
_NEEDED = ("numpy", "sklearn", "skl2onnx", "onnx", "onnxruntime", "sqlalchemy", "aiohttp", "rich")


class Recipe(NamedTuple):
    """One network: hidden layer sizes, training rounds, and whether its weights become INT8."""

    model: str
    version: str
    hidden: tuple[int, ...]
    rounds: int
    int8: bool


RECIPES = (
    Recipe(MODEL, STABLE, (16,), 40, int8=True),
    Recipe(MODEL, CANARY, (32,), 80, int8=True),
    Recipe(CLOUD_MODEL, CLOUD_VERSION, (512, 256), 25, int8=False),
)


class Trained(NamedTuple):
    """One model on disk: what the exported (quantised) file gets right of unseen images, and its size in bytes."""

    model: str
    version: str
    path: Path
    accuracy: float
    size: int


def require() -> None:
    """MissingExtra, with the command that installs it, unless everything the demo needs is there."""
    for module in _NEEDED:
        if find_spec(module) is None:
            raise MissingExtra(module, "demo")


def model_path(directory: Path, model: str, version: str) -> Path:
    return directory / f"{model}-{version}.onnx"


def inputs_path(directory: Path) -> Path:
    """Images nobody was trained on, as a (count, 64) float32 array with brightness and noise of a cheap camera."""
    return directory / "inputs.npy"


def train(directory: Path) -> list[Trained]:
    """Train every recipe on scikit-learn's bundled digits and write the models and the test images."""
    import numpy as np
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    images = (images / images.max()).astype(np.float32)
    order = np.random.default_rng(SEED).permutation(len(images))
    learn, test = order[:_TRAINED], order[_TRAINED:]
    np.save(inputs_path(directory), _as_seen(images[test]))
    return [_train(recipe, directory, images[learn], digits[learn], images[test], digits[test]) for recipe in RECIPES]


def _as_seen(images: Any) -> Any:
    import numpy as np

    random = np.random.default_rng(SEED)
    brightness = random.uniform(0.5, 1.2, (len(images), 1))
    seen = images * brightness + random.normal(0, 0.1, images.shape)
    return np.clip(seen, 0, 1).astype(np.float32)


def _train(recipe: Recipe, directory: Path, images: Any, digits: Any, test: Any, answers: Any) -> Trained:
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(recipe.hidden, max_iter=recipe.rounds, learning_rate_init=0.005, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fixed number of rounds is meant; it need not converge
        warnings.filterwarnings("error", "Training interrupted")  # the library keeps Ctrl-C to itself and only warns
        try:
            with import_module("threadpoolctl").threadpool_limits(1):  # the same sums on every machine, and quicker
                network.fit(images, digits)
        except UserWarning as interrupted:
            raise KeyboardInterrupt from interrupted
    path = model_path(directory, recipe.model, recipe.version)
    _export(network, images[:1], path, int8=recipe.int8)
    answer = Classifier(path)
    right = sum(int(answer(image)[0] == digit) for image, digit in zip(test, answers, strict=True))
    return Trained(recipe.model, recipe.version, path, right / len(test), path.stat().st_size)


def _export(network: Any, example: Any, path: Path, *, int8: bool) -> None:
    to_onnx = import_module("skl2onnx").to_onnx
    exported = to_onnx(network, example, options={"zipmap": False})
    path.write_bytes(exported.SerializeToString())
    if int8:
        _quantise(path)


def _quantise(path: Path) -> None:
    quantization = import_module("onnxruntime.quantization")
    whole = path.with_suffix(".fp32.onnx")
    path.rename(whole)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a preprocessing step that networks this small do not need
    try:
        quantization.quantize_dynamic(whole, path, weight_type=quantization.QuantType.QInt8)
    finally:
        root.setLevel(level)
        whole.unlink()


class Classifier:
    """One ONNX model in ONNX Runtime on one thread: 64 pixels in, a digit and its probability out."""

    def __init__(self, path: Path) -> None:
        runtime: Any = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: Any) -> tuple[int, float]:
        labels, probabilities = self._session.run(None, {"X": pixels.reshape(1, PIXELS)})
        return int(labels[0]), float(probabilities[0].max())
