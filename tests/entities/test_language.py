"""Which language of the shop is which of Odoo."""

from __future__ import annotations

import pytest

from portal.entities.language import main_language, odoo_language, shared_languages


@pytest.mark.parametrize(("iso", "installed", "code"), [
    ("fr", ["en_US", "fr_FR"], "fr_FR"), ("fr", ["en_US", "fr_BE"], "fr_BE"), ("gb", ["en_US"], "en_US"),
    ("gb", ["en_US", "en_GB"], "en_GB"), ("en", ["en_GB", "en_US"], "en_US"), ("br", ["pt_BR", "pt_PT"], "pt_BR"),
    ("pt", ["pt_BR", "pt_PT"], "pt_PT"), ("qc", ["fr_FR", "fr_CA"], "fr_CA"), ("sr", ["sr@latin"], "sr@latin"), ("", ["en_US"], ""),
    ("de", ["en_US"], ""),
])
def test_a_code_of_the_shop_finds_odoos_language(iso: str, installed: list[str], code: str) -> None:
    assert odoo_language(iso, installed) == code


def test_the_main_language_is_that_of_odoos_user_where_the_shop_has_it() -> None:
    shop = {1: "en", 2: "fr", 3: "gb"}
    assert main_language(shop, 1, "fr_FR", ["en_US", "fr_FR"]) == 2
    assert main_language(shop, 1, "en_US", ["en_US", "fr_FR"]) == 1
    assert main_language(shop, 3, "en_US", ["en_US"]) == 3, "the shop's default, where several would do"
    assert main_language(shop, 2, "de_DE", ["de_DE", "en_US"]) == 2


def test_each_language_of_odoo_stands_for_one_of_the_shop() -> None:
    assert shared_languages({1: "en", 2: "fr", 3: "de"}, "en_US", ["en_US", "fr_FR"]) == {2: "fr_FR"}
    assert shared_languages({1: "gb", 2: "en", 3: "fr"}, "fr_FR", ["en_US", "fr_FR"]) == {2: "en_US"}
    assert shared_languages({1: "fr"}, "en_US", ["en_US", "fr_FR"]) == {1: "fr_FR"}, "the user sees the shop's only language, too"
