"""The file of the books: whole lines count, a torn last one does not, two owners cannot be."""

import pytest

from sandbox.errors import JournalError
from sandbox.journal import FILE_NAME, FileJournal


def reopened(folder):
    journal = FileJournal(folder)
    records = list(journal.replay())
    journal.close()
    return records


def test_records_come_back_in_order_and_to_the_cent(tmp_path):
    """Amounts are Decimal again, with every digit."""
    journal = FileJournal(tmp_path)
    list(journal.replay())
    journal.append({"n": 1, "text": "ä\nb"})
    journal.append({"n": 2, "nested": {"list": [None, True]}})
    journal.close()

    assert reopened(tmp_path) == [
        {"n": 1, "text": "ä\nb"},
        {"n": 2, "nested": {"list": [None, True]}},
    ]


@pytest.mark.parametrize("torn", [b'{"n": 2', b'{"n": 2}', b'{"n"\n', b"\x00\x00"])
def test_torn_last_line_is_cut_off(tmp_path, torn):
    """Also one that only lacks its end: it was not written to the end, so it was not answered."""
    (tmp_path / FILE_NAME).write_bytes(b'{"n": 1}\n' + torn)

    journal = FileJournal(tmp_path)
    assert list(journal.replay()) == [{"n": 1}]
    journal.append({"n": 3})
    journal.close()

    assert reopened(tmp_path) == [{"n": 1}, {"n": 3}]


def test_damage_in_the_middle_is_not_passed_over(tmp_path):
    """Silently losing answered changes would be worse than not starting."""
    (tmp_path / FILE_NAME).write_bytes(b'{"n": 1}\nbroken\n{"n": 3}\n')

    journal = FileJournal(tmp_path)
    with pytest.raises(JournalError, match="line 2 cannot be read"):
        list(journal.replay())
    journal.close()


def test_folder_has_one_owner_at_a_time(tmp_path):
    """The second is told, and can come when the first has gone."""
    first = FileJournal(tmp_path)
    with pytest.raises(JournalError, match="in use"):
        FileJournal(tmp_path)
    first.close()

    FileJournal(tmp_path).close()


def test_file_is_readable_by_its_owner_only(tmp_path):
    """It holds tokens."""
    FileJournal(tmp_path).close()

    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0
