"""A service that makes its own tokens, the way most tutorials write it: a form with a name and a password at /token, a JWT
signed with a secret, a refresh route, and routes that want `Authorization: Bearer …`.

Nothing in it knows of Porchlight. It is what Porchlight is put in front of with `login: 'token-api'`.
"""

import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from pydantic import BaseModel

# A secret of its own for each start unless one is given: tokens then end with the process.
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_hex(32)
ACCESS_SECONDS = int(os.environ.get("ACCESS_SECONDS", "900"))
REFRESH_SECONDS = int(os.environ.get("REFRESH_SECONDS", "604800"))

app = FastAPI(title="Shop")
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")
hasher = PasswordHash.recommended()


class User(BaseModel):
    username: str
    email: str
    full_name: str
    admin: bool = False
    disabled: bool = False


class Tokens(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"


class AccessToken(BaseModel):
    access_token: str
    token_type: str = "bearer"


class RefreshRequest(BaseModel):
    refresh_token: str


# Stands in for a database.
users = {
    "ada": User(username="ada", email="ada@example.org", full_name="Ada Lovelace", admin=True),
    "grace": User(username="grace", email="grace@example.org", full_name="Grace Hopper"),
    "mallory": User(username="mallory", email="mallory@example.org", full_name="Mallory", disabled=True),
}
hashes = {name: hasher.hash(f"{name} keeps a lantern") for name in users}
# Verified for names that nobody has, so that an answer takes as long as any other.
NOBODYS_HASH = hasher.hash(secrets.token_hex(16))


def make_token(username: str, kind: str, seconds: int) -> str:
    claims = {"sub": username, "kind": kind, "jti": secrets.token_hex(8), "exp": datetime.now(UTC) + timedelta(seconds=seconds)}
    return jwt.encode(claims, SECRET_KEY, "HS256")


def user_of(token: str, kind: str) -> User:
    refused = HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
    try:
        claims = jwt.decode(token, SECRET_KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError as error:
        raise refused from error
    user = users.get(claims["sub"])
    if claims.get("kind") != kind or user is None or user.disabled:
        raise refused
    return user


def current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> User:
    return user_of(token, "access")


CurrentUser = Annotated[User, Depends(current_user)]


@app.post("/token")
def sign_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Tokens:
    right = hasher.verify(form.password, hashes.get(form.username, NOBODYS_HASH))
    user = users.get(form.username)
    if not right or user is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Incorrect username or password", {"WWW-Authenticate": "Bearer"})
    if user.disabled:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "This account is disabled")
    return Tokens(
        access_token=make_token(user.username, "access", ACCESS_SECONDS),
        refresh_token=make_token(user.username, "refresh", REFRESH_SECONDS),
    )


@app.post("/token/refresh")
def refresh(request: RefreshRequest) -> AccessToken:
    """Gives a new access token and no new refresh token: the old one goes on until it ends."""
    user = user_of(request.refresh_token, "refresh")
    return AccessToken(access_token=make_token(user.username, "access", ACCESS_SECONDS))


@app.get("/users/me")
def read_me(user: CurrentUser) -> User:
    return user


@app.get("/orders")
def list_orders(user: CurrentUser) -> list[dict[str, str]]:
    return [{"item": "a lantern", "for": user.username}]


@app.get("/healthz")
def health() -> dict[str, bool]:
    return {"ok": True}
