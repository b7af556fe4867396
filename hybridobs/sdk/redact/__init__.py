"""What may leave this process: an allow-list of attributes, detectors over every text, keyed hashes of ids.

All that is recorded passes through the policy in force before it is put into the queue, so before anything touches
disk or network.
"""

from __future__ import annotations

from hybridobs.sdk.redact._counts import counts as counts
from hybridobs.sdk.redact._counts import forget as forget
from hybridobs.sdk.redact._counts import untold as untold
from hybridobs.sdk.redact._keys import find as find_key
from hybridobs.sdk.redact._policy import LEFT_OUT as LEFT_OUT
from hybridobs.sdk.redact._policy import Policy as Policy

__all__ = ["LEFT_OUT", "NOTHING_SAID", "Policy", "counts", "find_key", "forget", "untold"]

NOTHING_SAID = Policy()
"""The policy of those who configure nothing."""
