"""Changes of passwords. The credentials of a client belong to Anna. Its next login must use her current password."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import login_answer
from server import USER, Answer, Server, problem

LOGIN, PASSWORD, ME = "/api/v1/auth/login", "/api/v1/users/me/password", "/api/v1/users/me"
ANNA, BEN = "anna@example.com", "ben@example.com"


@pytest.mark.parametrize(
    ("login_as", "current", "want"),
    [
        pytest.param("", "old", "new", id="stored tokens of the account"),
        pytest.param("", "other", "old", id="stored tokens of another account"),
        pytest.param(ANNA, "old", "new", id="login"),
        pytest.param("Anna@Example.com", "old", "new", id="login with another case"),
        pytest.param(ANNA, "changed elsewhere", "new", id="outdated credentials"),
        pytest.param(BEN, "other", "old", id="another account"),
        pytest.param(BEN, "old", "old", id="another account with the same password"),
    ],
)
def test_the_next_login(server: Server, connect: Any, login_as: str, current: str, want: str) -> None:
    server.on(PASSWORD, Answer(204))
    server.on(LOGIN, login_answer(2))
    server.on("/api/v1/auth/logout", problem(401, "TOKEN_REVOKED"))
    server.on(ME, Answer(200, USER))
    client = connect(credentials=(ANNA, "old"))
    if login_as:
        client.login(email=login_as, password=current)
    client.change_my_password(current_password=current, new_password="new")
    client.logout()
    client.get_me()
    assert server.received(LOGIN)[-1].body == {"email": ANNA, "password": want, "refreshTokenIn": "BODY"}
