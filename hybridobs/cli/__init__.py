"""Parse, call, print: everything a person types.

Importing this room loads click and nothing heavier; each command loads the rooms it needs when it runs.
"""

from hybridobs.cli._app import main

__all__ = ["main"]
