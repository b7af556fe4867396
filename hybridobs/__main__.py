"""``python -m hybridobs`` is the ``hybridobs`` command."""

from hybridobs.cli import main

if __name__ == "__main__":
    main(prog_name="hybridobs")
