from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.promotions.v1 import anomaly_pb2 as _anomaly_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListAnomaliesRequest(_message.Message):
    __slots__ = ("seen", "rule", "page_size", "page_token")
    SEEN_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    seen: bool
    rule: _anomaly_pb2.AnomalyRule
    page_size: int
    page_token: str
    def __init__(self, seen: _Optional[bool] = ..., rule: _Optional[_Union[_anomaly_pb2.AnomalyRule, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAnomaliesResponse(_message.Message):
    __slots__ = ("anomalies", "next_page_token", "total", "total_is_estimate")
    ANOMALIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    anomalies: _containers.RepeatedCompositeFieldContainer[_anomaly_pb2.Anomaly]
    next_page_token: str
    total: int
    total_is_estimate: bool
    def __init__(self, anomalies: _Optional[_Iterable[_Union[_anomaly_pb2.Anomaly, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., total_is_estimate: _Optional[bool] = ...) -> None: ...

class MarkAnomalySeenRequest(_message.Message):
    __slots__ = ("anomaly_id",)
    ANOMALY_ID_FIELD_NUMBER: _ClassVar[int]
    anomaly_id: str
    def __init__(self, anomaly_id: _Optional[str] = ...) -> None: ...
