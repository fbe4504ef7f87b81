"""What a rule gives an analysis: inputs and params have the names of its arguments."""

import inspect
from collections.abc import Callable
from typing import Any


def arguments_of_rule(measure: Callable, rule: Any, **computed: Any) -> dict[str, Any]:
    """Each argument of `measure` as `computed` has it, else as the rule's input or param of that name.

    `rule` is the object `snakemake` of a script. A study is left out: a script opens it by itself. Raises KeyError
    where the rule has no such input and no such param.
    """
    named = {**dict(rule.params.items()), **dict(rule.input.items()), **computed}
    names = [name for name in inspect.signature(measure).parameters if name != "study"]
    return {name: named[name] for name in names}
