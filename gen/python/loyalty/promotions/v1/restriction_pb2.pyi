import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.users.v1 import restriction_pb2 as _restriction_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlayerRestriction(_message.Message):
    __slots__ = ("user_id", "kind", "until", "by_player")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    BY_PLAYER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    kind: _restriction_pb2.RestrictionKind
    until: _timestamp_pb2.Timestamp
    by_player: bool
    def __init__(self, user_id: _Optional[str] = ..., kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., by_player: _Optional[bool] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("promotion_id", "action", "created_at")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[Refusal.Action]
        ASSIGN: _ClassVar[Refusal.Action]
        JOB: _ClassVar[Refusal.Action]
        REDEEM: _ClassVar[Refusal.Action]
        CLAIM: _ClassVar[Refusal.Action]
    ACTION_UNSPECIFIED: Refusal.Action
    ASSIGN: Refusal.Action
    JOB: Refusal.Action
    REDEEM: Refusal.Action
    CLAIM: Refusal.Action
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    action: Refusal.Action
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, promotion_id: _Optional[str] = ..., action: _Optional[_Union[Refusal.Action, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
