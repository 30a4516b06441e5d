"""Logs in as the role under test, and explains the answers that the documents cannot predict.

Two checks of Schemathesis are replaced by ours, which call them and then look up the reason of the answer in the lists below.
Everything else is reported.
"""

import json
import os
import urllib.request
import uuid

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

API = os.environ["LOYALTY_API"] + "/api/v1"
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
    # One of two members. With oneOf, generated clients would get a union type for a simple message.
    ("", "ids_or_all"),
}
# The password is common or guessable.
EXPLAINED_CODES = {"PASSWORD_TOO_WEAK"}


def post(path, body, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(API + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def log_in(user):
    return post("/auth/login", {**user, "refreshTokenIn": "BODY"})["accessToken"]


def new_user(role):
    """Returns the credentials of a user of its own for each run, because operations under test end sessions."""
    if role == "admin":
        return ADMIN
    user = {"email": f"{uuid.uuid4()}@example.com", "password": uuid.uuid4().hex}
    if role == "staff":
        post("/auth/register-staff", user, log_in(ADMIN))
    else:
        post("/auth/register", user)
    return user


USER = new_user(os.environ["LOYALTY_ROLE"])


@schemathesis.auth(refresh_interval=120)
class AccessToken:
    """The access token of the user. It is valid for ten minutes."""

    def get(self, case, context):
        return log_in(USER)

    def set(self, case, data, context):
        case.headers["Authorization"] = "Bearer " + data


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives half of the valid registrations a password that is not guessable. Generated passwords are mostly too short."""
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    if valid and "/auth/register" in case.path and len(case.body["password"]) % 2:
        case.body["password"] = uuid.uuid4().hex


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
