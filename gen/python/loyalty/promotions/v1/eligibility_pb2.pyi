from google.protobuf import struct_pb2 as _struct_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Eligibility(_message.Message):
    __slots__ = ("eligible", "checks")
    class Rule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RULE_UNSPECIFIED: _ClassVar[Eligibility.Rule]
        NOT_ASSIGNED: _ClassVar[Eligibility.Rule]
        PLAYER_RESTRICTED: _ClassVar[Eligibility.Rule]
        ASSIGNMENT_REVOKED: _ClassVar[Eligibility.Rule]
        PROMOTION_ALREADY_CLAIMED: _ClassVar[Eligibility.Rule]
        ASSIGNMENT_EXPIRED: _ClassVar[Eligibility.Rule]
        PROMOTION_NOT_ACTIVE: _ClassVar[Eligibility.Rule]
        PROMOTION_NOT_STARTED: _ClassVar[Eligibility.Rule]
        PROMOTION_EXPIRED: _ClassVar[Eligibility.Rule]
        PROMOTION_EXHAUSTED: _ClassVar[Eligibility.Rule]
    RULE_UNSPECIFIED: Eligibility.Rule
    NOT_ASSIGNED: Eligibility.Rule
    PLAYER_RESTRICTED: Eligibility.Rule
    ASSIGNMENT_REVOKED: Eligibility.Rule
    PROMOTION_ALREADY_CLAIMED: Eligibility.Rule
    ASSIGNMENT_EXPIRED: Eligibility.Rule
    PROMOTION_NOT_ACTIVE: Eligibility.Rule
    PROMOTION_NOT_STARTED: Eligibility.Rule
    PROMOTION_EXPIRED: Eligibility.Rule
    PROMOTION_EXHAUSTED: Eligibility.Rule
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    eligible: bool
    checks: _containers.RepeatedCompositeFieldContainer[EligibilityCheck]
    def __init__(self, eligible: _Optional[bool] = ..., checks: _Optional[_Iterable[_Union[EligibilityCheck, _Mapping]]] = ...) -> None: ...

class EligibilityCheck(_message.Message):
    __slots__ = ("check", "passed", "message", "values")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    check: Eligibility.Rule
    passed: bool
    message: str
    values: _struct_pb2.Struct
    def __init__(self, check: _Optional[_Union[Eligibility.Rule, str]] = ..., passed: _Optional[bool] = ..., message: _Optional[str] = ..., values: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
