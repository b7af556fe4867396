"""Observability and KPIs for hybrid AI: one trace from device to cloud, nothing lost offline, an exit code in CI."""
