"""The five hybrid patterns: local first, cached at the edge, split, federated, in the shadow."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Group, Net, Ratio, Share, Sum

_ = Board(Group.PATTERN)

KPIS = (
    # --- local inference, synchronised later ---
    *_.percentiles(
        "sync_backlog_age",
        "Backlog age",
        h.BUFFER_AGE,
        (0.5, 0.95),
        "H1",
        "Age of the oldest telemetry that waits on a device.",
    ),
    *_.percentiles("sync_backlog", "Backlog", h.BUFFER_USAGE, (0.95,), "H1", "Telemetry that waits on a device."),
    # --- cloud first, cached at the edge ---
    _.higher("cache_hit_rate", "Cache hits", rate(m.CACHE_HITS, m.CACHE_LOOKUPS), "H2", "Share of lookups it had."),
    _.lower(
        "cache_stale_share", "Stale hits", rate(m.CACHE_STALE, m.CACHE_HITS), "H2", "Share of hits that were too old."
    ),
    _.lower(
        "cache_wrong_share",
        "Wrong hits",
        rate(h.CACHE_WRONG, h.CACHE_JUDGED),
        "H2",
        "Share of checked cached answers that were wrong.",
    ),
    *_.percentiles("cache_age", "Age of hits", h.CACHE_AGE, (0.5, 0.95), "H2", "Age of what the cache answered."),
    *_.percentiles(
        "cache_latency",
        "Latency by cache result",
        m.CACHE_DURATION,
        (0.5, 0.95),
        "H2",
        "Time of a call, hits and misses apart: what the cache saves.",
    ),
    # --- split computing ---
    _.lower(
        "split_transfer_share",
        "Time between the halves",
        Ratio(Sum(m.SPLIT_TRANSFER), Sum(m.SPLIT_TIME)),
        "H3",
        "Share of the time of split calls that passes between the halves.",
    ),
    # --- federated learning ---
    _.lower(
        "federation_dropout_share",
        "Federated dropouts",
        Ratio(Sum(h.DROPOUTS), Sum(h.PARTICIPANTS)),
        "H4",
        "Share of the devices asked that did not answer.",
    ),
    *_.percentiles(
        "federation_staleness", "Update staleness", h.STALENESS, (0.95,), "H4", "Age of the oldest update in a round."
    ),
    _.lower("privacy_budget", "Privacy budget spent", Sum(h.EPSILON), "H4", "Sum of epsilon over the rounds."),
    # --- placement as policy ---
    _.told(
        "policy_changes",
        "Policy changes",
        Count(h.POLICY_CHANGES),
        "P4",
        "Flags that a policy set to another variant; many in a row mean that its limits are too close.",
    ),
    # --- shadow inference ---
    _.higher(
        "shadow_agreement",
        "Shadow agreement",
        rate(h.AGREED, h.COMPARED),
        "H5",
        "Share of compared pairs in which the model on trial gave the same answer as the one in use.",
    ),
    _.lower(
        "shadow_error_difference",
        "Shadow error difference",
        Net(h.SHADOW_LOST, h.SHADOW_WON, h.SHADOW_LABELLED),
        "H5",
        "Wrong answers on trial less those of the model in use, as a share of the pairs of which both were judged; "
        "below zero the model on trial is the better one.",
    ),
    *_.percentiles(
        "shadow_difference",
        "Shadow latency difference",
        h.SHADOW_DIFFERENCE,
        (0.5, 0.95),
        "H5",
        "Duration on trial less the one in use, pair by pair.",
    ),
    _.lower(
        "shadow_perceptible_share",
        "Perceptibly slower",
        Share(h.SHADOW_DIFFERENCE, 0.05, above=True),
        "N5",
        "Share of pairs in which the model on trial took over 50 ms longer: a difference that is felt.",
    ),
    _.lower("shadow_cost", "Shadow cost", Sum(h.SHADOW_COST), "H5", "Money spent on trial calls."),
    _.told(
        "shadow_share",
        "Calls on trial",
        Ratio(Count(m.SHADOW_CALLS), Count(m.DURATION)),
        "H5",
        "Share of calls that were made on trial; they are in the counts of their own version.",
    ),
    _.lower(
        "shadow_answered",
        "Answered by the shadow",
        rate(h.SHADOW_ANSWERED, h.PAIRS),
        "H5",
        "Share of pairs in which the answer on trial was used: must be none.",
        objective=0.0,
        minimum_sample=1,
    ),
)
