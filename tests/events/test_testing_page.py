"""What docs/testing.md shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
BEGIN = """import hybridobs

blurred_image = object()

@hybridobs.observe(model="digits")
def classify(image):
    hybridobs.current().confidence(0.3)

"""


def test_the_examples_of_the_page_pass(tmp_path: Path) -> None:
    """Every example, in a pytest of its own that finds the fixture by itself."""
    examples = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    (tmp_path / "test_page.py").write_text(BEGIN + "\n".join(examples))
    options = ["-p", "no:cacheprovider", "-W", "error", "--rootdir", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=100)
    assert f"{len(examples)} passed" in done.stdout, done.stdout
