"""OTLP metrics: what somebody else added up, told apart from what was counted call by call."""
