"""T-SQL through Python's sqlglot: one JSON request a line on stdin, one JSON answer a line on stdout."""

import logging

import sqlglot
from answers import serve
from sqlglot import exp

# Statements that it only skims are in the answers, and need no warnings.
logging.disable(logging.CRITICAL)


def parse(text):
    """The beginnings of statements that it knows only by their first word; an error for text that is no T-SQL."""
    statements = sqlglot.parse(text, read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
    skimmed = [one for statement in statements if statement for one in statement.find_all(exp.Command)]
    return [one.sql(dialect="tsql")[:60] for one in skimmed]


def to_duckdb(text):
    return sqlglot.transpile(text, read="tsql", write="duckdb", error_level=sqlglot.ErrorLevel.RAISE)


serve({"parse": parse, "to_duckdb": to_duckdb})
