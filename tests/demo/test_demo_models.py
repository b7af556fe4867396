"""The demo's models are real, small, and always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybridobs.demo import models
from hybridobs.errors import MissingExtra


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[models.Trained]:
    """All the demo's models, trained once."""
    return models.train(tmp_path_factory.mktemp("models"))


@pytest.fixture
def directory(trained: list[models.Trained]) -> Path:
    """Where they are."""
    return trained[0].path.parent


def test_accuracy(trained: list[models.Trained]) -> None:
    """The exported files, quantised ones included, read digits they have never seen."""
    assert [(item.model, item.version) for item in trained] == [(r.model, r.version) for r in models.RECIPES]
    assert all(item.accuracy > 0.9 and item.path.stat().st_size == item.size for item in trained)


def test_quantised(directory: Path) -> None:
    """The device models hold INT8 weights, the cloud model does not."""
    import onnx

    integer = {
        recipe.model: any(node.op_type == "MatMulInteger" for node in onnx.load(path).graph.node)
        for recipe in models.RECIPES
        for path in [models.model_path(directory, recipe.model, recipe.version)]
    }
    assert integer == {"digits": True, "digits-large": False}


def test_some_pictures_are_hard(directory: Path) -> None:
    """A device is sure of most pictures and unsure of enough to need the cloud."""
    answer = models.Classifier(models.model_path(directory, "digits", "1.2.0"))
    confidences = [answer(picture)[1] for picture in np.load(models.inputs_path(directory))]
    assert 0.1 < np.mean(np.array(confidences) < 0.8) < 0.5


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the demo's libraries the error is the command that installs them."""
    monkeypatch.setattr(models, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(MissingExtra, match=r"pip install 'hybridobs\[demo\]'"):
        models.require()
