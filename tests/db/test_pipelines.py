"""test_pipelines.py -- what registering a pipeline file reads grows with its size, and no faster."""
import json

import psycopg2
import pytest
from explain import explained, rows_read

FEW, MANY = 200, 2000

pytestmark = pytest.mark.unsanitized("no program of ours runs here")


def rule(jobs, name="r"):
    return {"name": name, "match": {}, "jobs": jobs}


# Files with so many steps, by what there is many of.
SHAPES = {
    "steps": lambda n: [rule([{"step": f"s{i}", "kind": "k"} for i in range(n)])],
    "a chain": lambda n: [rule([{"step": f"s{i}", "kind": "k", "after": [f"s{i - 1}"] if i else []} for i in range(n)])],
    "one waits for all": lambda n: [rule([{"step": f"s{i}", "kind": "k"} for i in range(n)]
                                         + [{"step": "last", "kind": "k", "after": [f"s{i}" for i in range(n)]}])],
    "unknown names": lambda n: [rule([{"step": f"s{i}", "kind": "k", "after": [f"t{i}"]} for i in range(n)])],
    "rules": lambda n: [rule([{"step": "s", "kind": "k"}], f"r{i}") for i in range(n)],
    "kinds": lambda n: [rule([{"step": f"s{i}", "kind": f"k{i}"} for i in range(n)])],
}


def register(connection, shape, n):
    rules = SHAPES[shape](n)
    kinds = {job["kind"]: {"attempts": 3, "limit": 2} for r in rules for job in r["jobs"]}
    text = json.dumps({"version": 1, "kinds": kinds, "rules": rules})
    with connection.cursor() as cursor:
        cursor.execute("select millrace.register_pipeline(%s, %s)", (f"{shape} {n}", text))
        return cursor.fetchone()[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_times_the_file_reads_ten_times_as_much(db, shape):
    read = {}
    with explained(db.url()) as connection:
        for n in (FEW, MANY):
            number = register(connection, shape, n)
            read[n] = rows_read(connection)
            steps = db.one("select count(*) from millrace.pipeline_step where pipeline_no = %s", number)
            assert n <= steps <= n + 1
    assert read[FEW] >= FEW
    assert read[MANY] <= 12 * read[FEW], read


def test_the_same_file_again_reads_little(db):
    """Each router that starts registers what it has."""
    with explained(db.url()) as connection:
        number = register(connection, "a chain", MANY)
        rows_read(connection)
        assert register(connection, "a chain", MANY) == number
        assert rows_read(connection) <= 4 * MANY


def test_steps_know_each_other(db):
    with psycopg2.connect(db.url()) as connection:
        number = register(connection, "one waits for all", MANY)
    assert db.query("select step_no, cardinality(after), dependents from millrace.pipeline_step where pipeline_no = %s"
                    " and (step_no in (1, %s) or step_no > %s) order by 1", number, MANY, MANY) == \
        [(1, 0, [MANY + 1]), (MANY, 0, [MANY + 1]), (MANY + 1, MANY, [])]
    assert db.one("select after from millrace.pipeline_step where pipeline_no = %s and step_no > %s", number, MANY) == \
        list(range(1, MANY + 1))
