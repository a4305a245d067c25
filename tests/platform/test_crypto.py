"""Secrets at rest: what is encrypted, with which key, and what is kept instead of a word."""

from __future__ import annotations

import re

import pytest

from portal import crypto, logs
from portal.crypto import Cipher, Encrypted, UndecryptableError

OLD, NEW = "the former secret of this installation", "the present secret of this installation"


def test_what_is_encrypted_can_be_read_with_the_same_key_only() -> None:
    token = Cipher([OLD]).encrypt("schlüssel")
    assert "schl" not in token
    assert Cipher([OLD]).decrypt(token) == "schlüssel"
    with pytest.raises(UndecryptableError, match="PORTAL_SECRET_KEY") as caught:
        Cipher([NEW]).decrypt(token)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "the traceback names no token"


def test_two_encryptions_of_one_word_differ_and_a_changed_one_is_refused() -> None:
    cipher = Cipher([OLD])
    token = cipher.encrypt("word")
    assert token != cipher.encrypt("word")
    with pytest.raises(UndecryptableError):
        cipher.decrypt(token[:-4] + "AAA=")


def test_the_first_key_writes_and_every_key_reads() -> None:
    before = Cipher([OLD]).encrypt("word")
    both = Cipher([NEW, OLD])
    assert both.decrypt(before) == "word"
    assert Cipher([NEW]).decrypt(both.encrypt("word")) == "word"


def test_the_stored_form_is_that_of_every_version() -> None:
    """Another derivation would make every stored key unreadable, and lose every person that is looked up by e-mail."""
    stored = "gAAAAABrB91eV_NEiZtVdP590Crs5clvITV6oRqT7JJffG1-JUwc8w4CqKdo7MSs5rpR8nc14IH5aSEwO1MIrh2ThQ_fj0fJIQ=="
    assert Cipher([OLD]).decrypt(stored) == "word"
    assert Cipher([OLD]).digests("ada@example.com") == ["86076ba2e4adbe38dfef743e4115a446909663a2807af96ad108c6a32889bb82"]
    assert crypto.digest("token") == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"


def test_digests_of_former_keys_come_after_the_present_one() -> None:
    crypto.use_keys([NEW, OLD])
    assert crypto.keyed_digests("ada@example.com") == [*Cipher([NEW]).digests("ada@example.com"),
                                                       *Cipher([OLD]).digests("ada@example.com")]
    assert Cipher([OLD]).digests("ada") != Cipher([OLD]).digests("bob")
    crypto.use_keys([OLD])
    assert crypto.keyed_digests("x") == Cipher([OLD]).digests("x"), "the keys before are forgotten"


@pytest.mark.parametrize("word", ["\ud800", "ü", ""])
def test_no_word_is_too_odd_to_be_looked_up(word: str) -> None:
    assert re.fullmatch("[0-9a-f]{64}", crypto.digest(word))
    assert re.fullmatch("[0-9a-f]{64}", Cipher([OLD]).digests(word)[0])


def test_a_column_is_encrypted_in_the_database_plain_in_python_and_hidden_in_logs() -> None:
    crypto.use_keys([NEW])
    column = Encrypted()
    stored = column.process_bind_param("a-key-of-the-shop", None)
    assert stored is not None
    assert "a-key-of-the-shop" not in stored
    assert "a-key-of-the-shop" not in logs.without_secrets("it is a-key-of-the-shop")
    logs._known.clear()
    assert column.process_result_value(stored, None) == "a-key-of-the-shop"
    assert "a-key-of-the-shop" not in logs.without_secrets("it is a-key-of-the-shop")
    assert column.process_bind_param(None, None) is None
    assert column.process_result_value(None, None) is None


def test_tokens_are_random_and_long_enough() -> None:
    tokens = {crypto.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens), "256 bits"
