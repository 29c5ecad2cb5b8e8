"""Keys made from the one secret: sealing what must not be read in the database, hashing what must
be found in it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NONCE_BYTES = 12


class SealError(Exception):
    """What was sealed cannot be opened: another key, another company, or another purpose."""


class Keyring:
    """One key per purpose, all derived from the installation's secret.

    While the secret is exchanged there are several: the first one makes, every one of them opens.
    """

    def __init__(self, secret: str, *others: str) -> None:
        """Take the secret that stands outside the database, and those that are accepted beside."""
        self._secrets = [one.encode() for one in (secret, *others)]

    def seal(self, plain: str, *, purpose: str) -> bytes:
        """Encrypt a text (AES-256-GCM). It opens only for the same purpose, such as
        `refresh_token/7`.
        """
        return self.seal_bytes(plain.encode(), purpose=purpose)

    def seal_bytes(self, plain: bytes, *, purpose: str) -> bytes:
        """Encrypt bytes, as `seal` does a text."""
        nonce = os.urandom(_NONCE_BYTES)
        body = AESGCM(self._key("seal")).encrypt(nonce, plain, purpose.encode())
        return _VERSION + nonce + body

    def open(self, sealed: bytes, *, purpose: str) -> str:
        """Decrypt what `seal` gave.

        Raises:
            SealError: it was sealed by another key or for another purpose, or was changed.
        """
        return self.open_bytes(sealed, purpose=purpose).decode()

    def open_bytes(self, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt what `seal_bytes` gave.

        Raises:
            SealError: as in `open`.
        """
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for secret in self._secrets:
            try:
                key = _derived(secret, "seal")
                return AESGCM(key).decrypt(nonce, body, purpose.encode())
            except InvalidTag:
                continue
        raise SealError(f"cannot open {purpose.split('/')[0]}: wrong key or wrong row")

    def realm_hash(self, realm_id: str) -> bytes:
        """Give the keyed hash by which a company is found without storing its id."""
        return self.realm_hashes(realm_id)[0]

    def realm_hashes(self, realm_id: str) -> list[bytes]:
        """Give the hash under every key, the one that is stored from now on first."""
        return [
            hmac.digest(_derived(secret, "realm"), realm_id.encode(), "sha256")
            for secret in self._secrets
        ]

    def portal_token(self, realm_no: int, job_id: int, serial: int) -> str:
        """Give the token of a portal link. It is made again when needed and stored nowhere."""
        return self.portal_tokens(realm_no, job_id, serial)[0]

    def portal_tokens(self, realm_no: int, job_id: int, serial: int) -> list[str]:
        """Give the token under every key, that of a new link first."""
        named = f"{realm_no}/{job_id}/{serial}".encode()
        made = [hmac.digest(_derived(one, "portal"), named, "sha256") for one in self._secrets]
        return [base64.urlsafe_b64encode(mac[:24]).decode() for mac in made]

    def _key(self, purpose: str) -> bytes:
        return _derived(self._secrets[0], purpose)


def _derived(secret: bytes, purpose: str) -> bytes:
    made = HKDF(algorithm=SHA256(), length=32, salt=b"milestone-sync", info=purpose.encode())
    return made.derive(secret)


def token_hash(token: str) -> bytes:
    """Give the hash under which a random token is stored: it has too much chance in it to be
    guessed back.
    """
    return hashlib.sha256(token.encode()).digest()
