"""Renders the cases of one JSON file with Jinja2 as transformers sets it up.

    reference.py CASES.json OUTPUT.json     as reference.mjs; needs Debian's python3-jinja2
"""
import json
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    """{% generation %}...{% endgeneration %}: what stands in it."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                            extensions=[Generation, jinja2.ext.loopcontrols])
environment.filters["tojson"] = to_json
environment.globals["raise_exception"] = raise_exception


def render(case):
    try:
        return {"text": environment.from_string(case["template"]).render(**case["variables"])}
    except (jinja2.exceptions.TemplateError, TypeError, ValueError, AttributeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump([render(case) for case in cases], file)
