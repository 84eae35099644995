"""What every judge does."""

from __future__ import annotations

from abc import ABC, abstractmethod

from segue.evaluate.pooling import Pair
from segue.systems.judging import Judge


class JudgeContract(ABC):
    """Subclass, and give a judge with the pairs that it can grade."""

    @abstractmethod
    def made(self) -> tuple[Judge, list[Pair]]: ...

    def test_each_wording_has_a_mark_of_its_own(self) -> None:
        judge, _ = self.made()
        assert judge.wordings and len(set(judge.wordings)) == len(judge.wordings) and judge.evidence

    def test_grades_are_of_the_pairs_that_were_asked_each_once(self) -> None:
        judge, pairs = self.made()
        for wording, mark in enumerate(judge.wordings):
            for some in (pairs, pairs[::2], []):
                found = judge.grade(some, wording)
                graded = [(one.query, one.playlist_id) for one in found]
                assert len(set(graded)) == len(graded) and set(graded) <= set(some)
                assert all(one.by == mark and one.grade in (0, 1, 2, 3) for one in found)

    def test_a_grade_depends_on_its_pair_alone(self) -> None:
        judge, pairs = self.made()
        for wording in range(len(judge.wordings)):
            whole = {(one.query, one.playlist_id): one for one in judge.grade(pairs, wording)}
            turned = judge.grade(pairs[::-1], wording)
            assert {(one.query, one.playlist_id): one for one in turned} == whole
            for pair in pairs[:5]:
                assert list(judge.grade([pair], wording)) == [whole[pair]]
