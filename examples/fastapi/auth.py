"""Who is calling: the one part that an API needs to stand behind Porchlight.

Every request arrives with a short-lived JWT access token (RFC 9068) that Porchlight made for this API.
It is checked with the issuer's published keys, so no secret is shared and nobody is asked over the network.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

# The public address of the site. Where the keys are fetched may differ: inside a network it often does.
ISSUER = os.environ.get("ISSUER", "http://localhost:3000")
AUDIENCE = os.environ.get("AUDIENCE", "orders")
JWKS_URL = os.environ.get("JWKS_URL", f"{ISSUER}/.well-known/jwks.json")

# Asymmetric ones only, chosen here and never by the token.
ALGORITHMS = ["ES256", "RS256"]
TOKEN_TYPE = "at+jwt"
CLOCK_SKEW_SECONDS = 5

# Keeps the keys for five minutes, and looks again at most every five seconds when a token names one it does not know.
keys = jwt.PyJWKClient(JWKS_URL, lifespan=300, timeout=5, cooldown_duration=5)
bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


@dataclass(frozen=True)
class User:
    """Whoever the token speaks for. `id` never changes, whatever happens to names and addresses."""

    id: str
    roles: frozenset[str]


# Not async: fetching keys blocks, and FastAPI runs plain functions on threads of their own.
def current_user(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> User:
    if credentials is None:
        raise unauthorized()
    try:
        key = keys.get_signing_key_from_jwt(credentials.credentials)
        token = jwt.decode_complete(
            credentials.credentials,
            key,
            algorithms=ALGORITHMS,
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["iss", "aud", "sub", "exp", "iat"]},
        )
    except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, json.JSONDecodeError) as error:
        # Not the caller's fault: the browser must not take this for being signed out.
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "The signing keys cannot be fetched just now.") from error
    except jwt.PyJWTError as error:
        raise unauthorized(type(error).__name__) from error

    # The same issuer signs other kinds of tokens; only this kind opens an API (RFC 9068 §4).
    if str(token["header"].get("typ", "")).lower().removeprefix("application/") != TOKEN_TYPE:
        raise unauthorized("WrongTokenType")
    roles = token["payload"].get("roles", [])
    return User(id=token["payload"]["sub"], roles=frozenset(roles if isinstance(roles, list) else []))


CurrentUser = Annotated[User, Depends(current_user)]


def require_role(role: str) -> Callable[[User], User]:
    """A dependency that lets through whoever has the role: `Depends(require_role("admin"))`."""

    def check(user: CurrentUser) -> User:
        if role not in user.roles:
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"This needs the role {role!r}.")
        return user

    return check


def unauthorized(error: str | None = None) -> HTTPException:
    """RFC 6750 §3: an error is named only where a token was sent."""
    challenge = 'Bearer realm="orders"'
    if error is not None:
        challenge += f', error="invalid_token", error_description="{error}"'
    return HTTPException(status.HTTP_401_UNAUTHORIZED, "A valid access token is needed.", {"WWW-Authenticate": challenge})
