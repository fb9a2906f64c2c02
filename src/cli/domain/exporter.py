"""Prints the vocabulary of one Python module as JSON.

It is run as `python3 -c TEXT MODULE KNOWN` by `agent domain import`, in the Python that has the
module. KNOWN is JSON: a vocabulary's name to the modules it is known by; what comes from one of
those is not repeated but listed under "uses". The answer is one document on standard output,
{"domain": ..., "notes": [...]} or {"error": "..."}; whatever the module prints goes to standard
error. It runs on Python 3.8 and dynos-core 0.1.2 and newer.
"""

import importlib
import json
import os
import sys
import typing


class Unusable(Exception):
    """What cannot be told as a vocabulary; the text is for a person."""


class Recorder:
    """Notes what dynos-core itself forgets while the module is being imported.

    Of dynos-core 0.1.2 a fluent may have no name, and then its atoms lead back to nothing; a
    made object does not keep its values, a transition not its cost. Only methods are wrapped that
    do not look at their callers' frames: the others infer names from them.
    """

    def __init__(self):
        from dynos_core.factories import FluentBase
        from dynos_core.transition import Transition
        from dynos_core.types import SymbolicObject

        self.kept = []  # holds on to what is noted by its id
        self.fluents = {}
        self.values = {}
        self.extras = {}
        apply, make, define = FluentBase.__call__, SymbolicObject.__init__, Transition.define

        def applied(fluent, *args, **kwargs):
            # An atom has its arguments in the order given; by name, the declared one is meant.
            declared = {key: kwargs.pop(key) for key in fluent._arg_types if key in kwargs}
            atom = apply(fluent, *args, **declared, **kwargs)
            self.kept.append(atom)
            self.fluents[id(atom)] = fluent
            return atom

        def made(thing, *args, **kwargs):
            make(thing, *args, **kwargs)
            caller = sys._getframe(1)
            if caller.f_code.co_name == "make_new_object":
                self.kept.append(thing)
                self.values[id(thing)] = dict(caller.f_locals.get("values") or {})

        def created(cls, *args, **kwargs):
            transition = object.__new__(cls)
            self.note(transition, kwargs, ("name", "params_type"))
            return transition

        def defined(transition, *args, **kwargs):
            self.note(transition, kwargs, DEFINED)
            return define(transition, *args, **kwargs)

        FluentBase.__call__ = applied
        SymbolicObject.__init__ = made
        Transition.__new__ = created
        Transition.define = defined

    def note(self, transition, kwargs, known):
        self.kept.append(transition)
        extras = self.extras.setdefault(id(transition), {})
        extras.update((key, value) for key, value in kwargs.items() if key not in known)


DEFINED = ("preconditions", "adds", "removes", "adds_conditional", "completes_when", "fails_when")


class Exporter:
    def __init__(self, module, known, recorder):
        from dynos_core.atom import GroundAtom
        from dynos_core.factories import FluentBase
        from dynos_core.transition import Transition, _ParamPlaceholder
        from dynos_core.types import ObjectType, SymbolicObject

        self.Atom, self.Fluent, self.Transition = GroundAtom, FluentBase, Transition
        self.Placeholder, self.Type, self.Symbol = _ParamPlaceholder, ObjectType, SymbolicObject
        try:
            self.state = importlib.import_module("dynos_core.state")
        except ImportError:
            self.state = None  # from 0.2.0 on
        self.recorder = recorder
        self.module = module
        self.names = names_in(module)
        self.home = {}  # what a known vocabulary has, by id
        for domain, modules in known.items():
            for each in (sys.modules[name] for name in modules if name in sys.modules):
                for value in vars(each).values():
                    if self.is_word(value):
                        self.home[id(value)] = domain
        self.uses = []
        self.notes = []
        self.types, self.fluents, self.transitions, self.objects = {}, {}, {}, {}

    def is_word(self, value):
        if isinstance(value, type):
            return issubclass(value, self.Type) and value is not self.Type
        return isinstance(value, (self.Fluent, self.Transition, self.Symbol, self.Type))

    def document(self):
        for name, value in list(vars(self.module).items()):
            if not name.startswith("_"):
                self.take(value)
        if not (self.types or self.fluents or self.transitions or self.objects):
            raise Unusable("it has no types, fluents, transitions or objects of dynos-core")
        name = self.module.__name__
        return {
            "name": name,
            "modules": [],
            "uses": self.uses,
            "types": [each for each in self.types.values() if each],
            "fluents": [each for each in self.fluents.values() if each],
            "transitions": [each for each in self.transitions.values() if each],
            "objects": [each for each in self.objects.values() if each],
        }

    def take(self, value):
        if isinstance(value, (list, tuple, set, frozenset)):
            for each in value:
                if self.is_word(each):
                    self.take(each)
        elif isinstance(value, dict):
            self.take(list(value.values()))
        elif self.is_word(value):
            if isinstance(value, type):
                self.type_name(value)
            elif isinstance(value, self.Fluent):
                self.fluent_name(value)
            elif isinstance(value, self.Transition):
                self.transition(value)
            else:
                self.object_name(value)

    def is_known(self, value):
        """Whether a known vocabulary has it; then that one is used."""
        domain = self.home.get(id(value))
        if domain is None:
            return False
        if domain not in self.uses:
            self.uses.append(domain)
        return True

    def once(self, table, key, value):
        """False when it is in the table; else holds its place there."""
        if key in table:
            return False
        table[key] = None
        return not self.is_known(value)

    def type_name(self, cls):
        name = cls._domain_type_name
        if self.once(self.types, id(cls), cls):
            base = next((b for b in cls.__mro__[1:] if b is not self.Type and self.is_word(b)), None)
            if base is not None:
                self.notes.append(
                    f'type "{name}" extends "{base._domain_type_name}": taken as a type of its own'
                )
            fields = {}
            for each in reversed(cls.__mro__):
                for field, kind in each.__dict__.get("_value_fields", {}).items():
                    fields[field] = kind_name(kind)
            self.types[id(cls)] = {"name": name, "fields": fields}
        return name

    def fluent_name(self, fluent):
        name = fluent._name or self.names.get(id(fluent)) or self.name_anywhere(fluent)
        if self.once(self.fluents, id(fluent), fluent):
            args = [
                {"name": arg, "type": self.declared_type(cls, f'fluent "{name}", argument "{arg}"')}
                for arg, cls in fluent._arg_types.items()
            ]
            self.fluents[id(fluent)] = {
                "name": name,
                "args": args,
                "default": bool(getattr(fluent, "_default", False)),
            }
        return name

    def name_anywhere(self, fluent):
        """What another module calls it: of dynos-core 0.1.2 it does not know its name itself."""
        for module in list(sys.modules.values()):
            name = names_in(module).get(id(fluent))
            if name is not None:
                return name
        raise Unusable("a fluent has no name: assign it to a variable of its module")

    def declared_type(self, cls, where):
        if isinstance(cls, type) and self.is_word(cls):
            return self.type_name(cls)
        raise Unusable(f"{where}: {cls!r} is no object type")

    def object_name(self, thing):
        if isinstance(thing, self.Symbol):
            name, type_name = thing._name, thing._type_name
            if name == type_name:  # dynos-core 0.1.2 could not tell what it is assigned to
                name = self.names.get(id(thing), name)
            values = self.recorder.values.get(id(thing), {})
        else:
            type_name = type(thing)._domain_type_name
            name = getattr(thing, "_instance_name", None) or self.names.get(id(thing))
            if not name:
                raise Unusable(f"an object of type {type_name} has no name")
            values = getattr(thing, "_field_values", {})
        if self.once(self.objects, name, thing):
            cls = type(thing) if isinstance(thing, self.Type) else self.class_of(type_name)
            fields = {key: self.value(each, name, key) for key, each in values.items()}
            self.objects[name] = {
                "name": name,
                "type": self.type_name(cls) if cls else type_name,
                "fields": {key: each for key, each in fields.items() if each is not None},
            }
        return name

    def class_of(self, type_name):
        below = list(self.Type.__subclasses__())
        for cls in below:
            if cls._domain_type_name == type_name:
                return cls
            below.extend(cls.__subclasses__())
        return None

    def value(self, value, name, key):
        if isinstance(value, (self.Symbol, self.Type)):
            return self.object_name(value)
        if isinstance(value, (list, tuple)):
            return [self.value(each, name, key) for each in value]
        if isinstance(value, dict):
            return {str(k): self.value(each, name, key) for k, each in value.items()}
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        self.notes.append(f'object "{name}": left out "{key}", a {type(value).__name__}')
        return None

    def transition(self, transition):
        name = transition.name
        if not self.once(self.transitions, id(transition), transition):
            return
        try:
            self.transitions[id(transition)] = self.definition(transition)
        except Unplannable as cause:
            self.notes.append(f'left out transition "{name}": {cause}')

    def definition(self, transition):
        name = transition.name
        at = f'transition "{name}"'
        adds, removes = self.effect(transition._effects_pos, at)
        _, gone = [], self.atoms(transition._effects_neg, at)
        effects = []
        for effect, condition in transition._effects_pos_cond:
            made, unmade = self.effect(as_list(effect), at)
            when = self.condition(condition, at)
            effects.append({"when": when, "adds": made, "removes": unmade})
        for aspect in ("completes_when", "fails_when"):
            if getattr(transition, f"_{aspect}", None) is not None:
                self.notes.append(f"{at}: left out {aspect}")
        definition = {
            "name": name,
            "params": self.params(transition._params_type),
            "preconditions": [self.condition(each, at) for each in transition._preconditions],
            "adds": adds,
            "removes": removes + gone,
        }
        if effects:
            definition["effects"] = effects
        for key, value in self.recorder.extras.get(id(transition), {}).items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if key == "cost" and is_number:
                definition["cost"] = value
            else:
                self.notes.append(f"{at}: left out {key}")
        return definition

    def params(self, cls):
        if cls is None:
            return []
        try:
            hints = typing.get_type_hints(cls)
        except Exception as cause:
            raise Unplannable(f"the types of its parameters cannot be read: {cause}")
        params = []
        for name, field in cls.__dataclass_fields__.items():
            hint = hints.get(name, field.type)
            choices = [each for each in getattr(hint, "__args__", ()) if each is not type(None)]
            is_choice = len(choices) == 1 and type(None) in hint.__args__
            wanted = choices[0] if is_choice else hint
            if not (isinstance(wanted, type) and self.is_word(wanted)):
                told = getattr(wanted, "__name__", str(wanted))
                raise Unplannable(f'its parameter "{name}" is a {told}, which is no object type')
            param = {"name": name, "type": self.type_name(wanted)}
            if is_choice or field.default is None:
                param["optional"] = True
            params.append(param)
        return params

    def condition(self, state, at):
        if isinstance(state, self.Atom):
            return self.atom(state, at)
        if isinstance(state, (list, tuple)):
            return {"and": [self.condition(each, at) for each in state]}
        if self.state is not None:
            if isinstance(state, self.state.Not):
                if isinstance(state.state, self.Atom):
                    return {"atom": self.atom(state.state, at), "holds": False}
                return {"not": self.condition(state.state, at)}
            for kind, word in ((self.state.And, "and"), (self.state.Or, "or")):
                if isinstance(state, kind):
                    return {word: [self.condition(each, at) for each in state.states]}
        raise Unusable(f"{at}: {state!r} is no condition")

    def effect(self, states, at):
        """What is added and, where it says Not, removed."""
        adds, removes = [], []
        for state in states:
            if self.state is not None and isinstance(state, self.state.And):
                more, less = self.effect(state.states, at)
                adds, removes = adds + more, removes + less
            elif self.state is not None and isinstance(state, self.state.Not):
                removes += self.atoms([state.state], at)
            else:
                adds += self.atoms([state], at)
        return adds, removes

    def atoms(self, states, at):
        for state in states:
            if not isinstance(state, self.Atom):
                raise Unusable(f"{at}: {state!r} is no effect")
        return [self.atom(state, at) for state in states]

    def atom(self, atom, at):
        fluent = self.recorder.fluents.get(id(atom))
        name = atom._fluent_name if fluent is None else self.fluent_name(fluent)
        args = [self.argument(each, at) for each in atom._args]
        return f"{name}({', '.join(args)})" if args else name

    def argument(self, arg, at):
        if isinstance(arg, self.Placeholder):
            return f"?{arg.name}"
        if isinstance(arg, (self.Symbol, self.Type)):
            return self.object_name(arg)
        if isinstance(arg, str):
            return arg
        raise Unusable(f"{at}: {arg!r} stands for no object")


class Unplannable(Exception):
    """A transition that a planner could not use."""


def names_in(module):
    """What a module calls its things, by id; of several names the first public one."""
    members = list(getattr(module, "__dict__", {}).items())
    members.sort(key=lambda member: member[0].startswith("_"))
    return {id(value): name for name, value in reversed(members)}


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def kind_name(kind):
    if kind in (int, float):
        return "number"
    return {str: "string", bool: "boolean"}.get(kind, "json")


def export(name, known):
    try:
        recorder = Recorder()
    except ImportError as cause:
        raise Unusable(f"this Python ({sys.executable}) has no dynos-core: {cause}")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as cause:
        raise Unusable(f"this Python ({sys.executable}) does not have it: {cause}")
    exporter = Exporter(module, known, recorder)
    return {"domain": exporter.document(), "notes": exporter.notes}


def main():
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        told = export(sys.argv[1], json.loads(sys.argv[2]))
    except Unusable as cause:
        told = {"error": str(cause)}
    except BaseException as cause:
        import traceback

        traceback.print_exc()
        told = {"error": f"importing it failed: {type(cause).__name__}: {cause}"}
    json.dump(told, answer, allow_nan=False)
    answer.flush()
    os._exit(1 if "error" in told else 0)  # threads that the module left behind hold nothing up


main()
