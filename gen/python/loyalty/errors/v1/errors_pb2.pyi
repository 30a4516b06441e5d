from loyalty.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class AppErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APP_ERROR_CODE_UNSPECIFIED: _ClassVar[AppErrorCode]
    VALIDATION_FAILED: _ClassVar[AppErrorCode]
    INVALID_CREDENTIALS: _ClassVar[AppErrorCode]
    TOKEN_MISSING: _ClassVar[AppErrorCode]
    TOKEN_INVALID: _ClassVar[AppErrorCode]
    TOKEN_EXPIRED: _ClassVar[AppErrorCode]
    TOKEN_REVOKED: _ClassVar[AppErrorCode]
    TOKEN_REUSED: _ClassVar[AppErrorCode]
    ACCOUNT_DEACTIVATED: _ClassVar[AppErrorCode]
    FORBIDDEN: _ClassVar[AppErrorCode]
    NOT_FOUND: _ClassVar[AppErrorCode]
    METHOD_NOT_ALLOWED: _ClassVar[AppErrorCode]
    USER_EXISTS: _ClassVar[AppErrorCode]
    PROMOTION_EXISTS: _ClassVar[AppErrorCode]
    PROMOTION_NOT_ACTIVE: _ClassVar[AppErrorCode]
    PROMOTION_EXPIRED: _ClassVar[AppErrorCode]
    PROMOTION_NOT_STARTED: _ClassVar[AppErrorCode]
    PROMOTION_ALREADY_CLAIMED: _ClassVar[AppErrorCode]
    INSUFFICIENT_FUNDS: _ClassVar[AppErrorCode]
    IDEMPOTENCY_MISMATCH: _ClassVar[AppErrorCode]
    PAYLOAD_TOO_LARGE: _ClassVar[AppErrorCode]
    UNSUPPORTED_MEDIA_TYPE: _ClassVar[AppErrorCode]
    RATE_LIMITED: _ClassVar[AppErrorCode]
    INTERNAL: _ClassVar[AppErrorCode]
    DEPENDENCY_UNAVAILABLE: _ClassVar[AppErrorCode]
    PASSWORD_TOO_WEAK: _ClassVar[AppErrorCode]
    REQUEST_TIMEOUT: _ClassVar[AppErrorCode]
    MFA_REQUIRED: _ClassVar[AppErrorCode]
    MFA_CODE_INVALID: _ClassVar[AppErrorCode]
    TRANSACTION_NOT_REVERSIBLE: _ClassVar[AppErrorCode]
    TRANSACTION_ALREADY_REVERSED: _ClassVar[AppErrorCode]
    MFA_ALREADY_ACTIVE: _ClassVar[AppErrorCode]
    PROMOTION_STATE_CONFLICT: _ClassVar[AppErrorCode]
    RESTRICTION_LOCKED: _ClassVar[AppErrorCode]
    PLAYER_RESTRICTED: _ClassVar[AppErrorCode]
    ASSIGNMENT_REVOKED: _ClassVar[AppErrorCode]
    ASSIGNMENT_EXPIRED: _ClassVar[AppErrorCode]
    PROMOTION_EXHAUSTED: _ClassVar[AppErrorCode]
    JOB_STATE_CONFLICT: _ClassVar[AppErrorCode]
APP_ERROR_CODE_UNSPECIFIED: AppErrorCode
VALIDATION_FAILED: AppErrorCode
INVALID_CREDENTIALS: AppErrorCode
TOKEN_MISSING: AppErrorCode
TOKEN_INVALID: AppErrorCode
TOKEN_EXPIRED: AppErrorCode
TOKEN_REVOKED: AppErrorCode
TOKEN_REUSED: AppErrorCode
ACCOUNT_DEACTIVATED: AppErrorCode
FORBIDDEN: AppErrorCode
NOT_FOUND: AppErrorCode
METHOD_NOT_ALLOWED: AppErrorCode
USER_EXISTS: AppErrorCode
PROMOTION_EXISTS: AppErrorCode
PROMOTION_NOT_ACTIVE: AppErrorCode
PROMOTION_EXPIRED: AppErrorCode
PROMOTION_NOT_STARTED: AppErrorCode
PROMOTION_ALREADY_CLAIMED: AppErrorCode
INSUFFICIENT_FUNDS: AppErrorCode
IDEMPOTENCY_MISMATCH: AppErrorCode
PAYLOAD_TOO_LARGE: AppErrorCode
UNSUPPORTED_MEDIA_TYPE: AppErrorCode
RATE_LIMITED: AppErrorCode
INTERNAL: AppErrorCode
DEPENDENCY_UNAVAILABLE: AppErrorCode
PASSWORD_TOO_WEAK: AppErrorCode
REQUEST_TIMEOUT: AppErrorCode
MFA_REQUIRED: AppErrorCode
MFA_CODE_INVALID: AppErrorCode
TRANSACTION_NOT_REVERSIBLE: AppErrorCode
TRANSACTION_ALREADY_REVERSED: AppErrorCode
MFA_ALREADY_ACTIVE: AppErrorCode
PROMOTION_STATE_CONFLICT: AppErrorCode
RESTRICTION_LOCKED: AppErrorCode
PLAYER_RESTRICTED: AppErrorCode
ASSIGNMENT_REVOKED: AppErrorCode
ASSIGNMENT_EXPIRED: AppErrorCode
PROMOTION_EXHAUSTED: AppErrorCode
JOB_STATE_CONFLICT: AppErrorCode
