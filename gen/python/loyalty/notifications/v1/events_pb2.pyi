from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.promotions.v1 import promotion_pb2 as _promotion_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NotificationEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_EVENT_TYPE_UNSPECIFIED: _ClassVar[NotificationEventType]
    PROMOTION: _ClassVar[NotificationEventType]
    PROMOTION_EXPIRING: _ClassVar[NotificationEventType]
    PROMOTION_REVOKED: _ClassVar[NotificationEventType]
NOTIFICATION_EVENT_TYPE_UNSPECIFIED: NotificationEventType
PROMOTION: NotificationEventType
PROMOTION_EXPIRING: NotificationEventType
PROMOTION_REVOKED: NotificationEventType

class NotificationEvent(_message.Message):
    __slots__ = ("topic", "user_id", "event_type", "content")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    topic: str
    user_id: str
    event_type: NotificationEventType
    content: _promotion_pb2.Promotion
    def __init__(self, topic: _Optional[str] = ..., user_id: _Optional[str] = ..., event_type: _Optional[_Union[NotificationEventType, str]] = ..., content: _Optional[_Union[_promotion_pb2.Promotion, _Mapping]] = ...) -> None: ...
