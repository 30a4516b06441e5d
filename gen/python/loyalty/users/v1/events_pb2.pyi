import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.users.v1 import audit_pb2 as _audit_pb2
from loyalty.users.v1 import restriction_pb2 as _restriction_pb2
from loyalty.users.v1 import user_pb2 as _user_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlayerEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLAYER_EVENT_TYPE_UNSPECIFIED: _ClassVar[PlayerEventType]
    PLAYER_REGISTERED: _ClassVar[PlayerEventType]
    PLAYER_DEACTIVATED: _ClassVar[PlayerEventType]
    PLAYER_ACTIVATED: _ClassVar[PlayerEventType]
    PLAYER_RESTRICTED: _ClassVar[PlayerEventType]
    PLAYER_UNRESTRICTED: _ClassVar[PlayerEventType]

class TransactionEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSACTION_EVENT_TYPE_UNSPECIFIED: _ClassVar[TransactionEventType]
    TRANSACTION_ADDED: _ClassVar[TransactionEventType]

class AuditEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_EVENT_TYPE_UNSPECIFIED: _ClassVar[AuditEventType]
    ACT_RECORDED: _ClassVar[AuditEventType]
PLAYER_EVENT_TYPE_UNSPECIFIED: PlayerEventType
PLAYER_REGISTERED: PlayerEventType
PLAYER_DEACTIVATED: PlayerEventType
PLAYER_ACTIVATED: PlayerEventType
PLAYER_RESTRICTED: PlayerEventType
PLAYER_UNRESTRICTED: PlayerEventType
TRANSACTION_EVENT_TYPE_UNSPECIFIED: TransactionEventType
TRANSACTION_ADDED: TransactionEventType
AUDIT_EVENT_TYPE_UNSPECIFIED: AuditEventType
ACT_RECORDED: AuditEventType

class PlayerEvent(_message.Message):
    __slots__ = ("topic", "event_type", "user_id", "status_version", "status")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    topic: str
    event_type: PlayerEventType
    user_id: str
    status_version: int
    status: PlayerStatus
    def __init__(self, topic: _Optional[str] = ..., event_type: _Optional[_Union[PlayerEventType, str]] = ..., user_id: _Optional[str] = ..., status_version: _Optional[int] = ..., status: _Optional[_Union[PlayerStatus, _Mapping]] = ...) -> None: ...

class PlayerStatus(_message.Message):
    __slots__ = ("is_active", "restrictions")
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    is_active: bool
    restrictions: _containers.RepeatedCompositeFieldContainer[PlayerRestriction]
    def __init__(self, is_active: _Optional[bool] = ..., restrictions: _Optional[_Iterable[_Union[PlayerRestriction, _Mapping]]] = ...) -> None: ...

class PlayerRestriction(_message.Message):
    __slots__ = ("kind", "until", "by_player")
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    BY_PLAYER_FIELD_NUMBER: _ClassVar[int]
    kind: _restriction_pb2.RestrictionKind
    until: _timestamp_pb2.Timestamp
    by_player: bool
    def __init__(self, kind: _Optional[_Union[_restriction_pb2.RestrictionKind, str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., by_player: _Optional[bool] = ...) -> None: ...

class TransactionEvent(_message.Message):
    __slots__ = ("topic", "event_type", "user_id", "transaction", "idempotency_key")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    topic: str
    event_type: TransactionEventType
    user_id: str
    transaction: _user_pb2.Transaction
    idempotency_key: str
    def __init__(self, topic: _Optional[str] = ..., event_type: _Optional[_Union[TransactionEventType, str]] = ..., user_id: _Optional[str] = ..., transaction: _Optional[_Union[_user_pb2.Transaction, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class AuditEvent(_message.Message):
    __slots__ = ("topic", "event_type", "actor", "entry")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    topic: str
    event_type: AuditEventType
    actor: str
    entry: _audit_pb2.AuditEntry
    def __init__(self, topic: _Optional[str] = ..., event_type: _Optional[_Union[AuditEventType, str]] = ..., actor: _Optional[str] = ..., entry: _Optional[_Union[_audit_pb2.AuditEntry, _Mapping]] = ...) -> None: ...
