"""Exit codes, one meaning each."""

DIFFERS = 1
USAGE = 2
UNREACHABLE = 5
INTERRUPTED = 130
