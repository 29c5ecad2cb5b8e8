"""The milestone engine: all decisions about money and dates, in the builder's words.

A pure calculation on the standard library: no I/O, no clock, no log, no float, and nothing of
QuickBooks. The tour:

- `money`: minor units; read, print, split.
- `schedule`: what each milestone is worth; build, check, edit a schedule.
- `timeline`: what each milestone waits for, and the dates that follow.
- `rebalance`: the rule that shares a contract total over milestones (`sharing` holds its numbers).
- `lines`: milestone amounts spread over contract lines, exact both ways.
- `retainage`: gross and net, and the release at the end.
- `explain`: how an amount was made, as data.
- `errors`: refusals, each with a code and a place. `finding`: broken rules of the world outside, as
  values.
- `job`, `decisions`: one Job as facts, and what people decided about it.
- `plan`: what should be done about it, in the steps that its page names; `planned` is the answer.
- `adoption`: the schedule of a Job that was billed before we came.
- `legal`: what the law of a place limits. `laboratory`: the field's other rules on the same job.
- `cases`, `lines_cases`: one case of the command line, JSON in (`readers`) and out (`answers`).
"""

from milestone_engine.decisions import (
    AgreeValue,
    BillAgain,
    ClaimPayment,
    Decision,
    DismissPayment,
    Forget,
    HoldPayment,
    ReopenPayment,
    RouteChangeOrder,
    Routing,
    VoidInvoice,
)
from milestone_engine.errors import (
    REMEDIES,
    AllocationError,
    EngineError,
    LinesError,
    MoneyError,
    PositionError,
    RetainageError,
    ScheduleError,
)
from milestone_engine.explain import Derivation
from milestone_engine.finding import Finding
from milestone_engine.job import (
    BilledLine,
    Bound,
    ChangeOrder,
    Contract,
    ContractLine,
    HeldBy,
    InvoiceState,
    Job,
    JobState,
    Notice,
    Policy,
    ProgressInvoice,
    Told,
    UnappliedPayment,
)
from milestone_engine.lines import Cell, LineAmount, MilestoneAmount, spread, spread_lines
from milestone_engine.money import allocate, format_money, is_settled, minor_units, parse_money
from milestone_engine.plan import (
    BillMilestone,
    Effect,
    MilestonePlan,
    Plan,
    Preview,
    Proposal,
    ReviseInvoice,
    TellCustomer,
    VoidSentInvoice,
    plan_job,
)
from milestone_engine.rebalance import (
    OnInvoiced,
    Position,
    Share,
    ShareState,
    Split,
    SplitWarning,
    rebalance,
)
from milestone_engine.retainage import Gross, Net, Retainage, Retained, gross_paid, retain, withhold
from milestone_engine.schedule import (
    Basis,
    Fixed,
    Milestone,
    Parts,
    Percent,
    Schedule,
    add_milestone,
    bind_extra,
    build_schedule,
    parse_percent,
    remove_milestone,
    replace_milestone,
)
from milestone_engine.timeline import (
    APPROVED,
    Event,
    EventState,
    PaymentState,
    Terms,
    Timing,
    Trigger,
    When,
    approved,
    payment_state,
    timing,
)

__all__ = [
    "APPROVED",
    "REMEDIES",
    "AgreeValue",
    "AllocationError",
    "Basis",
    "BillAgain",
    "BillMilestone",
    "BilledLine",
    "Bound",
    "Cell",
    "ChangeOrder",
    "ClaimPayment",
    "Contract",
    "ContractLine",
    "Decision",
    "Derivation",
    "DismissPayment",
    "Effect",
    "EngineError",
    "Event",
    "EventState",
    "Finding",
    "Fixed",
    "Forget",
    "Gross",
    "HeldBy",
    "HoldPayment",
    "InvoiceState",
    "Job",
    "JobState",
    "LineAmount",
    "LinesError",
    "Milestone",
    "MilestoneAmount",
    "MilestonePlan",
    "MoneyError",
    "Net",
    "Notice",
    "OnInvoiced",
    "Parts",
    "PaymentState",
    "Percent",
    "Plan",
    "Policy",
    "Position",
    "PositionError",
    "Preview",
    "ProgressInvoice",
    "Proposal",
    "ReopenPayment",
    "Retainage",
    "RetainageError",
    "Retained",
    "ReviseInvoice",
    "RouteChangeOrder",
    "Routing",
    "Schedule",
    "ScheduleError",
    "Share",
    "ShareState",
    "Split",
    "SplitWarning",
    "TellCustomer",
    "Terms",
    "Timing",
    "Told",
    "Trigger",
    "UnappliedPayment",
    "VoidInvoice",
    "VoidSentInvoice",
    "When",
    "add_milestone",
    "allocate",
    "approved",
    "bind_extra",
    "build_schedule",
    "format_money",
    "gross_paid",
    "is_settled",
    "minor_units",
    "parse_money",
    "parse_percent",
    "payment_state",
    "plan_job",
    "rebalance",
    "remove_milestone",
    "replace_milestone",
    "retain",
    "spread",
    "spread_lines",
    "timing",
    "withhold",
]
