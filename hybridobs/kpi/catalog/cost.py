"""Cost: money, energy, battery, tokens, and where the work is done."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Direction, Group, Mean, Ratio, Share, Sum

_ = Board(Group.COST)

KPIS = (
    _.lower(
        "cost_per_call",
        "Cost per call",
        Ratio(Sum(m.COST), Count(m.DURATION)),
        "C2",
        "Money spent for each inference call, calls without a price included.",
    ),
    _.lower("cost_total", "Cost", Sum(m.COST), "F2", "Money spent on inference."),
    *_.percentiles("call_cost", "Cost of a call", m.CALL_COST, (0.5, 0.95), "N9", "Of calls that have a price."),
    _.lower(
        "over_ceiling_share",
        "Calls above the ceiling",
        Share(m.CALL_COST, 0.005, above=True),
        "F1",
        "Share of priced calls that cost more than 0.005, the dearest that a cloud call should be.",
        objective=0.0,
    ),
    _.lower(
        "cost_capped_share",
        "Sent home by the cost cap",
        rate(m.CAPPED, m.DECISIONS),
        "F2",
        "Share of routing decisions that a cost cap forced.",
    ),
    _.higher(
        "cost_avoided",
        "Cost avoided",
        Sum(h.COST_AVOIDED),
        "F5",
        "What the cloud would have cost for what it did not do.",
    ),
    *_.percentiles(
        "energy",
        "Energy per inference",
        m.ENERGY,
        (0.5, 0.95),
        "F6",
        "Energy of one inference call; compare only what was measured by the same method.",
    ),
    _.told(
        "energy_aware_share",
        "Moved to save energy",
        rate(m.ENERGY_AWARE, m.DECISIONS),
        "F6",
        "Share of routing decisions that an energy budget or a low battery forced.",
    ),
    _.lower(
        "battery_per_day",
        "Battery per day",
        Ratio(Sum(h.DISCHARGE), Sum(h.DISCHARGE_TIME), scale=h.DAY, each="mA.h/d"),
        "C1",
        "Charge that a device draws in a day, on average over devices; nothing for mains-powered ones.",
    ),
    *_.percentiles(
        "battery_rate",
        "Battery per day",
        h.DISCHARGE_RATE,
        (0.5, 0.95),
        "C1",
        "Charge drawn in a day, report by report.",
    ),
    _.lower(
        "energy_per_day",
        "Energy per day",
        Ratio(Sum(h.DEVICE_ENERGY), Sum(h.ENERGY_TIME), scale=h.DAY, each="J/d"),
        "C1",
        "Energy that a device draws in a day, on average over devices, mains-powered ones included.",
    ),
    _.told(
        "lightweight_share",
        "Lightweight mode",
        rate(m.LIGHTWEIGHT, m.MODE_KNOWN),
        "F8",
        "Share of calls in lightweight mode, among those that say their mode.",
    ),
    _.told(
        "cpu_share",
        "Run on the CPU",
        rate(m.ON_CPU, m.ACCELERATED_KNOWN),
        "G9",
        "Share of calls that ran on the CPU, among those that say what they ran on: falling back shows here.",
    ),
    _.told(
        "edge_share",
        "Answered at the edge",
        Ratio(Count(m.AT_EDGE), Count(m.DURATION)),
        "G17",
        "Share of calls that a device or a site answered.",
    ),
    _.told(
        "offload_share",
        "Handed to the cloud",
        rate(m.TO_CLOUD, m.DECISIONS),
        "C3",
        "Share of routing decisions that moved a task from device or site to the cloud.",
    ),
    _.told(
        "edge_transition_rate",
        "Brought back to the edge",
        rate(m.TO_EDGE, m.DECISIONS),
        "C3",
        "Share of routing decisions that moved a task from the cloud to device or site.",
    ),
    _.lower(
        "input_tokens_per_call",
        "Input tokens per call",
        Mean(m.INPUT_TOKENS),
        "C2",
        "Tokens read by a call that reads tokens.",
    ),
    _.lower(
        "output_tokens_per_call",
        "Output tokens per call",
        Mean(m.OUTPUT_TOKENS),
        "C2",
        "Tokens written by a call that writes tokens.",
    ),
    _.told(
        "batch_size_mean",
        "Batch size",
        Mean(m.BATCH_SIZE),
        "F4",
        "Inputs answered by one call, where calls are batched.",
    ),
    *_.percentiles(
        "request_size",
        "Request size",
        m.REQUEST_SIZE,
        (0.5, 0.95),
        "G6",
        "Bytes that one call handed over: light requests belong to the edge.",
        better=Direction.NONE,
    ),
    _.lower("network_sent", "Bytes sent", Sum(h.NETWORK_IO), "F3", "Bytes that devices sent over the network."),
)
