"""The module as a package: PrestaShop's conventions, translations, the zip, installing, updating and uninstalling."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from portal import module_zip
from portal.module_zip import StoreFacts
from tests.module.shop import MODULE, StubShop, saved

pytestmark = pytest.mark.php

LANGUAGES = ("en", "fr", "es", "it")
FILES = sorted(path for path in MODULE.rglob("*") if path.is_file())
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"


def php(*words: str) -> str:
    done = subprocess.run(["php", "-d", "display_errors=1", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpacked(folder: Path, facts: StoreFacts | None) -> Path:
    buffer = io.BytesIO()
    module_zip.build(facts, buffer)
    zipfile.ZipFile(buffer).extractall(folder)
    return folder / "odooconnector"


def texts() -> set[str]:
    """Every English text that is shown translated."""
    source = (MODULE / "odooconnector.php").read_text()
    trouble = (MODULE / "src" / "Trouble.php").read_text()
    page = (MODULE / "src" / "Page.php").read_text()
    constants = re.findall(r"const [A-Z_]+ = '([^']*)';", trouble + page)
    labels = re.findall(r"^ {8}'[a-z_]+' => '(.*)',$", page.split("];")[0], re.MULTILINE)
    return {*re.findall(r"->l\('([^']*)'\)", source), *constants, *labels}


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".php"], ids=lambda path: str(path.relative_to(MODULE)))
def test_every_file_is_valid_php(path: Path) -> None:
    assert "No syntax errors" in php("-l", str(path))


def test_the_files_keep_to_php_7_4_and_cannot_be_called_directly() -> None:
    assert php(str(Path(__file__).with_name("conventions.php")), str(MODULE)) == ""


def test_the_check_of_the_conventions_can_fail(tmp_path: Path) -> None:
    (tmp_path / "new.php").write_text("<?php\nclass A { function __construct(private int $a) {} }\n"
                                      "echo match (true) { default => str_contains($a?->b, c: 'x') };\n")
    found = php(str(Path(__file__).with_name("conventions.php")), str(tmp_path))
    for word in ("directly", "match", "str_contains", "?->", "named", "promoted"):
        assert word in found


def test_every_folder_is_guarded_against_listing() -> None:
    folders = {MODULE, *(path for path in MODULE.rglob("*") if path.is_dir())}
    guard = (MODULE / "index.php").read_bytes()
    assert {folder for folder in folders if not (folder / "index.php").is_file()
            or (folder / "index.php").read_bytes() != guard} == set()


def test_names_and_versions_agree() -> None:
    config = ElementTree.parse(MODULE / "config.xml").getroot()
    assert config.findtext("name") == module_zip.NAME
    assert config.findtext("version") == module_zip.version() == "1.0.0"
    assert (MODULE / "upgrade" / f"upgrade-{module_zip.version()}.php").is_file()
    assert (MODULE / "logo.png").read_bytes().startswith(b"\x89PNG")


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    assert len(texts()) > 30
    for language in LANGUAGES:
        source = (MODULE / "translations" / f"{language}.php").read_text()
        translated = dict(re.findall(r"odooconnector_([0-9a-f]{32})'\] = '(.*)';", source))
        assert {hashlib.md5(text.encode()).hexdigest() for text in texts()} == set(translated)
        assert all(translated.values())


def test_the_template_escapes_everything_it_shows_and_uses_only_what_it_is_given(shop: StubShop) -> None:
    template = (MODULE / "views" / "templates" / "admin" / "page.tpl").read_text()
    shown = re.findall(r"{(\$[^}]+)}", template)
    assert [value for value in shown if not value.endswith("|escape:'html':'UTF-8'")] == []
    values = shop.request(["page"])[0]["values"]
    assert set(re.findall(r"\$text\.(\w+)", template)) == set(values["text"])
    assert set(re.findall(r"\$(?!text)(\w+)", template)) == set(values) - {"text"}
    assert template.count("{if ") == template.count("{/if}")


def test_the_page_speaks_the_language_of_the_employee(shop: StubShop) -> None:
    shown = {language: shop.request(["page"], language=language)[0]["values"]["text"]["send"] for language in LANGUAGES}
    assert shown == {"en": "Send now", "fr": "Envoyer maintenant", "es": "Enviar ahora", "it": "Invia ora"}


def test_the_page_saves_what_is_typed_and_never_shows_the_secret(shop: StubShop) -> None:
    form = {"odooconnector_save": "1", "odooconnector_url": "https://portal.example.com/ ", "odooconnector_store": "abc",
            "odooconnector_secret": "typed-secret"}
    answer = shop.request(["page"], form=form)[0]
    assert answer["html"].startswith("<ok>Settings saved.</ok>")
    assert shop.configuration["ODOOCONNECTOR_URL"] == "https://portal.example.com"
    assert "typed-secret" not in str(answer)
    shop.request(["page"], form={**form, "odooconnector_secret": ""})
    assert shop.configuration["ODOOCONNECTOR_SECRET"] == "typed-secret"
    for wrong in ("", "portal.example.com", "javascript:alert(1)", "https://u:p@x.example", "https://x.example/?a"):
        html = shop.request(["page"], form={**form, "odooconnector_url": wrong})[0]["html"]
        assert html.startswith("<error>Address of the portal")


def test_the_page_tests_the_connection_and_says_what_is_wrong(shop: StubShop) -> None:
    assert "Not connected yet" in shop.request(["page"], form={"odooconnector_test": "1"})[0]["html"]
    shop.connect("http://127.0.0.1:1", "abc", "secret")
    assert "Le portail ne répond pas." in shop.request(["page"], form={"odooconnector_test": "1"}, language="fr")[0]["html"]
    values = shop.request(["page"])[0]["values"]
    assert (values["connected"], values["paused"]) == (False, True)
    assert values["error"].startswith("The portal does not answer.")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = StoreFacts("https://portal.example.com", "abc", "secret")
    module_zip.build(facts, tmp_path / "one.zip")
    shutil.copytree(MODULE, tmp_path / "source")
    for path in (tmp_path / "source").rglob("*"):
        path.touch()
        path.chmod(0o700)
    monkeypatch.setattr(module_zip, "SOURCE", tmp_path / "source")
    module_zip.build(facts, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    module_zip.build(StoreFacts("https://portal.example.com", "abc", "other"), tmp_path / "three.zip")
    assert (tmp_path / "one.zip").read_bytes() != (tmp_path / "three.zip").read_bytes()


def test_the_zip_holds_one_folder_with_every_file_and_nothing_else(tmp_path: Path) -> None:
    module_zip.build(None, tmp_path / "module.zip")
    with zipfile.ZipFile(tmp_path / "module.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"odooconnector/{path.relative_to(MODULE).as_posix()}" for path in FILES]
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        suffixes = {Path(name).suffix for name in archive.namelist()}
        assert archive.read("odooconnector/connection.php") == (MODULE / "connection.php").read_bytes()
    assert suffixes == {".php", ".tpl", ".xml", ".png"}


@pytest.mark.parametrize("secret", ["plain", "it's", "back\\slash", "\\'", "end\\", "'];exit;//", "${x}", "<?php"])
def test_any_secret_is_filled_in_as_it_is(secret: str, tmp_path: Path) -> None:
    module = unpacked(tmp_path, StoreFacts("https://portal.example.com/", "abc", secret))
    shop = StubShop(tmp_path, module=module)
    shop.request(["install"])
    assert shop.configuration["ODOOCONNECTOR_SECRET"] == secret
    assert shop.configuration["ODOOCONNECTOR_URL"] == "https://portal.example.com"
    assert shop.configuration["ODOOCONNECTOR_STORE"] == "abc"


def test_what_came_last_counts_a_new_download_or_what_was_typed(tmp_path: Path) -> None:
    first = unpacked(tmp_path / "1", StoreFacts("https://portal.example.com", "abc", "first"))
    second = unpacked(tmp_path / "2", StoreFacts("https://portal.example.com", "abc", "second"))
    shop = StubShop(tmp_path, module=first)
    shop.request(["install"])
    shop.connect("https://portal.example.com", "abc", "typed")
    shop.request(["page"])
    assert shop.configuration["ODOOCONNECTOR_SECRET"] == "typed"
    shop.module = second
    shop.request(["page"])
    assert shop.configuration["ODOOCONNECTOR_SECRET"] == "second"


def test_installing_registers_the_hooks_and_makes_two_tables(shop: StubShop) -> None:
    installed, registered = shop.request(["install"])[0]
    assert installed is True
    assert len(registered) == 35
    assert {"actionobjectstockavailableupdateafter", "actionobjectorderslipaddafter", "actionorderstatuspostupdate",
            "actionobjectordercarrierupdateafter"} <= set(registered)
    assert [row["name"] for row in shop.request(["sql", TABLES])[0]] == ["ps_odooconnector_outbox", "ps_odooconnector_state"]


def test_an_update_adds_what_is_missing_and_keeps_what_waits(shop: StubShop) -> None:
    shop.request(["hooks", [saved("Order", 5)]])
    shop.request(["sql", "DROP TABLE ps_odooconnector_state"])
    assert shop.request(["upgrade"]) == [True]
    assert shop.rows() == ["order 5"]
    assert [row["name"] for row in shop.request(["sql", TABLES])[0]] == ["ps_odooconnector_outbox", "ps_odooconnector_state"]


def test_uninstalling_removes_its_tables_and_settings_and_nothing_else(shop: StubShop) -> None:
    shop.configuration["PS_SHOP_NAME"] = "Mine"
    shop.request(["sql", "CREATE TABLE ps_orders (id_order INTEGER)"])
    assert shop.request(["uninstall"]) == [True]
    assert [row["name"] for row in shop.request(["sql", TABLES])[0]] == ["ps_orders"]
    assert shop.configuration == {"PS_SHOP_NAME": "Mine"}
