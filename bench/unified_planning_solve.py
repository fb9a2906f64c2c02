"""Solves a problem in PDDL with Fast Downward through unified-planning; prints seconds and steps."""

import sys
import time

import unified_planning.shortcuts as up
from unified_planning.io import PDDLReader

up.get_environment().credits_stream = None
problem = PDDLReader().parse_problem(sys.argv[1], sys.argv[2])
started = time.monotonic()
with up.OneshotPlanner(name="fast-downward") as planner:
    plan = planner.solve(problem).plan
print(time.monotonic() - started, "none" if plan is None else len(plan.actions))
