"""What personal data look like in text, and how a text is without them: no I/O, no clock, standard library only.

The SDK looks before anything touches disk or network, the collector looks again at what others sent.
"""

from __future__ import annotations

from hybridobs.privacy._finding import Finding as Finding
from hybridobs.privacy._finding import Rule as Rule
from hybridobs.privacy.scan import DECIMALS as DECIMALS
from hybridobs.privacy.scan import SMALLEST_CARD as SMALLEST_CARD
from hybridobs.privacy.scan import Scanner as Scanner
from hybridobs.privacy.scan import compiled as compiled
from hybridobs.privacy.scan import is_count as is_count
from hybridobs.privacy.scan import is_place as is_place
from hybridobs.privacy.scan import is_version as is_version

__all__ = ["DECIMALS", "SMALLEST_CARD", "Finding", "Rule", "Scanner", "compiled", "is_count", "is_place", "is_version"]
