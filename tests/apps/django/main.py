"""A Django site whose pages know who asks, by the token that comes with every request. Run: python main.py PORT"""

import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import format_html

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    APPEND_SLASH=True,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "who_asks.WhoAsks",
    ],
)
django.setup()

wishes = {}


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<script type="module" src="/_porchlight/client.js"></script></head>
<body><h1>Shop</h1><p id="who">{}</p><p id="wish">{}</p><p id="answers"></p>
<a id="in" href="/members">Sign in</a>
<button id="out" onclick="porchlight.signOut().then(() => location.assign('/'))">Sign out</button>
<button id="load">Load</button>
<form method="post" action="/"><input type="hidden" name="csrfmiddlewaretoken" value="{}"><input name="wish"><button>Wish</button></form>
<script type="module">
document.getElementById('load').onclick = async () => {{
  const calls = ['/api/orders', '/api/stock', '/api/cart'].map(async path => {{
    const answer = await porchlight.fetch(path)
    return `${{path}} ${{answer.status}} ${{answer.ok ? (await answer.json()).audience : ''}}`.trim()
  }})
  document.getElementById('answers').textContent = (await Promise.all(calls)).join(', ')
}}
</script></body></html>"""


def shop(request):
    person = request.person
    if request.method == "POST":
        if person is None:
            return HttpResponse(status=401)
        wishes[person["sub"]] = request.POST["wish"]
        return redirect(request.build_absolute_uri("/"))
    name = "nobody" if person is None else person["name"]
    wish = "nothing" if person is None else wishes.get(person["sub"], "nothing")
    return HttpResponse(format_html(PAGE, name, wish, get_token(request)))


def members(request):
    if request.person is None:
        return redirect("/sign-in?returnTo=/members/")
    return HttpResponse(format_html('<h1>Members</h1><p id="member">{}</p>', request.person["name"]))


def cart(request):
    return JsonResponse({"audience": "anybody" if request.person is None else f"cart of {request.person['name']}"})


def old(request):
    return redirect(request.build_absolute_uri("/?moved"))


urlpatterns = [path("", shop), path("members/", members), path("api/cart", cart), path("old", old)]

if __name__ == "__main__":
    execute_from_command_line(["main.py", "runserver", "--noreload", f"127.0.0.1:{sys.argv[1]}"])
