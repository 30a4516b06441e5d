"""Values: immutable classes, and enums that accept unknown values."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from casino_loyalty import Code, Gap, PromotionType, ReadState, Tokens


def test_values_are_compared_by_their_members() -> None:
    state = ReadState(ids=["n-1"], all=False, unread=3)
    assert state == ReadState(ids=["n-1"], all=False, unread=3) == copy.deepcopy(state) == pickle.loads(pickle.dumps(state))
    assert state != ReadState(ids=["n-1"], all=False, unread=2)
    assert repr(state) == "ReadState(ids=['n-1'], all=False, unread=3)"
    assert len({Gap("a"), Gap("a"), Gap("b")}) == 2
    assert Tokens("access") != Gap("access")


def test_values_cannot_be_changed() -> None:
    gap: Any = Gap("unknown")
    with pytest.raises(AttributeError, match="Gap cannot be changed"):
        gap.reason = "other"
    with pytest.raises(AttributeError, match="Gap cannot be changed"):
        del gap.reason


def test_members_are_checked() -> None:
    kind: Any = ReadState
    for arguments in ({}, {"ids": [], "all": False}, {"ids": [], "all": False, "unread": 0, "more": 1}):
        with pytest.raises(TypeError, match="ReadState has the members ids, all, unread"):
            kind(**arguments)
    with pytest.raises(TypeError, match="Gap has the members reason"):
        Gap(*["a", "b"])


def test_unknown_values_of_enums() -> None:
    unknown = PromotionType("SEASONAL")
    assert (unknown, unknown.name, str(unknown)) == ("SEASONAL", "SEASONAL", "SEASONAL")
    assert unknown == pickle.loads(pickle.dumps(unknown)) != PromotionType.BONUS
    assert {unknown: 1}[PromotionType("SEASONAL")] == 1
    assert PromotionType("BONUS") is PromotionType.BONUS
    assert Code.NOT_FOUND == "NOT_FOUND"
    wrong: Any = 5
    with pytest.raises(ValueError, match="5 is not a valid PromotionType"):
        PromotionType(wrong)
