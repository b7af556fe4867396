"""A release as a plan: first few devices, then more, then all; each stage with its gates, its time and its sample."""

from hybridobs.slo._promotion._decide import Action, Seen, Step, decide_stage, plan_facts
from hybridobs.slo._promotion._memory import KIND as PROMOTION_KIND
from hybridobs.slo._promotion._memory import PromotionMemory, Taken, same_release, stepped
from hybridobs.slo._promotion._plan import ROOT, STAGE, Plan, Stage, load_plan

__all__ = [
    "PROMOTION_KIND",
    "ROOT",
    "STAGE",
    "Action",
    "Plan",
    "PromotionMemory",
    "Seen",
    "Stage",
    "Step",
    "Taken",
    "decide_stage",
    "load_plan",
    "plan_facts",
    "same_release",
    "stepped",
]
