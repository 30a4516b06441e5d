import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RestrictionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESTRICTION_KIND_UNSPECIFIED: _ClassVar[RestrictionKind]
    SELF_EXCLUSION: _ClassVar[RestrictionKind]
    COOL_OFF: _ClassVar[RestrictionKind]
    HARM_INDICATOR: _ClassVar[RestrictionKind]
    BONUS_ABUSE: _ClassVar[RestrictionKind]
    MARKETING_OPT_OUT: _ClassVar[RestrictionKind]
RESTRICTION_KIND_UNSPECIFIED: RestrictionKind
SELF_EXCLUSION: RestrictionKind
COOL_OFF: RestrictionKind
HARM_INDICATOR: RestrictionKind
BONUS_ABUSE: RestrictionKind
MARKETING_OPT_OUT: RestrictionKind

class Restriction(_message.Message):
    __slots__ = ("kind", "until", "reason", "set_by", "created_at")
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    kind: RestrictionKind
    until: str
    reason: str
    set_by: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[RestrictionKind, str]] = ..., until: _Optional[str] = ..., reason: _Optional[str] = ..., set_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
