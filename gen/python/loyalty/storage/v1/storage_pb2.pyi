import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OutboxEvent(_message.Message):
    __slots__ = ("event_id", "topic", "key", "type", "source", "content_type", "payload", "time", "traceparent")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    topic: str
    key: str
    type: str
    source: str
    content_type: str
    payload: bytes
    time: _timestamp_pb2.Timestamp
    traceparent: str
    def __init__(self, event_id: _Optional[str] = ..., topic: _Optional[str] = ..., key: _Optional[str] = ..., type: _Optional[str] = ..., source: _Optional[str] = ..., content_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class InboxEvent(_message.Message):
    __slots__ = ("consumer", "event_id", "handled_at")
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    HANDLED_AT_FIELD_NUMBER: _ClassVar[int]
    consumer: str
    event_id: str
    handled_at: _timestamp_pb2.Timestamp
    def __init__(self, consumer: _Optional[str] = ..., event_id: _Optional[str] = ..., handled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IdempotencyKey(_message.Message):
    __slots__ = ("id", "request", "answer", "created_at", "existing")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    id: str
    request: bytes
    answer: bytes
    created_at: _timestamp_pb2.Timestamp
    existing: bool
    def __init__(self, id: _Optional[str] = ..., request: _Optional[bytes] = ..., answer: _Optional[bytes] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., existing: _Optional[bool] = ...) -> None: ...
