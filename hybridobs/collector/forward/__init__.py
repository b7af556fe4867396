"""The relay: OTLP in, redacted again, on disk until the next hop has it, OTLP out. Its door is the room's."""
