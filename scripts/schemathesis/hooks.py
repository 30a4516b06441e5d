"""Logs in as the role under test, gives requests ids and secrets that exist, and explains the answers that the documents
cannot predict.

Two checks of Schemathesis are replaced by ours, which call them and then look up the reason of the answer in the lists below.
Everything else is reported.

Schemathesis also warns of operations whose answers are mostly refusals. These warnings are expected:
- 401 and 403: the role may not call the operation, or its refresh token or password is random.
- 404: the user has no second factor, the session has ended, or no anomaly was found.
- 400: random texts have characters that are refused, see the rules below, and random passwords are guessable.
- 429: a random password or code counts as a failed login.
"""

import json
import os
import urllib.request
import uuid
import zlib

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

API = os.environ["LOYALTY_API"] + "/api/v1"
ROLE = os.environ["LOYALTY_ROLE"]
ADMIN = {"email": "admin@example.com", "password": os.environ["LOYALTY_ADMIN_PASSWORD"]}

# Rules that refuse requests which the document allows, by the field of the violation. "" means every field.
EXPLAINED_RULES = {
    # A page token is opaque: the document cannot say which texts are tokens.
    ("page_token", "page_token"),
    # Control characters, and characters that reorder text, are refused everywhere. A pattern for them would hide the meaning of
    # the fields, and most client generators ignore it.
    ("", "text"),
    # The times of the audit trail are texts, which the document describes in words.
    ("from", "timestamp"),
    ("to", "timestamp"),
    # A title is one line. A pattern for it would hide the meaning, too.
    ("title", "string.one_line"),
    # A required text must have a visible character; the document can only say that it must not be empty. And the body must have the
    # members that a mask names.
    ("", "required"),
    # The length of a password counts after normalization, and some characters are refused.
    ("password", "length"),
    ("password", "characters"),
    ("newPassword", "length"),
    ("newPassword", "characters"),
    # The end must not be before the start. JSON Schema cannot compare members.
    ("startDate", "period"),
    ("endDate", "period"),
    ("to", "period"),
    # A draft is not active. A condition between two members would give most client generators a union type.
    ("isActive", "promotion.draft"),
    # One of two members. With oneOf, generated clients would get a union type for a simple message.
    ("", "ids_or_all"),
}
# The password is common or guessable.
EXPLAINED_CODES = {"PASSWORD_TOO_WEAK"}


def call(path, token=None, body=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(API + path, body and json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def log_in(user):
    return start_session(user)["accessToken"]


def start_session(user):
    return call("/auth/login", body={**user, "refreshTokenIn": "BODY"})


def new_user(role):
    """Returns the credentials of a user of its own for each run, because operations under test end sessions."""
    if role == "admin":
        return ADMIN
    user = {"email": f"{uuid.uuid4()}@example.com", "password": uuid.uuid4().hex}
    if role == "staff":
        call("/auth/register-staff", log_in(ADMIN), user)
    else:
        call("/auth/register", body=user)
    return user


def new_promotion(player_id):
    """Creates a promotion and assigns it to a player."""
    admin = log_in(ADMIN)
    period = {"startDate": "2026-01-01", "endDate": "2099-12-31"}
    promotion = call("/promotions", admin, {"title": "Schemathesis", "type": "BONUS", "amount": "5", **period})["id"]
    call(f"/promotions/{promotion}/assign", admin, {"player_ids": [player_id]})
    return promotion


def existing_ids(player):
    """Returns the id of a player by the name of the path parameter, and ids of what belongs to the player."""
    token = log_in(player)
    sessions = call("/users/me/sessions", token)["sessions"]
    player_id = call("/users/me", token)["id"]
    promotion = new_promotion(player_id)
    claimed = call("/promotions/claim", token, {"promotion_id": promotion})
    anomalies = call("/anomalies", log_in(ADMIN))["anomalies"]
    return {
        "user_id": player_id,
        "player_id": player_id,
        "session_id": next(s["id"] for s in sessions if s["current"]),
        "promotion_id": promotion,
        "transaction_id": claimed["transaction"]["id"],
        **({"anomaly_id": anomalies[0]["id"]} if anomalies else {}),
    }


USER = new_user(ROLE)
# The operations under test also deactivate this player, so it is another user unless the role has no such operations.
PLAYER = USER if ROLE == "player" else new_user("player")
IDS = existing_ids(PLAYER)
UNCLAIMED = new_promotion(IDS["player_id"])


@schemathesis.auth(refresh_interval=120)
class AccessToken:
    """The access token of the user. It is valid for ten minutes."""

    def get(self, case, context):
        return log_in(USER)

    def set(self, case, data, context):
        case.headers["Authorization"] = "Bearer " + data


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives half of the valid requests ids and secrets that exist. Generated ones reach only the refusals."""
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    content = json.dumps([case.path_parameters, case.query, case.body], default=str, sort_keys=True)
    if not valid or zlib.crc32(content.encode()) % 2:
        return
    for name in case.path_parameters.keys() & IDS.keys():
        case.path_parameters[name] = IDS[name]
    if not isinstance(case.body, dict):
        return
    body, path = case.body, case.path.removeprefix("/api/v1")
    if path in ("/auth/register", "/auth/register-staff"):
        body["password"] = uuid.uuid4().hex  # it is not guessable
    elif path == "/auth/login":
        body |= USER
    elif path in ("/auth/refresh", "/auth/logout"):
        body["refreshToken"] = start_session(USER)["refreshToken"]
    elif path == "/users/me/password" and USER is not ADMIN:  # the next run needs the admin's password
        body |= {"currentPassword": USER["password"], "newPassword": uuid.uuid4().hex}
    elif path == "/promotions/claim":
        body["promotion_id"] = UNCLAIMED
    elif path.endswith("/assign"):
        body["player_ids"][0] = IDS["player_id"]


@schemathesis.hook
def after_call(context, case, response):
    """Keeps a changed password."""
    if case.path.endswith("/users/me/password") and response.status_code == 204:
        USER["password"] = case.body["newPassword"]


@schemathesis.check
def valid_request_accepted(ctx, response, case):
    """A request that the document allows is accepted, unless a reason above explains the refusal."""
    try:
        return positive_data_acceptance(ctx, response, case)
    except Failure:
        if not refusal_explained(response):
            raise


def refusal_explained(response):
    problem = response.json()
    if problem["code"] in EXPLAINED_CODES:
        return True
    violations = problem.get("violations", [])
    return bool(violations) and all(
        {(v["field"].split("[")[0], v["rule"]), ("", v["rule"])} & EXPLAINED_RULES for v in violations
    )


@schemathesis.check
def invalid_request_refused(ctx, response, case):
    """A request that the document does not allow is refused, unless it is one of the harmless forms below."""
    try:
        return negative_data_rejection(ctx, response, case)
    except Failure:
        if not (null_member(case) or empty_filter(case) or outside_mask(case)):
            raise


def null_member(case):
    """A null member is the same as an absent one, as in the JSON mapping of protobuf."""
    return case.body is None or isinstance(case.body, dict) and None in case.body.values()


def empty_filter(case):
    """An empty text in a filter is no filter: forms send all their fields."""
    return any((case.query or {}).get(name) == "" for name in ("from", "to", "actor", "target"))


def outside_mask(case):
    """Members that the mask does not name are ignored."""
    mask = (case.query or {}).get("update_mask")
    return isinstance(mask, str) and isinstance(case.body, dict) and not set(case.body) <= set(mask.split(","))
