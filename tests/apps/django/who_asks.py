import os

import jwt

ISSUER = os.environ["PORCHLIGHT_URL"]
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")


class WhoAsks:
    """Middleware: puts the claims about the person into `request.person`; None: nobody is signed in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        request.person = None
        if scheme == "Bearer":
            key = keys.get_signing_key_from_jwt(token)
            request.person = jwt.decode(token, key, algorithms=["ES256"], audience="shop", issuer=ISSUER)
        return self.get_response(request)
