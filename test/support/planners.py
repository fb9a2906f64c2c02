"""Judges tasks in PDDL with Fast Downward and unified-planning, many in one process.

Reads a JSON document a line, {"domain": text, "problem": text, "plan": text or null}, and answers each
with one: {"verdict": "plan" or "none", "cost": of the cheapest plan, "faults": why the plan is wrong}.
"""

import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile

import unified_planning.shortcuts as up
from fast_downward.translate import main as translate
from fast_downward.translate import normalize, options
from fast_downward.translate.pddl import conditions
from fast_downward.translate.pddl_parser import lisp_parser, parsing_functions
from unified_planning.engines import SequentialPlanValidator, ValidationResultStatus
from unified_planning.io import PDDLReader

options.set_options(["domain", "problem"])
up.get_environment().credits_stream = None
DOWNWARD = os.path.join(
    os.path.dirname(__import__("up_fast_downward").__file__),
    "downward/builds/release/bin/downward",
)
# A complete search that knows conditional effects and axioms: what it does not find is not there.
SEARCH = ["--search", "astar(blind())"]
SOLVED, UNSOLVABLE, EXHAUSTED = 0, 11, 12


def parse(domain, problem):
    nested = [lisp_parser.parse_nested_list(text.splitlines()) for text in (domain, problem)]
    return parsing_functions.parse_task(*nested)


def solve(domain, problem, folder):
    """What Fast Downward says: is there a plan, and what does the cheapest cost?"""
    task = parse(domain, problem)
    normalize.normalize(task)
    sas = io.StringIO()
    translate.pddl_to_sas(task).output(sas)
    plan_file = os.path.join(folder, "plan")
    search = subprocess.run(
        [DOWNWARD, *SEARCH, "--internal-plan-file", plan_file],
        input=sas.getvalue(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    if search.returncode in (UNSOLVABLE, EXHAUSTED):
        return {"verdict": "none"}
    if search.returncode != SOLVED:
        raise RuntimeError(f"downward ended with {search.returncode}: {search.stderr[-300:]}")
    with open(plan_file) as file:
        steps = file.read().splitlines()
    return {"verdict": "plan", "cost": int(steps[-1].split("cost = ")[1].split()[0])}


class Simulation:
    """Carries a plan out on what Fast Downward's own reader made of the texts."""

    def __init__(self, domain, problem):
        self.task = parse(domain, problem)
        self.above = {each.name: each.basetype_name for each in self.task.types}
        self.values = {}
        self.state = set()
        for fact in self.task.init:
            if isinstance(fact, conditions.Atom):
                self.state.add((fact.predicate, *fact.args))
            else:
                self.values[fact.fluent] = fact.expression.value
        self.cost = 0

    def run(self, plan):
        for line in plan.splitlines():
            if line.startswith("("):
                fault = self.take(*line.strip("()").split())
                if fault is not None:
                    return f"{line}: {fault}"
        if not self.holds(self.task.goal, {}):
            return "the goal is not reached"
        claimed = float(plan.splitlines()[-1].split("cost = ")[1].split()[0])
        return None if claimed == self.cost else f"it costs {self.cost}, not {claimed}"

    def take(self, name, *args):
        action = next((each for each in self.task.actions if each.name == name), None)
        if action is None or action.num_external_parameters != len(args):
            return "there is no such action"
        values = {}
        for parameter, arg in zip(action.parameters, args):
            if arg not in self.of_type(parameter.type_name):
                return f"{arg} is no {parameter.type_name}"
            values[parameter.name] = arg
        if not self.holds(action.precondition, values):
            return "its precondition does not hold"
        gained, lost = set(), set()
        for effect in action.effects:
            for bound in self.bindings(effect.parameters, values):
                if self.holds(effect.condition, bound):
                    (lost if effect.literal.negated else gained).add(self.fact(effect.literal, bound))
        self.state = (self.state - lost) | gained
        self.cost += self.price(action, values)
        return None

    def price(self, action, values):
        if not self.task.use_min_cost_metric:
            return 1
        if action.cost is None:
            return 0
        return action.cost.instantiate(values, ValuesOf(self.values)).expression.value

    def of_type(self, wanted):
        def fits(name):
            return name == wanted or (name in self.above and fits(self.above[name]))

        return [each.name for each in self.task.objects if fits(each.type_name)]

    def bindings(self, parameters, values):
        choices = [self.of_type(each.type_name) for each in parameters]
        names = [each.name for each in parameters]
        return ({**values, **dict(zip(names, choice))} for choice in itertools.product(*choices))

    def fact(self, literal, values):
        return (literal.predicate, *(values.get(arg, arg) for arg in literal.args))

    def holds(self, condition, values):
        if isinstance(condition, conditions.Literal):
            fact = self.fact(condition, values)
            is_true = fact[1] == fact[2] if fact[0] == "=" else fact in self.state
            return is_true != condition.negated
        if isinstance(condition, conditions.QuantifiedCondition):
            decide = any if isinstance(condition, conditions.ExistentialCondition) else all
            (body,) = condition.parts
            return decide(self.holds(body, each) for each in self.bindings(condition.parameters, values))
        decide = any if isinstance(condition, (conditions.Disjunction, conditions.Falsity)) else all
        return decide(self.holds(part, values) for part in condition.parts)


class ValuesOf(dict):
    def get(self, key):
        from fast_downward.translate.pddl.f_expression import NumericConstant

        return NumericConstant(self[key])


def validate(domain, problem, plan):
    """Every reason to think that the plan is wrong."""
    faults = []
    fault = Simulation(domain, problem).run(plan)
    if fault is not None:
        faults.append(f"simulation: {fault}")
    reader = PDDLReader()
    task = reader.parse_problem_string(domain, problem)
    steps = "\n".join(line for line in plan.splitlines() if line.startswith("("))
    validator = SequentialPlanValidator()
    validator.skip_checks = True  # of kinds of costs that it only knows in part
    result = validator.validate(task, reader.parse_plan_string(task, steps))
    said = " ".join(message.message for message in result.log_messages or [])
    is_valid = result.status == ValidationResultStatus.VALID
    # It refuses to add and remove one atom in a step, where PDDL says that adding wins; and it drops a
    # quantifier whose body does not name the variable, which is wrong of a type without objects.
    is_empty = any(not any(True for _ in task.objects(each)) for each in task.user_types)
    undecided = not is_valid and ("conflicting" in said.lower() or is_empty)
    if not is_valid and not undecided:
        faults.append(f"unified-planning: {result.status.name} {said}")
    return {"faults": faults, "undecided": undecided}


def judge(request, folder):
    domain, problem, plan = request["domain"], request["problem"], request["plan"]
    answer = solve(domain, problem, folder)
    return answer if plan is None else {**answer, **validate(domain, problem, plan)}


def main():
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            # Readers and translators talk while they work.
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                try:
                    answer = judge(json.loads(line), folder)
                except (Exception, SystemExit) as cause:
                    answer = {"error": f"{type(cause).__name__}: {cause}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
