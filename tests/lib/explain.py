"""What the statements inside a function read: auto_explain tells it for each of them."""
import collections
import contextlib
import json

import psycopg2

SETTINGS = ("log_min_duration = 0", "log_nested_statements = on", "log_analyze = on", "log_timing = off", "log_format = json",
            "log_level = notice")


@contextlib.contextmanager
def explained(url):
    """A connection of the owner's that keeps the plan of every statement, nested ones too."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("load 'auto_explain'")
            for setting in SETTINGS:
                cursor.execute("set auto_explain." + setting)
        # Of a list psycopg2 keeps the last 50.
        connection.notices = collections.deque()
        yield connection


def nodes(plan):
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def take(connection):
    """The plans since the last call."""
    texts, connection.notices = connection.notices, collections.deque()
    return [json.loads(text[text.index("{"):])["Plan"] for text in texts if "plan:" in text]


def rows_read(connection):
    """How many rows all parts of all plans since the last call gave or threw away."""
    read = 0
    for plan in take(connection):
        for node in nodes(plan):
            removed = sum(n for name, n in node.items() if name.startswith("Rows Removed by"))
            read += (node["Actual Rows"] + removed) * node["Actual Loops"]
    return read
