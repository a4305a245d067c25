"""What holds for every entity, present and future."""

from __future__ import annotations

import pytest

from portal.entities import registry
from portal.entities.base import RecordEntity
from portal.settings import BY_KEY

RECORDS = [entity.record for entity in registry.ENTITIES if entity.record is not None]


def test_what_others_need_is_synchronised_first() -> None:
    assert [entity.name for entity in registry.ENTITIES] == ["customer", "product", "stock", "order"]


def test_every_entity_has_a_switch_in_the_settings() -> None:
    assert all(entity.settings_key in BY_KEY for entity in registry.ENTITIES)


def test_only_records_that_are_written_one_to_one_have_a_record_mapping() -> None:
    assert registry.record_entity("product").name == registry.by_name("product").name
    with pytest.raises(LookupError, match="not a record entity"):
        registry.record_entity("stock")


@pytest.mark.parametrize("entity", RECORDS, ids=lambda entity: entity.name)
def test_a_record_entity_asks_for_ids_and_never_for_secrets(entity: RecordEntity) -> None:
    asked = [(entity.resource, entity.fields), *((related.resource, related.fields) for related in entity.related)]
    for _, fields in asked:
        assert "id" in fields
        assert len(set(fields)) == len(fields)
        assert not [name for name in fields if any(word in name for word in ("passw", "secure", "token", "reset"))]
    assert all(related.key_field in related.fields for related in entity.related)


@pytest.mark.parametrize("entity", RECORDS, ids=lambda entity: entity.name)
def test_a_record_entity_names_its_match_fields_in_a_merchants_words(entity: RecordEntity) -> None:
    assert set(entity.words) == set(entity.match_columns)
    assert 1 <= entity.chunk <= 200
