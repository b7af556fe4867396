"""``hybridobs completion``: the script that completes commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")
_MENDED = {
    # 'version=' goes on behind the sign, without the space that bash puts after a whole word.
    "bash": {"COMPREPLY+=($value)\n": "COMPREPLY+=($value)\n            [[ $value == *[=:] ]] && compopt -o nospace\n"},
    # Labels have commas between, and all of them are the word.
    "fish": {'string split "," $completion': 'string split --max 1 "," $completion'},
}


@click.command(
    epilog="""\b
Examples:
  hybridobs completion bash > ~/.local/share/bash-completion/completions/hybridobs
  hybridobs completion zsh > ~/.zfunc/_hybridobs
  hybridobs completion fish > ~/.config/fish/completions/hybridobs.fish
"""
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what SHELL needs to complete commands, options and values such as KPIs, labels and report formats."""
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root()
    script = made(root.command, {}, "hybridobs", "_HYBRIDOBS_COMPLETE").source()
    for old, new in _MENDED.get(shell, {}).items():
        script = script.replace(old, new)
    click.echo(script)
