"""Makes one person for each way in which Django and FastAPI Users hash, at their usual cost."""

import sqlite3

import argon2
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

HASHERS = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"]


def password_of(name: str) -> str:
    return f"{name} keeps a lántern"


for name in HASHERS:
    password = make_password(password_of(name), hasher=name)
    User(username=name, email=f"{name}@example.org", password=password, is_superuser=name == "scrypt").save()
User(username="gone", email="gone@example.org", password=make_password(password_of("gone")), is_active=False).save()
User(username="linked", email="Linked@Example.org", first_name="Lin", password=make_password(None)).save()
User(username="nobody", email="").save()

with sqlite3.connect("app.db") as db:
    db.execute("CREATE TABLE user (email TEXT, hashed_password TEXT, is_active BOOLEAN, is_superuser BOOLEAN)")
    row = ("fastapi@example.org", argon2.PasswordHasher().hash(password_of("fastapi")), True, False)
    db.execute("INSERT INTO user VALUES (?, ?, ?, ?)", row)
