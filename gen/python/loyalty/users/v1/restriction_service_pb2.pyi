import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.users.v1 import restriction_pb2 as _restriction_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListRestrictionsRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ListRestrictionsResponse(_message.Message):
    __slots__ = ("restrictions",)
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    restrictions: _containers.RepeatedCompositeFieldContainer[_restriction_pb2.Restriction]
    def __init__(self, restrictions: _Optional[_Iterable[_Union[_restriction_pb2.Restriction, _Mapping]]] = ...) -> None: ...

class SetRestrictionRequest(_message.Message):
    __slots__ = ("user_id", "kind", "until", "reason")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    kind: _restriction_pb2.RestrictionKind
    until: str
    reason: str
    def __init__(self, user_id: _Optional[str] = ..., kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ..., until: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class LiftRestrictionRequest(_message.Message):
    __slots__ = ("user_id", "kind")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    kind: _restriction_pb2.RestrictionKind
    def __init__(self, user_id: _Optional[str] = ..., kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ...) -> None: ...

class LiftRestrictionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OwnRestriction(_message.Message):
    __slots__ = ("kind", "until", "created_at")
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    kind: _restriction_pb2.RestrictionKind
    until: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ..., until: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListMyRestrictionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMyRestrictionsResponse(_message.Message):
    __slots__ = ("restrictions",)
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    restrictions: _containers.RepeatedCompositeFieldContainer[OwnRestriction]
    def __init__(self, restrictions: _Optional[_Iterable[_Union[OwnRestriction, _Mapping]]] = ...) -> None: ...

class AddMyRestrictionRequest(_message.Message):
    __slots__ = ("kind", "until")
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    kind: _restriction_pb2.RestrictionKind
    until: str
    def __init__(self, kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ..., until: _Optional[str] = ...) -> None: ...

class LiftMyRestrictionRequest(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: _restriction_pb2.RestrictionKind
    def __init__(self, kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ...) -> None: ...

class LiftMyRestrictionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
