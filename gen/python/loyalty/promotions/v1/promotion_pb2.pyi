import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PromotionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMOTION_TYPE_UNSPECIFIED: _ClassVar[PromotionType]
    WELCOME_BONUS: _ClassVar[PromotionType]
    VIP_PROMOTION: _ClassVar[PromotionType]
    BONUS: _ClassVar[PromotionType]

class PromotionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMOTION_STATE_UNSPECIFIED: _ClassVar[PromotionState]
    DRAFT: _ClassVar[PromotionState]
    SCHEDULED: _ClassVar[PromotionState]
    ACTIVE: _ClassVar[PromotionState]
    PAUSED: _ClassVar[PromotionState]
    EXPIRED: _ClassVar[PromotionState]
    ARCHIVED: _ClassVar[PromotionState]
    EXHAUSTED: _ClassVar[PromotionState]

class DeadlineAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEADLINE_ACTION_UNSPECIFIED: _ClassVar[DeadlineAction]
    REMIND: _ClassVar[DeadlineAction]
    EXPIRE: _ClassVar[DeadlineAction]
PROMOTION_TYPE_UNSPECIFIED: PromotionType
WELCOME_BONUS: PromotionType
VIP_PROMOTION: PromotionType
BONUS: PromotionType
PROMOTION_STATE_UNSPECIFIED: PromotionState
DRAFT: PromotionState
SCHEDULED: PromotionState
ACTIVE: PromotionState
PAUSED: PromotionState
EXPIRED: PromotionState
ARCHIVED: PromotionState
EXHAUSTED: PromotionState
DEADLINE_ACTION_UNSPECIFIED: DeadlineAction
REMIND: DeadlineAction
EXPIRE: DeadlineAction

class Promotion(_message.Message):
    __slots__ = ("id", "title", "description", "is_active", "type", "amount", "start_date", "end_date", "created_at", "updated_at", "state", "draft", "limits", "usage", "code", "terms")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    START_DATE_FIELD_NUMBER: _ClassVar[int]
    END_DATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    description: str
    is_active: bool
    type: PromotionType
    amount: str
    start_date: str
    end_date: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    state: PromotionState
    draft: bool
    limits: PromotionLimits
    usage: PromotionUsage
    code: str
    terms: PromotionTerms
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., is_active: _Optional[bool] = ..., type: _Optional[_Union[PromotionType, str]] = ..., amount: _Optional[str] = ..., start_date: _Optional[str] = ..., end_date: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[PromotionState, str]] = ..., draft: _Optional[bool] = ..., limits: _Optional[_Union[PromotionLimits, _Mapping]] = ..., usage: _Optional[_Union[PromotionUsage, _Mapping]] = ..., code: _Optional[str] = ..., terms: _Optional[_Union[PromotionTerms, _Mapping]] = ...) -> None: ...

class PromotionTerms(_message.Message):
    __slots__ = ("text", "version")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    text: str
    version: int
    def __init__(self, text: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class PromotionLimits(_message.Message):
    __slots__ = ("max_claims", "budget", "max_claims_per_day", "claim_within_hours")
    MAX_CLAIMS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    MAX_CLAIMS_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    CLAIM_WITHIN_HOURS_FIELD_NUMBER: _ClassVar[int]
    max_claims: int
    budget: str
    max_claims_per_day: int
    claim_within_hours: int
    def __init__(self, max_claims: _Optional[int] = ..., budget: _Optional[str] = ..., max_claims_per_day: _Optional[int] = ..., claim_within_hours: _Optional[int] = ...) -> None: ...

class PromotionUsage(_message.Message):
    __slots__ = ("assigned", "claimed", "expired", "revoked", "reserved", "spent")
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    assigned: int
    claimed: int
    expired: int
    revoked: int
    reserved: int
    spent: str
    def __init__(self, assigned: _Optional[int] = ..., claimed: _Optional[int] = ..., expired: _Optional[int] = ..., revoked: _Optional[int] = ..., reserved: _Optional[int] = ..., spent: _Optional[str] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("id", "user_id", "promotion_id", "claimed", "amount", "assigned_by", "created_at", "claimed_at", "transaction_id", "promotion", "state", "expires_at", "revoked_at", "source", "job_id", "terms_version")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Assignment.State]
        ASSIGNED: _ClassVar[Assignment.State]
        CLAIMED: _ClassVar[Assignment.State]
        EXPIRED: _ClassVar[Assignment.State]
        REVOKED: _ClassVar[Assignment.State]
    STATE_UNSPECIFIED: Assignment.State
    ASSIGNED: Assignment.State
    CLAIMED: Assignment.State
    EXPIRED: Assignment.State
    REVOKED: Assignment.State
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[Assignment.Source]
        REGISTRATION: _ClassVar[Assignment.Source]
        STAFF: _ClassVar[Assignment.Source]
        JOB: _ClassVar[Assignment.Source]
        CODE: _ClassVar[Assignment.Source]
    SOURCE_UNSPECIFIED: Assignment.Source
    REGISTRATION: Assignment.Source
    STAFF: Assignment.Source
    JOB: Assignment.Source
    CODE: Assignment.Source
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_AT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    user_id: str
    promotion_id: str
    claimed: bool
    amount: str
    assigned_by: str
    created_at: _timestamp_pb2.Timestamp
    claimed_at: _timestamp_pb2.Timestamp
    transaction_id: str
    promotion: Promotion
    state: Assignment.State
    expires_at: str
    revoked_at: str
    source: Assignment.Source
    job_id: str
    terms_version: int
    def __init__(self, id: _Optional[str] = ..., user_id: _Optional[str] = ..., promotion_id: _Optional[str] = ..., claimed: _Optional[bool] = ..., amount: _Optional[str] = ..., assigned_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claimed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., transaction_id: _Optional[str] = ..., promotion: _Optional[_Union[Promotion, _Mapping]] = ..., state: _Optional[_Union[Assignment.State, str]] = ..., expires_at: _Optional[str] = ..., revoked_at: _Optional[str] = ..., source: _Optional[_Union[Assignment.Source, str]] = ..., job_id: _Optional[str] = ..., terms_version: _Optional[int] = ...) -> None: ...

class ClaimReservation(_message.Message):
    __slots__ = ("id", "user_id", "promotion_id", "amount", "reserved_at", "not_after", "started", "ended", "closed")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    RESERVED_AT_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    id: str
    user_id: str
    promotion_id: str
    amount: str
    reserved_at: _timestamp_pb2.Timestamp
    not_after: _timestamp_pb2.Timestamp
    started: int
    ended: int
    closed: bool
    def __init__(self, id: _Optional[str] = ..., user_id: _Optional[str] = ..., promotion_id: _Optional[str] = ..., amount: _Optional[str] = ..., reserved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started: _Optional[int] = ..., ended: _Optional[int] = ..., closed: _Optional[bool] = ...) -> None: ...

class PromotionCounter(_message.Message):
    __slots__ = ("id", "assigned", "claimed", "expired", "revoked", "spent")
    ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    assigned: int
    claimed: int
    expired: int
    revoked: int
    spent: str
    def __init__(self, id: _Optional[str] = ..., assigned: _Optional[int] = ..., claimed: _Optional[int] = ..., expired: _Optional[int] = ..., revoked: _Optional[int] = ..., spent: _Optional[str] = ...) -> None: ...

class PromotionDay(_message.Message):
    __slots__ = ("promotion_id", "day", "assigned", "claimed", "expired", "revoked", "cost")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    day: str
    assigned: int
    claimed: int
    expired: int
    revoked: int
    cost: str
    def __init__(self, promotion_id: _Optional[str] = ..., day: _Optional[str] = ..., assigned: _Optional[int] = ..., claimed: _Optional[int] = ..., expired: _Optional[int] = ..., revoked: _Optional[int] = ..., cost: _Optional[str] = ...) -> None: ...

class PromotionClaimTime(_message.Message):
    __slots__ = ("promotion_id", "day", "seconds", "claims")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    day: str
    seconds: int
    claims: int
    def __init__(self, promotion_id: _Optional[str] = ..., day: _Optional[str] = ..., seconds: _Optional[int] = ..., claims: _Optional[int] = ...) -> None: ...

class AssignmentDeadline(_message.Message):
    __slots__ = ("id", "action", "due_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    action: DeadlineAction
    due_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., action: _Optional[_Union[DeadlineAction, str]] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ClaimKey(_message.Message):
    __slots__ = ("user_id", "key", "promotion_id", "created_at")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    key: str
    promotion_id: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, user_id: _Optional[str] = ..., key: _Optional[str] = ..., promotion_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Player(_message.Message):
    __slots__ = ("id", "is_active", "created_at", "updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    is_active: bool
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., is_active: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
