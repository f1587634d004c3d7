"""Passwords as bcrypt hashes, and which passwords are taken.

bcrypt reads no more than 72 bytes of a password. A longer one is refused, where it is chosen: hashing it with something
else beforehand would bring zero bytes and hashes that were stolen elsewhere into play, as OWASP's Password Storage
Cheat Sheet warns. What is typed is brought to Unicode's NFKC form, so that one password is the same on every keyboard.
"""

from __future__ import annotations

import re
import unicodedata

MIN_PASSWORD = 8  # characters
MAX_PASSWORD_BYTES = 72  # of UTF-8
_ROUNDS = 12  # 2**12 steps: a quarter of a second on one free core
_HASH = re.compile(r"\$2[aby]\$(?:1[0-6])\$[./A-Za-z0-9]{53}")
_SALT_OF_NOBODY = f"$2b${_ROUNDS}$".encode() + b"." * 22


def fault_of(password: str, name: str = "") -> str:
    """Why a password cannot be taken for the user ``name``, as the end of a sentence; '' where it can."""
    if len(_normal(password)) < MIN_PASSWORD:
        return f"a password of fewer than {MIN_PASSWORD} characters"
    if len(_bytes(password)) > MAX_PASSWORD_BYTES:
        return f"a password of more than {MAX_PASSWORD_BYTES} bytes, of which bcrypt would not read the end"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in password):
        return "a password with a control character"
    if name and _normal(password).casefold() == _normal(name).casefold():
        return "the name as its password"
    return ""


def hash_password(password: str) -> str:
    """The bcrypt hash of a password without a fault; takes a quarter of a second on purpose."""
    import bcrypt

    return bcrypt.hashpw(_bytes(password), bcrypt.gensalt(_ROUNDS)).decode("ascii")


def is_hash(text: str) -> bool:
    """Whether ``text`` is a bcrypt hash of at least 2**10 steps, and few enough to be checked."""
    return _HASH.fullmatch(text) is not None


def matches(password: str, hashed: str | None) -> bool:
    """Whether ``hashed`` is the hash of ``password``; without one False, after the same work."""
    import bcrypt

    typed = _bytes(password)
    read = typed[:MAX_PASSWORD_BYTES]
    if hashed is None:
        bcrypt.hashpw(read, _SALT_OF_NOBODY)
        return False
    return bcrypt.checkpw(read, hashed.encode("ascii")) and read == typed


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "replace")
