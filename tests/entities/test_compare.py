from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.entities.compare import Owner, difference, fill_only, is_blank, same, three_way

FIELDS = ("name", "price", "active")
RECORD = st.fixed_dictionaries({"name": st.sampled_from(["", "Mug", "Cup", "Tasse"]), "price": st.sampled_from(["0", "1", "2.5"]),
                                "active": st.booleans()})
OWNERS: st.SearchStrategy[dict[str, Owner]] = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["left", "right", "manual"]))


def test_only_what_changed_is_a_difference() -> None:
    assert difference({"a": "1", "b": "", "c": False, "d": "x"}, {"a": "1", "d": "y"}) == {"c": False, "d": "x"}


def test_nothing_equals_nothing_but_a_no_is_an_answer() -> None:
    assert same(None, "")
    assert not same(False, "")
    assert [is_blank(v) for v in ("", None, "0", False, "x", "0.5")] == [True, True, True, False, False, False]


def test_a_first_link_writes_what_the_shop_says_and_erases_nothing() -> None:
    assert fill_only({"name": "Mug", "cost": "0", "text": "", "active": False, "kind": "simple"},
                     {"name": "Cup", "cost": "4", "text": "old", "active": True}) == {"name": "Mug", "active": False}


@pytest.mark.parametrize(("base", "left", "right", "owner", "to_left", "to_right", "agreed", "conflict"), [
    ("a", "a", "a", "left", None, None, "a", False),
    ("a", "b", "a", "right", None, "b", "b", False),
    ("a", "a", "b", "left", "b", None, "b", False),
    ("a", "b", "b", "manual", None, None, "b", False),
    ("a", "b", "c", "left", None, "b", "b", True),
    ("a", "b", "c", "right", "c", None, "c", True),
    ("a", "b", "c", "manual", None, None, "a", True),
    ("a", "", "a", "right", None, "", "", False),
    ("", "b", "", "manual", None, "b", "b", False),
])
def test_three_ways_meet(base: str, left: str, right: str, owner: Owner, to_left: str | None, to_right: str | None, agreed: str,
                         conflict: bool) -> None:
    merge = three_way({"f": base}, {"f": left}, {"f": right}, {"f": owner})
    assert merge.to_left.get("f") == to_left
    assert merge.to_right.get("f") == to_right
    assert merge.base == {"f": agreed}
    assert bool(merge.conflicts) is conflict
    if conflict:
        found = merge.conflicts[0]
        assert (found.base, found.left, found.right, found.winner) == (base, left, right, agreed)


@pytest.mark.parametrize(("left", "right", "owner", "agreed", "conflict"), [
    ("a", "", "right", "a", False), ("", "b", "left", "b", False), ("a", "b", "left", "a", False), ("a", "b", "right", "b", False),
    ("a", "b", "manual", None, True), ("0", "4.2", "left", "4.2", False),
])
def test_on_first_contact_a_blank_loses(left: str, right: str, owner: Owner, agreed: str | None, conflict: bool) -> None:
    merge = three_way({}, {"f": left}, {"f": right}, {"f": owner})
    assert merge.base.get("f") == agreed
    assert bool(merge.conflicts) is conflict


def test_edits_of_different_fields_both_survive() -> None:
    merge = three_way({"name": "Mug", "price": "1"}, {"name": "Cup", "price": "1"}, {"name": "Mug", "price": "2"}, {})
    assert (merge.to_left, merge.to_right, merge.conflicts) == ({"price": "2"}, {"name": "Cup"}, ())



@given(RECORD, RECORD, RECORD, OWNERS)
def test_no_edit_of_one_side_alone_is_lost_and_no_loser_is_forgotten(base: dict[str, Any], left: dict[str, Any],
                                                                    right: dict[str, Any], owners: dict[str, Owner]) -> None:
    merge = three_way(base, left, right, owners)
    disputed = {c.field: c for c in merge.conflicts}
    new_left, new_right = left | merge.to_left, right | merge.to_right
    for field in FIELDS:
        if left[field] == base[field] or right[field] == base[field] or left[field] == right[field]:
            expected = right[field] if left[field] == base[field] else left[field]
            assert field not in disputed
            assert new_left[field] == new_right[field] == merge.base[field] == expected
        else:
            conflict = disputed[field]
            assert {conflict.left, conflict.right} == {left[field], right[field]}
            if owners.get(field, "left") == "manual":
                assert (new_left[field], new_right[field], merge.base[field]) == (left[field], right[field], base[field])
            else:
                assert new_left[field] == new_right[field] == merge.base[field] == conflict.winner


@given(st.none() | RECORD, RECORD, RECORD, OWNERS)
def test_what_was_agreed_needs_no_second_write(base: dict[str, Any] | None, left: dict[str, Any], right: dict[str, Any],
                                               owners: dict[str, Owner]) -> None:
    first = three_way(base or {}, left, right, owners)
    again = three_way(first.base, left | first.to_left, right | first.to_right, owners)
    assert (again.to_left, again.to_right, again.base) == ({}, {}, first.base)
    assert again.conflicts == tuple(c for c in first.conflicts if c.owner == "manual")


@given(RECORD, RECORD, RECORD, OWNERS)
def test_the_sides_are_treated_alike(base: dict[str, Any], left: dict[str, Any], right: dict[str, Any],
                                     owners: dict[str, Owner]) -> None:
    mirror: dict[Owner, Owner] = {"left": "right", "right": "left", "manual": "manual"}
    one = three_way(base, left, right, owners)
    other = three_way(base, right, left, {f: mirror[o] for f, o in owners.items()}, default="right")
    assert (one.to_left, one.to_right, one.base) == (other.to_right, other.to_left, other.base)
