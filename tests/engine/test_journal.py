"""A journal that is cut off anywhere says what was written before, and nothing else."""

import pytest

from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.journal import Journal


@pytest.fixture
def written(tmp_path):
    journal = Journal.begun(tmp_path / "journal", {"what": "µ"})
    for number in range(3):
        journal.add({"plane": number})
    journal.close()
    return tmp_path / "journal"


def test_every_prefix_gives_the_whole_lines_before_the_cut(written):
    content = written.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for length in range(ends[0], len(content) + 1):
        written.write_bytes(content[:length])
        journal = Journal.opened(written)
        assert journal.entries == [{"plane": number} for number in range(sum(end <= length for end in ends) - 1)]
        journal.add({"plane": 9})
        journal.close()
        again = Journal.opened(written)
        again.close()
        assert again.entries == [*journal.entries, {"plane": 9}]


def test_a_journal_without_its_head_is_refused(written):
    written.write_bytes(written.read_bytes()[:10])
    with pytest.raises(FileError, match="delete the folder"):
        Journal.opened(written)


def test_a_line_that_was_changed_ends_what_is_believed(written):
    written.write_bytes(written.read_bytes().replace(b'"plane": 1', b'"plane": 7'))
    journal = Journal.opened(written)
    journal.close()
    assert (journal.head["what"], journal.entries) == ("µ", [{"plane": 0}])
