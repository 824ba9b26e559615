"""The laboratory: what to measure next, closed loops with an instrument, and replays of recorded scans as instruments."""

from whorl.lab.adaptive import Plan, suggest_measurement
from whorl.lab.ask import Advice, advise
from whorl.lab.passes import Cost, Pass, Range, Record
from whorl.lab.replay import ScanReplay
from whorl.lab.session import Step, Trail, adapt

__all__ = [
    "Advice",
    "Cost",
    "Pass",
    "Plan",
    "Range",
    "Record",
    "ScanReplay",
    "Step",
    "Trail",
    "adapt",
    "advise",
    "suggest_measurement",
]
