"""What the statements inside a function read: auto_explain tells it for each of them."""
import collections
import contextlib
import json

import psycopg2

SETTINGS = ("log_min_duration = 0", "log_nested_statements = on", "log_analyze = on", "log_timing = off", "log_format = json",
            "log_level = notice")


def explain(connection, on=True):
    """From now on the connection, the owner's, keeps the plan of every statement, nested ones too; or no more."""
    with connection.cursor() as cursor:
        cursor.execute("load 'auto_explain'")
        for setting in SETTINGS if on else ["log_min_duration = -1"]:
            cursor.execute("set auto_explain." + setting)
    # Of a list psycopg2 keeps the last 50.
    connection.notices = collections.deque()


@contextlib.contextmanager
def explained(url):
    """A connection that does so from the start."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        explain(connection)
        yield connection


def nodes(plan):
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def take(connection):
    """The plans since the last call."""
    texts, connection.notices = connection.notices, collections.deque()
    return [json.loads(text[text.index("{"):])["Plan"] for text in texts if "plan:" in text]


def rows_of(node):
    """How many rows a part of a plan gave or threw away."""
    return (node["Actual Rows"] + sum(n for name, n in node.items() if name.startswith("Rows Removed by"))) * node["Actual Loops"]


def rows_read(connection):
    """The same of all parts of all plans since the last call."""
    return sum(rows_of(node) for plan in take(connection) for node in nodes(plan))
