"""A stack per test, on the session's cluster or on one of its own."""
import pytest
from stack import Stack


@pytest.fixture
def make_stack(processes, db):
    made = []

    def make(handlers, database=None, **kw):
        made.append(Stack(processes, database or db, handlers, **kw))
        return made[-1]

    yield make
    for stack in made:
        stack.cleanup()
