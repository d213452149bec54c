"""A fork's files: what is not imported, and what is there twice, is named."""

import logging
import sys
from pathlib import Path

import pytest
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task_types.task_type import known_task_types
from serverless_tasks.workers.user_code import loading

CAT = 'from serverless_tasks import TaskType\ncat = TaskType("cat")\n'


@pytest.fixture
def load(tmp_path, monkeypatch, caplog):
    """Load these files as a fork's, and return what is logged."""

    def load(**files: str) -> list[str]:
        for name, text in {"__init__": "", **files}.items():
            file = Path(tmp_path, "kinds_of_work", *name.split("/")).with_name(f"{name.split('/')[-1]}.py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        monkeypatch.setattr(loading, "PACKAGE", "kinds_of_work")
        monkeypatch.syspath_prepend(tmp_path)
        loading.load_user_code(Settings())
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "kinds_of_work"]:
        del sys.modules[name]


def test_a_copy_of_a_file_is_named_beside_the_first_one(load):
    with pytest.raises(InvalidInput, match=r"'cat' is defined twice, in .*cat copy\.py and in .*cat\.py"):
        load(**{"cat": CAT, "cat copy": CAT})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("billing.v2", "kinds_of_work/billing.v2.py is not imported: a name with a dot cannot be; rename it"),
        (
            "sub/inner",
            "kinds_of_work/sub/inner.py is not imported: only files directly in kinds_of_work are; import it",
        ),
        (
            "a/b/inner",
            "kinds_of_work/a/b/inner.py is not imported: only files directly in kinds_of_work are; import it",
        ),
    ],
)
def test_a_task_type_that_is_not_found_is_named(load, name, why):
    [said] = load(**{"dog": CAT.replace("cat", "dog"), name: CAT})
    assert said.startswith(why)
    assert [known.name for known in known_task_types()] == ["dog"]


def test_what_another_file_imports_and_what_has_no_task_type_is_in_order(load):
    files = {"cat": "import kinds_of_work.sub.inner\n", "sub/__init__": "", "sub/inner": CAT}
    said = load(**files, **{"sub/words": "", "a.b": "x = 1\n"})
    assert said == []
    assert [known.name for known in known_task_types()] == ["cat"]
