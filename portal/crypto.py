"""Encryption at rest and tokens. Secrets are Fernet-encrypted with keys derived from `PORTAL_SECRET_KEY`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import String
from sqlalchemy.types import TypeDecorator

from portal.logs import hide


class UndecryptableError(Exception):
    """A stored secret was written with a key that is no longer configured."""


class Cipher:
    """Encrypts with the first key and decrypts with any of them, so that keys can be rotated."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])
        self._digest_keys = [_derive(key, b"odoo-connector search") for key in keys]

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise UndecryptableError(
                "A stored key cannot be read with PORTAL_SECRET_KEY. Restore the former secret "
                "(it may stand second, after a comma) or enter the shop's and Odoo's keys again."
            ) from None

    def digests(self, text: str) -> list[str]:
        return [hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex() for key in self._digest_keys]


_cipher: list[Cipher] = []


def use_keys(keys: Sequence[str]) -> None:
    """Set the keys of this process; called once where the program starts."""
    _cipher[:] = [Cipher(keys)]


class Encrypted(TypeDecorator[str]):
    """A text column that is encrypted in the database and plain in Python. What passes here is hidden in every log."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        if value is None:
            return None
        hide(value)
        return _cipher[0].encrypt(value)

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        if value is None:
            return None
        secret = _cipher[0].decrypt(value)
        hide(secret)
        return secret


def new_token() -> str:
    """A random token of 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored and looked up instead of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_digests(text: str) -> list[str]:
    """What is kept of a personal word such as an e-mail address: equal for equal words, and nobody without the key can try
    words out. The first is the one to store; the others are those that former keys made."""
    return _cipher[0].digests(text)


def _derive(key: str, purpose: bytes = b"odoo-connector at rest") -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose)
    return base64.urlsafe_b64encode(hkdf.derive(key.encode()))
