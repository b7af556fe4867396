"""Exit codes, one meaning each."""

DIFFERS = 1
USAGE = 2
TOO_LITTLE = 3
UNREACHABLE = 5
INTERNAL = 70
INTERRUPTED = 130
UNREAD = 141  # what a shell says of a program that SIGPIPE ended
