"""Charts: Vega-Lite specifications, drawn once to SVG that takes its colours from the page and prints as it looks.

The one place that knows how a chart looks. Each function gives a picture with a text that says the same in words.
"""

from hybridobs.report.charts.bars import funnel, histogram, overlay
from hybridobs.report.charts.drawing import Picture
from hybridobs.report.charts.intervals import intervals
from hybridobs.report.charts.lines import spark, trend
from hybridobs.report.charts.waterfall import waterfall

__all__ = ["Picture", "funnel", "histogram", "intervals", "overlay", "spark", "trend", "waterfall"]
