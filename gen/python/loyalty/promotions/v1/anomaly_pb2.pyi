import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnomalyRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANOMALY_RULE_UNSPECIFIED: _ClassVar[AnomalyRule]
    PLAYER_AMOUNT: _ClassVar[AnomalyRule]
    PLAYER_COUNT: _ClassVar[AnomalyRule]
    PROMOTION_AMOUNT: _ClassVar[AnomalyRule]
    PROMOTION_COUNT: _ClassVar[AnomalyRule]
    CREDIT_WITHOUT_CLAIM: _ClassVar[AnomalyRule]
    CLAIM_RATE: _ClassVar[AnomalyRule]

class AnomalyScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANOMALY_SCOPE_UNSPECIFIED: _ClassVar[AnomalyScope]
    PLAYER_ENTRIES: _ClassVar[AnomalyScope]
    PROMOTION_CREDITS: _ClassVar[AnomalyScope]
ANOMALY_RULE_UNSPECIFIED: AnomalyRule
PLAYER_AMOUNT: AnomalyRule
PLAYER_COUNT: AnomalyRule
PROMOTION_AMOUNT: AnomalyRule
PROMOTION_COUNT: AnomalyRule
CREDIT_WITHOUT_CLAIM: AnomalyRule
CLAIM_RATE: AnomalyRule
ANOMALY_SCOPE_UNSPECIFIED: AnomalyScope
PLAYER_ENTRIES: AnomalyScope
PROMOTION_CREDITS: AnomalyScope

class Anomaly(_message.Message):
    __slots__ = ("id", "rule", "user_id", "promotion_id", "detail", "created_at", "seen", "seen_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    SEEN_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    rule: AnomalyRule
    user_id: str
    promotion_id: str
    detail: str
    created_at: _timestamp_pb2.Timestamp
    seen: bool
    seen_by: str
    def __init__(self, id: _Optional[str] = ..., rule: _Optional[_Union[AnomalyRule, str]] = ..., user_id: _Optional[str] = ..., promotion_id: _Optional[str] = ..., detail: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seen: _Optional[bool] = ..., seen_by: _Optional[str] = ...) -> None: ...

class AnomalyWindow(_message.Message):
    __slots__ = ("scope", "subject", "length", "start", "entries", "amount")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    scope: AnomalyScope
    subject: str
    length: int
    start: _timestamp_pb2.Timestamp
    entries: int
    amount: str
    def __init__(self, scope: _Optional[_Union[AnomalyScope, str]] = ..., subject: _Optional[str] = ..., length: _Optional[int] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., entries: _Optional[int] = ..., amount: _Optional[str] = ...) -> None: ...
